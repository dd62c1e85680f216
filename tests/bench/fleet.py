# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet of any size for benchmarks: hosts of eight GPUs, and services of four kinds that fill them."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.vllm.cluster.plugins.module_utils.planning import intent, plan

from tests.unit.plugins.module_utils.models import samples
from tests.unit.plugins.module_utils.planning import machines

GPUS = 8
_MODELS = {
    "org/dense-8b": samples.LLAMA,
    "org/dense-32b": samples.QWEN_32B,
    "org/moe-235b": samples.QWEN_MOE,
    "org/mla-671b": samples.DEEPSEEK,
}


class Fleet(t.NamedTuple):
    """All that planning takes."""

    variables: dict[str, t.Any]
    probes: dict[str, t.Any]
    addresses: dict[str, str]
    sources: dict[str, t.Any]

    def select(self, pattern: str) -> list[str]:
        return [pattern] if pattern in self.probes else []

    def plan(self) -> dict[str, t.Any]:
        """Check the intent and plan it, as the plan action does. Raises PlanError."""
        return plan.plan(intent.parse(self.variables, self.select), self.probes, self.addresses, self.sources)


def fleet(hosts: int, services: int) -> Fleet:
    """Hosts of one make, alike but for names and addresses; each service has hosts of its own, or a part of one."""
    probes = {f"gpu{number:04}": _host(f"gpu{number:04}", number) for number in range(hosts)}
    names = list(probes)
    variables = {
        "vllm_services": [_service(index, names[index::services], names, services) for index in range(services)],
        "vllm_version": "0.33.0",
    }
    addresses = {name: _address(10, number) for number, name in enumerate(names)}
    sources = {
        name: {"config": json.dumps(config), "quantization": None, "tensor_bytes": None, "problems": []}
        for name, config in _MODELS.items()
    }
    return Fleet(variables, probes, addresses, sources)


def _service(index: int, own: list[str], names: list[str], services: int) -> dict[str, t.Any]:
    name, key = f"s{index:03}", f"sk-{index:03}"
    if services > len(names):
        share = GPUS * len(names) // services
        return {
            "name": name,
            "model": "org/dense-8b",
            "hosts": names[index % len(names)],
            "gpus": share,
            "api_key": key,
        }
    # Long pipelines are rare; many copies of a model with experts are not.
    wide = {"pipeline": len(own)} if len(own) <= 8 else {"data": len(own), "expert": True}
    kinds: list[dict[str, t.Any]] = [
        {"model": "org/dense-32b", "args": {"max_model_len": 32768}},
        {"model": "org/moe-235b", "parallel": {"tensor": GPUS, **wide}},
        {"model": "org/mla-671b", "args": {"max_model_len": 16384}} if len(own) > 1 else {"model": "org/dense-32b"},
        {"model": "org/dense-8b", "replicas": 2 * len(own), "gpus": 2},
        {"model": "org/moe-235b", "parallel": {"tensor": GPUS, **wide}, "executor": "ray"},
    ]
    return {"name": name, "hosts": own, "api_key": key, **kinds[index % len(kinds)]}


def _host(name: str, number: int) -> dict[str, t.Any]:
    probe = machines.gpu_host(name, gpus=GPUS, nics=4)
    probe["interfaces"] += [
        machines.interface("eth0", _address(10, number) + "/16"),
        machines.interface("ib0", _address(20, number) + "/16", speed=400000, type="infiniband", rdma="mlx5_0"),
        machines.interface("docker0", "172.17.0.1/16", speed=None, kind="bridge"),
    ]
    probe["rdma_devices"] = [machines.rdma("ib0")]
    probe["listeners"] = [
        {"address": "0.0.0.0", "port": port, "pid": 1, "process": "daemon", "unit": "other.service"}
        for port in (22, 111, 9100)
    ]
    return probe


def _address(network: int, number: int) -> str:
    return f"10.{network}.{number // 250}.{number % 250 + 1}"
