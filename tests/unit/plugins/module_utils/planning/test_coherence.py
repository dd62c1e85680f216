# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Members of an engine that do not go together."""

from __future__ import annotations

import time

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.planning.devices import Grant
from ansible_collections.vllm.cluster.plugins.module_utils.topology.groups import Group

from .cases import S0, assert_said, engine, experts, model, refuses, said, table, warns
from .gpu_hosts import CONTAINER, CPU, HOSTS, TWO, check, host, on, usual

RAY = {"executor": "ray", "hosts": TWO}
IB = {"a-0": {name: {"name": "ib0", "rdma": "mlx5_0"} for name in ("gpu1", "gpu2")}}
ETH = {"a-0": {name: {"name": "eth0", "rdma": None} for name in ("gpu1", "gpu2")}}


def pulled(first, second, image=None):
    """Two members that hold these images of one name."""

    def run():
        name = image or "vllm/vllm-openai:v0.32.0"
        held = [{"images": [{"name": "other:1", "id": "x"}, {"name": name, "id": each}]} for each in (first, second)]
        made = engine(hosts=TWO, **CONTAINER, **({"image": image} if image else {}))
        return check(made, {"gpu1": host(**held[0]), "gpu2": host(**held[1])})

    return run


CASES = [
    refuses(
        "images-differ",
        pulled("sha256:aaa", "sha256:bbb"),
        f"{S0}.image",
        ["sha256:aaa on gpu1", "sha256:bbb on gpu2"],
        "pull it again",
    ),
    refuses("images-differ", pulled("sha256:a", "sha256:b", "mine:1"), f"{S0}.image", ["'mine:1'"], "name@sha256"),
    warns("image-unpinned", pulled("a", "a", "registry:5000/vllm"), f"{S0}.image", ["registry:5000/vllm"], "tag"),
    warns(
        "image-unpinned",
        usual(hosts=TWO, **CONTAINER, variables={"vllm_image": "vllm/vllm-openai:latest"}),
        "vllm_image",
        ["latest"],
        "digest",
    ),
    refuses(
        "machines-differ",
        on(host(machine="aarch64"), hosts=TWO),
        HOSTS,
        ["aarch64 on gpu2", "x86_64 on gpu1"],
        "one kind",
    ),
    refuses(
        "drivers-differ",
        on(host(driver="580.65.06"), hosts=TWO),
        HOSTS,
        ["580.65.06 on gpu2", "580.95.05 on gpu1"],
        "such as 580.95.05",
    ),
    warns(
        "gpus-differ",
        on(host(name="NVIDIA A100", power="8.0"), hosts=TWO),
        HOSTS,
        ["NVIDIA A100 (80 GiB) on gpu2"],
        "one kind",
    ),
    warns(
        "gpus-differ", on(host(memory=94), hosts=TWO), HOSTS, ["(94 GiB) on gpu2", "(80 GiB) on gpu1"], f"{S0}.devices"
    ),
    refuses(
        "mp-over-hosts",
        usual(hosts=TWO, version="0.11.0"),
        f"{S0}.executor",
        ["0.11.0 runs on one host only"],
        "executor: ray",
        "0.11.1",
    ),
    refuses(
        "experts-on-cpu",
        usual(**CPU, hosts=TWO, parallel={"tensor": 1, "data": 2}, facts=experts()),
        f"{S0}.parallel.data",
        ["2", "cannot exchange tokens"],
        "replicas",
    ),
    warns(
        "experts-on-cpu",
        usual(**CPU, hosts=TWO, parallel={"tensor": 2, "expert": True}, facts=experts()),
        f"{S0}.parallel.expert",
        ["crashed"],
        "leave expert out",
    ),
    refuses(
        "ray-state-dir",
        usual(**RAY, variables={"vllm_state_dir": "/srv/applications/vllm/of-every-user"}),
        "vllm_state_dir",
        ["107 bytes", "engine a-0 it may have 35 characters, not 36"],
        "shorter path",
    ),
    refuses(
        "ray-version",
        usual(version="0.7.3", variables={"vllm_ray_version": "2.60.0"}),
        "vllm_ray_version",
        ["'2.60.0'", "0.7.3 of vllm_services[0] takes Ray ==2.40.0"],
        "==2.40.0",
    ),
    refuses(
        "ray-version",
        usual(variables={"vllm_ray_version": "newest"}, version="0.16.0"),
        "vllm_ray_version",
        ["is no version"],
        "2.60.0",
    ),
    refuses(
        "pythons-differ", on(host(python="3.12.4"), **RAY), "vllm_python", ["3.12.3 on gpu1", "3.12.4 on gpu2"], "patch"
    ),
    refuses(
        "pythons-differ",
        on(host(python="3.11.4"), **RAY, env={"RAY_DEFAULT_PYTHON_VERSION_MATCH_LEVEL": "minor"}),
        "vllm_python",
        ["3.11 on gpu2"],
        "minor",
    ),
    refuses(
        "pythons-differ",
        on(host(python="3.11.4"), hosts=TWO),
        "vllm_python",
        ["3.11 on gpu2", "3.12 on gpu1"],
        "minor",
    ),
    warns(
        "ray-data-experts",
        usual(**RAY, parallel={"data": 2, "pipeline": 1, "expert": True}),
        f"{S0}.executor",
        ["44878"],
        "executor: mp",
    ),
    warns(
        "rdma-disabled",
        usual(hosts=TWO, env={"NCCL_IB_DISABLE": 1}),
        f"{S0}.env.NCCL_IB_DISABLE",
        ["gpu1, gpu2 have RDMA"],
        "leave it out",
    ),
    warns(
        "nvlink-disabled",
        usual(env={"NCCL_P2P_DISABLE": 1}),
        f"{S0}.env.NCCL_P2P_DISABLE",
        ["gpu1", "NVLink"],
        "leave it out",
    ),
    warns(
        "peermem-missing",
        on(host(peermem=False, kernel="5.10.0-30-amd64"), hosts=TWO, interfaces=IB),
        HOSTS,
        ["not loaded on gpu2"],
        "modprobe nvidia_peermem",
    ),
    warns(
        "peermem-missing",
        on(
            host(peermem=False, kernel="6.8.0-31-generic"),
            args={"kv_transfer_config": {"kv_connector": "MooncakeConnector", "kv_role": "kv_both"}},
        ),
        HOSTS,
        ["gpu1"],
        "modprobe nvidia_peermem",
    ),
    warns(
        "peermem-missing",
        on(host(peermem=False), hosts=TWO, interfaces=IB),
        HOSTS,
        ["not loaded on gpu2"],
        "modprobe nvidia_peermem",
    ),
]

