# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts made up for tests, as vllm.cluster.host_probe tells of them."""

from __future__ import annotations

import dataclasses
import itertools
import typing as t

from ansible_collections.vllm.cluster.plugins.module_utils.topology.gpu import Gpu, Process
from ansible_collections.vllm.cluster.plugins.module_utils.topology.graph import Graph
from ansible_collections.vllm.cluster.plugins.module_utils.topology.kinds import NVLINK, Link

MIB = 2**20
GIB = 2**30


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of GPU. mib: as nvidia-smi prints it. wiring: of its NVLinks. count: NVLinks of a pair."""

    name: str
    mib: int
    capability: str
    wiring: str
    count: int = 0


KINDS = (
    Kind("NVIDIA H100 80GB HBM3", 81559, "9.0", "full", 18),
    Kind("NVIDIA H200", 143771, "9.0", "full", 18),
    Kind("NVIDIA A100-SXM4-80GB", 81920, "8.0", "full", 12),
    Kind("NVIDIA A100-SXM4-40GB", 40960, "8.0", "quads", 4),
    Kind("Tesla V100-SXM2-32GB", 32768, "7.0", "mesh"),
    Kind("NVIDIA RTX A6000", 49140, "8.6", "pairs", 4),
    Kind("NVIDIA L40S", 46068, "8.9", "none"),
    Kind("NVIDIA GeForce RTX 3090", 24576, "8.6", "none"),
    Kind("NVIDIA B200", 183359, "10.0", "full", 18),
)
#: The cube mesh of eight V100s: NVLinks of each pair that has any.
_MESH = {
    (0, 1): 1, (0, 2): 1, (0, 3): 2, (0, 4): 2, (1, 2): 2, (1, 3): 1, (1, 5): 2, (2, 3): 2, (2, 6): 1,
    (3, 7): 1, (4, 5): 1, (4, 6): 1, (4, 7): 2, (5, 6): 2, (5, 7): 1, (6, 7): 2,
}  # fmt: skip
#: Driver, and the newest CUDA that it takes.
DRIVERS = (("580.95.05", "13.0"), ("595.71.05", "13.2"), ("570.172.08", "12.8"), ("550.163.01", "12.4"))
SYSTEMS = (("debian", "12", "3.11.2"), ("ubuntu", "24.04", "3.12.3"), ("ubuntu", "22.04", "3.10.12"))


def pair(kind: Kind, a: int, b: int) -> Link:
    """The link of two GPUs (a < b)."""
    count = {
        "full": kind.count,
        "quads": kind.count if a // 4 == b // 4 else 0,
        "pairs": kind.count if a // 2 == b // 2 else 0,
        "mesh": _MESH.get((a, b), 0),
        "none": 0,
    }[kind.wiring]
    if count:
        return Link(NVLINK, count)
    return Link("NODE" if a // 4 == b // 4 else "SYS", 0)


def gpu_host(
    name: str,
    kind: Kind = KINDS[0],
    gpus: int = 8,
    nics: int = 0,
    driver: tuple[str, str] = DRIVERS[0],
    **changes: t.Any,
) -> dict[str, t.Any]:
    """A host of like GPUs, one NIC next to every second of them while they last."""
    graph = Graph(
        gpus=list(range(gpus)),
        links={(a, b): pair(kind, a, b) for a, b in itertools.combinations(range(gpus), 2)},
        numa={index: (index // 4,) for index in range(gpus)},
    )
    devices = [f"mlx5_{number}" for number in range(nics)]
    near = {nic: {gpu: _nic_link(gpu, number) for gpu in range(gpus)} for number, nic in enumerate(devices)}
    for gpu in range(gpus):
        graph.nics[gpu] = {nic: near[nic][gpu] for nic in devices}
    return {
        **cpu_host(name),
        "driver": driver[0],
        "cuda": driver[1],
        "gpus": [_gpu(name, kind, index, graph, driver) for index in range(gpus)],
        "links": [{"gpus": [a, b], "type": link.kind, "count": link.count} for (a, b), link in graph.links.items()],
        "nics": [
            {
                "name": f"NIC{number}",
                "device": nic,
                "links": [{"gpu": gpu, "type": link.kind, "count": 0} for gpu, link in near[nic].items()],
            }
            for number, nic in enumerate(devices)
        ],
        "nvlink_groups": graph.nvlink_groups(),
        "cliques": graph.cliques(),
        "peermem": bool(nics),
        **changes,
    }


def cpu_host(name: str, **changes: t.Any) -> dict[str, t.Any]:
    """A host without GPUs."""
    system, version, python = SYSTEMS[0]
    return {
        "machine": "x86_64",
        "hostname": name,
        "kernel": "6.1.0-30-amd64",
        "os": {"id": system, "version": version, "name": f"{system} {version}"},
        "cpus": 64,
        "memory_bytes": 1024 * GIB,
        "memory_available_bytes": 1000 * GIB,
        "numa": [{"node": 0, "cpus": "0-63", "memory_bytes": 1024 * GIB}],
        "shm": {"path": "/dev/shm", "total_bytes": 512 * GIB, "free_bytes": 512 * GIB},
        "memlock": "unlimited",
        "driver": "absent",
        "driver_error": None,
        "cuda": None,
        "gpus": [],
        "links": [],
        "nics": [],
        "nvlink_groups": [],
        "cliques": [],
        "gpu_warnings": [],
        "gpu_diagnosis": [],
        "interfaces": [loopback()],
        "rdma_devices": [],
        "routes": {},
        "peermem": None,
        "listeners": [],
        "engine_container": {"name": "docker", "version": "28.3.2"},
        "images": [],
        "pythons": {"/usr/bin/python3": python},
        "environments": {},
        "paths": {},
        **changes,
    }


def interface(name: str, *addresses: str, speed: int | None = 10000, **changes: t.Any) -> dict[str, t.Any]:
    """A network interface that is up. speed: Mb/s."""
    return {
        "name": name,
        "addresses": list(addresses),
        "mac": "02:00:00:00:00:01",
        "mtu": 1500,
        "state": "up",
        "carrier": True,
        "speed_mbits": speed,
        "kind": "physical",
        "type": "ethernet",
        "driver": "mlx5_core",
        "numa": 0,
        "pci": "0000:1a:00.0",
        "master": None,
        "rdma": None,
        **changes,
    }


def loopback() -> dict[str, t.Any]:
    return interface(
        "lo", "127.0.0.1/8", "::1/128", speed=None, kind="loopback", state="unknown", driver=None, pci=None
    )


def rdma(interface_name: str, device: str = "mlx5_0", state: str = "active") -> dict[str, t.Any]:
    """An RDMA device behind an interface."""
    return {
        "name": device,
        "port": 1,
        "state": state,
        "physical_state": "linkup",
        "link_layer": "infiniband",
        "rate_gbits": 400,
        "interface": interface_name,
        "numa": 0,
    }


def process(name: str, unit: str | None = None, kind: str = "C") -> dict[str, t.Any]:
    """Somebody who uses a GPU."""
    return {**dataclasses.asdict(Process(4711, name, kind, 30 * GIB)), "unit": unit}


def _gpu(host: str, kind: Kind, index: int, graph: Graph, driver: tuple[str, str]) -> dict[str, t.Any]:
    gpu = Gpu(
        index=index,
        name=kind.name,
        uuid=f"GPU-{host}-{index}",
        bus_id=f"00000000:{index + 1:02X}:00.0",
        memory_bytes=kind.mib * MIB,
        memory_used_bytes=0,
        memory_free_bytes=kind.mib * MIB,
        compute_capability=kind.capability,
        driver=driver[0],
        cuda=driver[1],
        ecc=True,
        mig=False,
    )
    return {
        **dataclasses.asdict(gpu),
        "cpu_affinity": "0-63",
        "numa": list(graph.numa[index]),
        "gpu_numa": None,
        "nics": graph.nearest_nics(index),
        "nvlink": None,
    }


def _nic_link(gpu: int, number: int) -> Link:
    if gpu // 2 == number:
        return Link("PIX", 0)
    return Link("NODE" if gpu // 4 == number // 2 else "SYS", 0)
