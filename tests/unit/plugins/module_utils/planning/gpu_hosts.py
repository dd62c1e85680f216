# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GPU hosts as probes tell of them, and the check of engines on them."""

from __future__ import annotations

from ansible_collections.vllm.cluster.plugins.module_utils.planning import coherence
from ansible_collections.vllm.cluster.plugins.module_utils.planning.errors import Refusals

from .cases import GIB, S0, engine, fleet

HOSTS, VERSION, IMAGE = f"{S0}.hosts", f"{S0}.version", f"{S0}.image"
TWO = "gpu1 gpu2"
PYTHON = "/usr/bin/python3"
CONTAINER = {"runtime": "container"}
CPU = {"accelerator": "cpu"}


def host(gpus=8, power="9.0", name="NVIDIA H100 80GB HBM3", memory=80, python="3.12.3", driver="580.95.05", **changes):
    found = {
        "machine": "x86_64",
        "os": {"id": "ubuntu", "version": "24.04", "name": "Ubuntu 24.04 LTS"},
        "memory_bytes": 1024 * GIB,
        "shm": {"path": "/dev/shm", "total_bytes": 512 * GIB, "free_bytes": 512 * GIB},
        "driver": driver,
        "gpus": [
            {"index": index, "name": name, "compute_capability": power, "memory_bytes": memory * GIB}
            for index in range(gpus)
        ],
        "gpu_diagnosis": [],
        "nvlink_groups": [list(range(gpus))],
        "rdma_devices": [{"name": "mlx5_0", "port": 1, "state": "active"}],
        "peermem": True,
        "pythons": {PYTHON: python},
    }
    return {**found, **changes}


def check(made, probes=None, interfaces=None, **variables):
    """The check of engines on hosts that are all alike but for those given."""
    engines = made if isinstance(made, list) else [made]
    hosts = {name: host() for each in engines for name in each.hosts}
    refusals = Refusals()
    coherence.check(engines, {**hosts, **(probes or {})}, fleet(**variables), interfaces or {}, refusals)
    return refusals


def on(probe, interfaces=None, variables=None, **keys):
    """One engine on gpu1 (or on ``hosts``), whose last host is this one."""

    def run():
        made = engine(**keys)
        return check(made, {made.hosts[-1]: probe}, interfaces, **(variables or {}))

    return run


def usual(**keys):
    return on(host(), **keys)