GOOD = {
    "sixteen H100": usual(hosts=TWO, interfaces=IB),
    "Ray": usual(**RAY),
    "mp since it spans hosts": usual(hosts=TWO, version="0.11.1"),
    "a Ray that fits": usual(version="0.7.3", variables={"vllm_ray_version": "2.40.0"}),
    "Ray beside a container": usual(version="0.7.3", **CONTAINER),
    "other patch releases of Python with mp": on(host(python="3.12.9"), hosts=TWO),
    "other patch releases that Ray is told to join": on(
        host(python="3.12.9"), **RAY, env={"RAY_DEFAULT_PYTHON_VERSION_MATCH_LEVEL": "minor"}
    ),
    "plain NCCL without InfiniBand": usual(hosts=TWO, interfaces=ETH, env={"NCCL_IB_DISABLE": 1}),
    "no peermem where no RDMA is used": on(host(peermem=False), hosts=TWO, interfaces=ETH),
    "experts that tensor splits on the CPU": usual(**CPU, hosts=TWO, parallel={"tensor": 2}, facts=experts()),
    "copies without experts on the CPU": usual(**CPU, hosts=TWO, parallel={"tensor": 1, "data": 2}, facts=model()),
    "a folder that is as long as Ray's sockets let it be": usual(
        **RAY, variables={"vllm_state_dir": "/srv/applications/vllm/of-all-users"}
    ),
    "Ray's range asks nothing of CPU builds": usual(version="0.9.2", **CPU, variables={"vllm_ray_version": "2.40.0"}),
    "Pythons beside containers": on(host(python="3.11.4"), hosts=TWO, **CONTAINER, version="0.17.1"),
    "no InfiniBand on one host": usual(env={"NCCL_IB_DISABLE": 1}),
    "no peermem where DMA-BUF does it": on(host(peermem=False, kernel="6.8.0-31-generic"), hosts=TWO, interfaces=IB),
    "the very kernel and driver of DMA-BUF": on(
        host(peermem=False, kernel="5.12.0", driver="580.95.05"), hosts=TWO, interfaces=IB
    ),
    "no peermem on one host": on(host(peermem=False)),
    "experts over hosts with Ray, one copy": usual(**RAY, parallel={"expert": True}),
    "copies over hosts with Ray, no experts": usual(**RAY, parallel={"data": 2, "pipeline": 1}),
    "the same image": pulled("sha256:a", "sha256:a", "mine:1"),
    "an image by its digest": pulled("sha256:a", None, "registry:5000/vllm@sha256:" + "0123" * 16),
    "an image that one member still pulls": pulled("sha256:a", None),
    "the newest image on one host": usual(**CONTAINER, image="mine:latest"),
    "PCIe boxes without peer access": on(host(nvlink_groups=[]), env={"NCCL_P2P_DISABLE": 1}),
    "offloading over hosts": usual(hosts=TWO, args={"kv_offloading_size": 1500}),
    "nothing known": lambda: check(engine(hosts=TWO), {"gpu1": None, "gpu2": {}}),
}


@table(CASES)
def test_what_is_said(case):
    assert_said(case)


@pytest.mark.parametrize("make", GOOD.values(), ids=GOOD)
def test_nothing_is_said_of_what_works(make):
    assert said(make()) == []


def test_only_the_gpus_that_the_engine_has_are_looked_at():
    made = engine(grants=(Grant((Group((0, 1), None, True, None, ()),)),))
    mixed = host()
    mixed["gpus"][7].update(name="NVIDIA T400", compute_capability="7.0")
    assert said(check(made, {"gpu1": mixed})) == []
    assert {item.id for item in said(check(engine(), {"gpu1": mixed}))} == {"gpus-differ", "gpu-too-old"}


def test_a_thousand_hosts_are_checked_in_a_moment():
    engines = [engine(name=f"s{number}", hosts=f"gpu{number}") for number in range(1000)]
    probes = {f"gpu{number}": host() for number in range(1000)}
    start = time.process_time()
    assert said(check(engines, probes)) == []
    assert time.process_time() - start < 1
