# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random clusters and intents: one number makes one of them, the same on every machine."""

from __future__ import annotations

import copy
import dataclasses
import json
import random
import typing as t

from ansible_collections.vllm.cluster.plugins.module_utils.planning import intent, plan

from tests.unit.plugins.module_utils.models import samples

from . import faults, machines
from .machines import GIB, KINDS

_SMALL = {**samples.LLAMA, "num_hidden_layers": 16, "hidden_size": 2048, "intermediate_size": 8192}
_SMALL_MOE = {**samples.QWEN_MOE, "num_hidden_layers": 48, "hidden_size": 2048, "moe_intermediate_size": 768}
_SMALL_MLA = {**samples.DEEPSEEK, "num_hidden_layers": 27, "hidden_size": 2048, "n_routed_experts": 64}
_ODD_HEADS = {**samples.LLAMA, "num_attention_heads": 28, "num_key_value_heads": 4, "hidden_size": 3584}
CONFIGS: dict[str, dict[str, t.Any]] = {
    "org/dense-1b": _SMALL,
    "org/dense-8b": samples.LLAMA,
    "org/dense-7b-28-heads": _ODD_HEADS,
    "org/dense-32b": samples.QWEN_32B,
    "org/moe-30b": _SMALL_MOE,
    "org/moe-235b": samples.QWEN_MOE,
    "org/moe-mxfp4": samples.GPT_OSS,
    "org/mla-small": _SMALL_MLA,
    "org/mla-671b": samples.DEEPSEEK,
    "org/hybrid": samples.QWEN_NEXT,
    "/data/dense-8b": samples.LLAMA,
    "org/broken": {"model_type": "llama"},
}
SOURCES = {
    name: {"config": json.dumps(config), "quantization": None, "tensor_bytes": None, "problems": []}
    for name, config in CONFIGS.items()
}
_USUAL = ("org/dense-1b", "org/dense-8b", "org/dense-7b-28-heads", "org/dense-32b", "org/moe-30b", "org/mla-small")
_BIG = ("org/dense-32b", "org/moe-235b", "org/mla-671b")
_VERSIONS = ("0.33.0", "0.32.0", "0.20.0", "0.12.0", "0.11.0", "0.8.5")


