# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong with hosts, as vllm.cluster.host_probe would tell of it."""

from __future__ import annotations

import random
import typing as t

from . import machines


def one(rng: random.Random, probe: dict[str, t.Any]) -> None:
    """One fault on a host that is well otherwise: nothing else gets in its way to be noticed."""
    fault = rng.choice([_driver, _machine, _python, _gpus, _gpus, _gpus, _ports, _ports, _no_fast_network])
    fault(rng, probe)


def _driver(rng: random.Random, probe: dict[str, t.Any]) -> None:
    if probe["gpus"]:
        probe["driver"], probe["cuda"] = rng.choice(machines.DRIVERS)


def _machine(_rng: random.Random, probe: dict[str, t.Any]) -> None:
    probe["machine"] = "aarch64"


def _python(rng: random.Random, probe: dict[str, t.Any]) -> None:
    probe["pythons"] = {"/usr/bin/python3": rng.choice(["3.11.9", "3.12.3", "3.10.12"])}


def _gpus(rng: random.Random, probe: dict[str, t.Any]) -> None:
    for gpu in rng.sample(probe["gpus"], min(len(probe["gpus"]), rng.randint(1, 3))):
        gpu.update(
            rng.choice(
                [
                    {"problems": ["GPU requires reset"]},
                    {"mig": True},
                    {"processes": [machines.process("python3", rng.choice([None, "jupyter.service"]))]},
                    {"memory_bytes": gpu["memory_bytes"] // 2},
                ]
            )
        )


def _ports(rng: random.Random, probe: dict[str, t.Any]) -> None:
    ports = rng.sample([*range(8000, 8004), 6379, 6381, 8265, 10001, 10100, 20003, 29501, 29550, 52365], 3)
    probe["listeners"] = [
        {"address": "0.0.0.0", "port": port, "pid": 17, "process": "daemon", "unit": None} for port in ports
    ]


def _no_fast_network(_rng: random.Random, probe: dict[str, t.Any]) -> None:
    probe["interfaces"] = [item for item in probe["interfaces"] if not item["rdma"]]
    probe["rdma_devices"] = []


def spoil(rng: random.Random, probe: dict[str, t.Any]) -> None:
    """One of the things that go wrong with hosts, or none."""
    for gpu in probe["gpus"]:
        _spoil_gpu(rng, gpu)
    fault = rng.randrange(16)
    system, version, python = rng.choice(machines.SYSTEMS)
    if fault == 0:
        probe.update(gpus=[], links=[], nics=[], driver="failing", driver_error="NVML: driver/library mismatch")
    elif fault == 1 and probe["gpus"]:
        lost = rng.randrange(len(probe["gpus"]))
        del probe["gpus"][lost]
        probe["links"] = [link for link in probe["links"] if lost not in link["gpus"]]
    elif fault == 2:
        probe["links"] = []
    elif fault == 3:
        probe.update(os={"id": system, "version": version, "name": system}, pythons={"/usr/bin/python3": python})
    elif fault == 4:
        probe["pythons"] = rng.choice([{}, {"/usr/bin/python3": None}, {"/usr/bin/python3": "3.9.2"}])
    elif fault == 5:
        probe["shm"] = rng.choice([None, {"path": "/dev/shm", "total_bytes": 64 * 2**20, "free_bytes": 0}])
    elif fault == 6:
        for key in rng.sample(sorted(probe), rng.randint(1, 12)):
            probe.pop(key)
        probe.setdefault("gpus", [])
    elif fault == 7:
        probe["machine"] = "aarch64"


def _spoil_gpu(rng: random.Random, gpu: dict[str, t.Any]) -> None:
    chance = rng.random()
    if chance < 0.03:
        gpu["problems"], gpu["memory_bytes"] = ["GPU is lost"], None
    elif chance < 0.06:
        gpu["mig"] = True
    elif chance < 0.12:
        unit = rng.choice([None, "vllm-old-0.service", "jupyter.service"])
        gpu["processes"] = [machines.process("python3", unit, rng.choice(["C", "C", "G", None]))]
