# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A probe with any one value changed into nonsense is refused with its place, or planned from: never a traceback."""

from __future__ import annotations

import contextlib
import copy
import json
import typing as t

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.planning import intent, plan
from ansible_collections.vllm.cluster.plugins.module_utils.planning.errors import PlanError
from ansible_collections.vllm.cluster.plugins.plugin_utils import probe_shape

from tests.unit.plugins.module_utils.models import samples
from tests.unit.plugins.module_utils.planning import machines

JUNK = ("80 GiB", "", -5, 2**70, 1.5, True, [], {}, [None], {"a": None}, None)
HOSTS = ("gpu1", "gpu2")


def probe(number):
    eth = machines.interface("eth0", f"10.9.0.{number}/24", rdma="mlx5_0")
    found = machines.gpu_host(f"gpu{number}", gpus=2, nics=1, interfaces=[machines.loopback(), eth])
    found["gpus"][0]["processes"] = [machines.process("vllm", "vllm-a-0.service")]
    found["rdma_devices"] = [machines.rdma("eth0")]
    found["listeners"] = [{"address": "0.0.0.0", "port": 22, "pid": 1, "process": "sshd", "unit": "ssh.service"}]
    found["routes"] = {f"10.9.0.{3 - number}": {"interface": "eth0", "source": f"10.9.0.{number}"}}
    found["paths"] = {"/m": {"exists": True, "directory": True, "model": True, "facts": None}}
    found["gpu_diagnosis"] = [{"id": "x", "message": "GPU 0 is hot", "fix": "cool it", "gpu": 0}]
    found["images"] = [{"name": "vllm/vllm-openai:v0.33.0", "id": "sha256:1"}]
    return found


def places(value: t.Any, where: tuple[t.Any, ...] = ()) -> t.Iterator[tuple[t.Any, ...]]:
    """The way to every value, whole lists and mappings too."""
    if where:
        yield where
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(item, (*where, key))


def changed(found, where, junk):
    result = copy.deepcopy(found)
    inner = result
    for key in where[:-1]:
        inner = inner[key]
    inner[where[-1]] = copy.deepcopy(junk)
    return result


def planned(first):
    services = [
        {"name": "a", "model": "/m", "hosts": "gpu1 gpu2", "listen": "127.0.0.1", "parallel": {"pipeline": 4}},
        {"name": "b", "model": "/m", "hosts": "gpu1", "accelerator": "cpu", "listen": "127.0.0.1"},
    ]
    read = intent.parse({"vllm_services": services, "vllm_version": "0.33.0"}, str.split)
    sources = {"/m": {"config": json.dumps(samples.LLAMA), "quantization": None, "tensor_bytes": None, "problems": []}}
    return plan.plan(read, {"gpu1": first, "gpu2": probe(2)}, {"gpu1": "10.9.0.1", "gpu2": "10.9.0.2"}, sources)


def test_the_probe_itself_is_good():
    assert list(probe_shape.faults(probe(1))) == []
    assert len(planned(probe(1))["engines"]) == 2


@pytest.mark.parametrize("key", sorted(probe(1)))
def test_one_value_of_nonsense(key):
    whole = probe(1)
    for where in places({key: whole[key]}):
        for junk in JUNK:
            found = changed(whole, where, junk)
            if list(probe_shape.faults(found)):
                continue
            with contextlib.suppress(PlanError):
                planned(found)