@dataclasses.dataclass
class Cluster:
    """variables: what a person wrote, as the inventory has it. The rest: as plan.plan takes it."""

    seed: int
    variables: dict[str, t.Any]
    probes: dict[str, t.Any]
    addresses: dict[str, str]
    sources: dict[str, t.Any] = dataclasses.field(default_factory=lambda: SOURCES)
    interfaces: dict[str, str] = dataclasses.field(default_factory=dict)
    host_env: dict[str, t.Any] = dataclasses.field(default_factory=dict)

    def select(self, pattern: str) -> list[str]:
        """A host, ``all``, or hosts joined by commas."""
        return sorted(self.probes) if pattern == "all" else [name for name in pattern.split(",") if name in self.probes]

    def shuffled(self) -> Cluster:
        """The same cluster; only what has no order stands in another one."""
        probes, addresses = (dict(reversed(items.items())) for items in (self.probes, self.addresses))
        return dataclasses.replace(self, probes=probes, addresses=addresses)

    def plan(self, variables: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """The plan of what was written, or of something else on the same hosts. Raises PlanError."""
        wanted = intent.parse(copy.deepcopy(variables or self.variables), self.select, self.host_env.get)
        return plan.plan(wanted, self.probes, self.addresses, self.sources, self.interfaces)


def random_cluster(seed: int) -> Cluster:
    """Two in three are what a careful person has and writes; the others have faults and odd wishes."""
    rng = random.Random(seed)
    careful = rng.random() < 0.66
    probes = _hosts(rng, careful)
    addresses = {name: f"10.0.0.{number}" for number, name in enumerate(probes, 1)}
    for number, name in enumerate(probes, 1):
        _network(rng, probes[name], number, careful)
    if careful and rng.random() < 0.4:
        faults.one(rng, rng.choice(list(probes.values())))
    volta = any(gpu["compute_capability"] == "7.0" for probe in probes.values() for gpu in probe.get("gpus") or ())
    gpus = max(len(probe.get("gpus") or ()) for probe in probes.values())
    variables = _variables(rng, list(probes), gpus, volta, careful)
    models = {item["model"]: item for item in variables["vllm_services"]}
    for probe in probes.values():
        probe["paths"] = {name: _directory(rng, name, careful) for name in models if name.startswith("/")}
    interfaces = {name: "eth0" for name in probes if not careful and rng.random() < 0.05}
    if not careful and rng.random() < 0.05:
        addresses.pop(rng.choice(list(addresses)))
    result = Cluster(seed, variables, t.cast("dict[str, t.Any]", probes), addresses, interfaces=interfaces)
    if not careful and rng.random() < 0.05:
        result.probes[rng.choice(list(probes))] = None
    return result


def _hosts(rng: random.Random, careful: bool) -> dict[str, dict[str, t.Any]]:
    kind, gpus = rng.choice(KINDS), rng.choice([1, 2, 4, 8, 8, 8, 8])
    driver = rng.choice(machines.DRIVERS[:2] if careful else machines.DRIVERS)
    nics = rng.choice([0, 1, 4])
    probes = {}
    for number in range(rng.choice([1, 1, 2, 2, 2, 3, 4, 4])):
        name = f"host{number}"
        if rng.random() < (0.01 if careful else 0.05):
            probes[name] = machines.cpu_host(name, cpus=rng.choice([1, 4, 64]))
            continue
        if not careful and rng.random() < 0.2:
            kind, gpus = rng.choice(KINDS), rng.randint(0, 8)
        if not careful and rng.random() < 0.1:
            driver = rng.choice(machines.DRIVERS)
        probes[name] = machines.gpu_host(name, kind, gpus, nics, driver)
        if not careful:
            faults.spoil(rng, probes[name])
    if rng.random() < 0.08:
        probes = {name: machines.cpu_host(name, cpus=rng.choice([1, 4, 64])) for name in probes}
    return probes


def _network(rng: random.Random, probe: dict[str, t.Any], number: int, careful: bool) -> None:
    """eth0 everywhere; mostly something faster beside it."""
    names = ["eth0", "eth0", "ens3"] if not careful else ["eth0"]
    found = [machines.loopback(), machines.interface(rng.choice(names), f"10.0.0.{number}/24", speed=10000)]
    if rng.random() < (0.9 if careful else 0.5):
        address = f"10.9.{0 if careful else rng.choice([0, 0, 1])}.{number}/24"
        fast = rng.choice(["ib0", "ib1"])
        found.append(machines.interface(fast, address, speed=400000, type="infiniband", rdma="mlx5_0", mtu=4092))
        probe["rdma_devices"] = [machines.rdma(fast, state="active" if careful else rng.choice(["active", "down"]))]
    found.append(machines.interface("docker0", "172.17.0.1/16", speed=None, kind="bridge", driver="bridge", pci=None))
    if not careful and rng.random() < 0.2:
        found[1].update(rng.choice([{"state": "down"}, {"addresses": []}, {"speed_mbits": 100}, {"mtu": 9000}]))
    if rng.random() < (0.1 if careful else 0.3):
        taken = rng.sample([22, 8000, 8001, 8002, 6379, 8265, 29501, 20010, 10050], rng.randint(1, 4))
        unit = rng.choice([None, "ssh.service", "vllm-old-0.service"])
        probe["listeners"] = [
            {"address": "0.0.0.0", "port": port, "pid": 17, "process": "daemon", "unit": unit} for port in taken
        ]
    probe["interfaces"] = found


def _directory(rng: random.Random, name: str, careful: bool) -> dict[str, t.Any]:
    there = careful or rng.random() < 0.9
    return {
        "exists": there,
        "directory": there,
        "model": there and (careful or rng.random() < 0.9),
        "free_bytes": 500 * GIB,
        "filesystem": "ext4",
        "facts": SOURCES[name] if there else None,
    }


def _variables(rng: random.Random, hosts: list[str], gpus: int, volta: bool, careful: bool) -> dict[str, t.Any]:
    variables: dict[str, t.Any] = {"vllm_version": rng.choice(_VERSIONS[:2] if careful else _VERSIONS)}
    if careful and volta:
        variables["vllm_version"] = "0.8.5"
    if rng.random() < 0.3:
        variables["vllm_runtime"] = "container"
    if rng.random() < 0.1:
        variables["vllm_port_base"] = rng.choice([6379, 9000, 20000, 65530])
    count = rng.choice([1, 1, 1, 2, 2, 3, 4])
    services = [_service(rng, index, hosts, gpus, careful) for index in range(count)]
    if careful and len(hosts) > 1 and rng.random() < 0.5:
        services = [_wide(rng, hosts, gpus)]
    elif careful:
        _settle(rng, services, hosts, gpus)
    variables["vllm_services"] = services
    return variables


def _wide(rng: random.Random, hosts: list[str], gpus: int) -> dict[str, t.Any]:
    """One engine over all hosts: as its sizes say, or because one host does not hold the model."""
    service: dict[str, t.Any] = {"name": "wide", "model": rng.choice(_USUAL + _BIG), "hosts": "all"}
    if gpus and rng.random() < 0.7:
        service["parallel"] = {"tensor": rng.choice([gpus, gpus, 1]), "pipeline": len(hosts)}
    elif gpus and rng.random() < 0.3:
        service["gpus"] = gpus * len(hosts)
    else:
        service["model"] = rng.choice(_BIG)
    for key, chance, make in _WISHES:
        if key in ("args", "port", "executor", "interface", "api_key") and rng.random() < chance:
            service[key] = make(rng)
    return service


def _settle(rng: random.Random, services: list[dict[str, t.Any]], hosts: list[str], gpus: int) -> None:
    """Give every service hosts of its own, or a part of a host's GPUs."""
    if len(services) == 1 or rng.random() < 0.2:
        return
    if len(hosts) >= len(services):
        for index, service in enumerate(services):
            service["hosts"] = hosts[index :: len(services)]
        return
    share = next(size for size in (8, 4, 2, 1) if size * len(services) <= gpus or size == 1)
    for service in services:
        for key in ("parallel", "gpus", "devices", "replicas"):
            service.pop(key, None)
        service.update(hosts=rng.choice(hosts), gpus=share)


def _service(rng: random.Random, index: int, hosts: list[str], gpus: int, careful: bool) -> dict[str, t.Any]:
    model = rng.choice(_USUAL if careful and rng.random() < 0.8 else [*CONFIGS, "org/unknown", "lab://tiny"])
    chosen = rng.choice([["all"], [rng.choice(hosts)], rng.sample(hosts, rng.randint(1, len(hosts)))])
    service: dict[str, t.Any] = {"name": f"s{index}", "model": model, "hosts": rng.choice([chosen, ",".join(chosen)])}
    for key, chance, make in _WISHES:
        if rng.random() < chance * (1 if careful else 2):
            service[key] = make(rng)
    span = len(hosts) if chosen == ["all"] else len(chosen)
    if rng.random() < 0.08:
        return _divided(rng, service, hosts if chosen == ["all"] else chosen, careful)
    if rng.random() < 0.1:
        service["router"] = rng.choice([{"enabled": True}, {"enabled": False}, {"host": rng.choice(hosts)}])
    if rng.random() < 0.25:
        service["parallel"] = _parallel(rng, gpus or 1, span) if careful else _any_parallel(rng)
    elif span > 1 and gpus and rng.random() < 0.15:
        service["gpus"] = gpus * span
    return service


def _divided(rng: random.Random, service: dict[str, t.Any], hosts: list[str], careful: bool) -> dict[str, t.Any]:
    """The same with prefill and decode engines, on hosts of their own or together."""
    for key in ("replicas", "devices", "gpus", "balancing"):
        service.pop(key, None)
    half = max(1, len(hosts) // 2)
    for kind, mine in (("prefill", hosts[:half]), ("decode", hosts[half:] or hosts)):
        service[kind] = {"hosts": list(mine), "gpus": 1, "replicas": rng.choice([1, 1, 2, 3])}
        if rng.random() < (0.1 if careful else 0.4):
            service[kind].update(
                rng.choice([{"gpus": 2}, {"args": {"max_num_seqs": 64}}, {"executor": "mp"}, {"ports": {}}])
            )
    if rng.random() < 0.5:
        service["kv_transfer"] = {
            "connector": rng.choice(["nixl", "nixl", "mooncake", "lmcache_mp", "mooncake_store", "auto"])
        }
    if rng.random() < 0.2:
        service["router"] = rng.choice([{"enabled": False}, {"host": rng.choice(hosts)}, {"port": 8080}])
    return service


def _parallel(rng: random.Random, gpus: int, hosts: int) -> dict[str, t.Any]:
    """Sizes that come out even on so many hosts of so many GPUs."""
    tensor = rng.choice([size for size in (1, 2, 4, 8) if size <= gpus])
    sizes = {"tensor": tensor, "pipeline": rng.choice([1, hosts, hosts])}
    if rng.random() < 0.2:
        sizes = {"tensor": tensor, "data": rng.choice([1, hosts, gpus // tensor])}
    if rng.random() < 0.1:
        sizes = {"tensor": gpus * hosts}
    return sizes


def _any_parallel(rng: random.Random) -> dict[str, t.Any]:
    sizes: dict[str, t.Any] = {"tensor": rng.choice([1, 2, 2, 4, 4, 8, 3])}
    if rng.random() < 0.3:
        sizes["pipeline"] = rng.choice([1, 2, 2, 3, 4])
    if rng.random() < 0.15:
        sizes["data"] = rng.choice([1, 2, 4])
    if rng.random() < 0.1:
        sizes["decode_context"] = rng.choice([1, 2, 4])
    if rng.random() < 0.15:
        sizes["expert"] = rng.choice([True, False])
    return rng.choice([sizes, sizes, {"decode_context": 2}, {"expert": True}])


def _args(rng: random.Random) -> dict[str, t.Any]:
    args: dict[str, t.Any] = {"max_model_len": rng.choice([1024, 8192, 8192, 32768, "auto", "32k"])}
    if rng.random() < 0.03:
        args["max_model_len"] = 10**7
    if rng.random() < 0.3:
        args["gpu_memory_utilization"] = rng.choice([0.5, 0.9, 0.9, 0.92, "0.95"] if rng.random() < 0.95 else [1.5])
    if rng.random() < 0.2:
        args["enforce_eager"] = True
    return args


def _ports(rng: random.Random) -> dict[str, int]:
    names = ["ray", "ray_client", "ray_dashboard", "rendezvous", "data_parallel"]
    return {name: rng.choice([6379, 6400, 8000, 8265, 29501, 31000]) for name in rng.sample(names, rng.randint(1, 2))}


#: What a service may have besides: how often, and how it is made. Twice as often where nobody is careful.
_WISHES: tuple[tuple[str, float, t.Callable[[random.Random], t.Any]], ...] = (
    ("args", 0.5, _args),
    ("replicas", 0.12, lambda rng: rng.choice([1, 2, 2, 3, 4, 8])),
    ("gpus", 0.07, lambda rng: rng.choice([1, 2, 4, 8, 16, 3, 0])),
    ("devices", 0.06, lambda rng: rng.sample(range(8), rng.choice([1, 2, 4]))),
    ("port", 0.15, lambda rng: rng.choice([8000, 8000, 8001, 8080, 65535])),
    ("ports", 0.05, _ports),
    ("executor", 0.15, lambda rng: rng.choice(["mp", "ray", "ray", "auto"])),
    ("balancing", 0.05, lambda rng: rng.choice(["internal", "hybrid", "external"])),
    ("version", 0.04, lambda rng: rng.choice(_VERSIONS)),
    ("runtime", 0.05, lambda rng: rng.choice(["env", "container"])),
    ("accelerator", 0.03, lambda rng: rng.choice(["cuda", "cpu"])),
    ("interface", 0.04, lambda rng: rng.choice(["eth0", "ib0", "ib*", "10.9.0.0/16", "bond7"])),
    ("concurrency", 0.06, lambda rng: rng.choice([1, 4, 64, 10000])),
    ("api_key", 0.3, lambda rng: f"sk-hidden-{rng.randrange(10**6)}"),
    ("env", 0.05, lambda rng: {"NCCL_DEBUG": rng.choice(["INFO", "WARN"])}),
)
