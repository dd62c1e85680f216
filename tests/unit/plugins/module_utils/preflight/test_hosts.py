# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.preflight.hosts import Needs, judge_hosts

ENV = "/opt/vllm/envs/x"
GIB = 1 << 30


def probe(**changes):
    versions = {"python": "3.12.3", "vllm": "0.33.0", "ray": "2.60.0", "torch": "2.14.0", "nccl": "2.28.9"}
    return {
        "driver": "580.95.05",
        "environments": {ENV: {**versions, **changes.pop("versions", {})}},
        "listeners": [],
        "shm": {"path": "/dev/shm", "total_bytes": 64 * GIB, "free_bytes": 64 * GIB},
        "memlock": "unlimited",
        **changes,
    }


def judge(*probes, **needs):
    need = Needs(**{"environment": ENV, **needs})
    names = [f"gpu{number}" for number in range(1, len(probes) + 1)]
    return judge_hosts(dict.fromkeys(names, need), dict(zip(names, probes)))


def test_all_is_well():
    assert judge(probe(), probe(), probe(), executor="ray", rdma=True) == []


def test_nothing_is_said_of_what_is_not_known():
    assert judge(None, {}, {"environments": None, "shm": None, "memlock": None}) == []
    assert judge(probe(), probe(versions={"vllm": "0.32.0"}), environment=None) == []


@pytest.mark.parametrize(
    ("key", "value", "executor", "level"),
    [
        ("ray", "2.59.0", "ray", "error"),
        ("ray", "2.59.0", "mp", None),
        ("python", "3.12.4", "ray", "error"),
        ("python", "3.12.4", "mp", "warning"),
        ("vllm", "0.32.0", "mp", "error"),
        ("torch", "2.13.0", "mp", "error"),
        ("nccl", "2.27.5", "mp", "error"),
    ],
)
def test_a_member_with_another_version(key, value, executor, level):
    found = judge(probe(), probe(versions={key: value}), probe(), executor=executor)
    assert [(item.id, item.source, item.target, item.level) for item in found] == (
        [(f"{key}-differs", "gpu2", "gpu1", level)] if level else []
    )
    assert all(f"is {value} on gpu2 and" in item.what for item in found)


def test_the_odd_one_is_named_even_when_it_is_the_head():
    (item,) = judge(probe(versions={"ray": "2.59.0"}), probe(), probe(), executor="ray")
    assert (item.source, item.target) == ("gpu1", "gpu2")


def test_of_two_the_head_is_right():
    (item,) = judge(probe(driver="570.1"), probe())
    assert (item.id, item.source, item.target) == ("driver-differs", "gpu2", "gpu1")


def test_an_environment_that_lacks_something():
    (item,) = judge(probe(), probe(versions={"ray": None}), executor="ray")
    assert (item.id, item.source, item.what) == ("environment-lacks", "gpu2", f"{ENV} on gpu2 lacks ray")


def test_a_held_port():
    listener = {"address": "0.0.0.0", "port": 6379, "pid": 7, "process": "redis-server", "unit": "redis.service"}
    (item,) = judge(probe(), probe(listeners=[listener]), ports={"ray": 6379})
    assert (item.id, item.source) == ("port-busy", "gpu2")
    assert item.what == "port 6379 (ray) of gpu2 is held by redis-server (pid 7) of redis.service"
    own = {**listener, "unit": "vllm-x-ray.service"}
    assert judge(probe(listeners=[own]), ports={"ray": 6379}, units=("vllm-x-ray.service",)) == []


@pytest.mark.parametrize(("ranks", "store", "small"), [(1, 0, False), (8, 0, True), (1, GIB, True)])
def test_shared_memory(ranks, store, small):
    found = judge(probe(shm={"free_bytes": GIB}), ranks=ranks, object_store_bytes=store)
    assert [item.id for item in found] == (["shm-small"] if small else [])


def test_docker_gives_64_mebibytes():
    (item,) = judge(probe(), probe(shm={"free_bytes": 64 << 20}))
    assert (item.source, item.what) == (
        "gpu2",
        "shared memory of gpu2 has 64 MiB free, and the engine needs 256 MiB",
    )


@pytest.mark.parametrize(
    ("limit", "needs", "found"),
    [
        (8388608, {"rdma": True}, ["memlock-small"]),
        (8388608, {"rdma": False}, []),
        (8388608, {"rdma": True, "memlock": "infinity"}, []),
        ("unlimited", {"rdma": True}, []),
    ],
)
def test_locked_memory(limit, needs, found):
    assert [item.id for item in judge(probe(memlock=limit), **needs)] == found
