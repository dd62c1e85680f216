# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which engine stands on which host, with which ranks."""

from __future__ import annotations

import dataclasses
import typing as t

from .errors import Refusals
from .intent import Intent, Service

#: Facts of one host as vllm.cluster.host_probe returns them; None: the host was not probed.
Probe = t.Optional[t.Mapping[str, t.Any]]


@dataclasses.dataclass(frozen=True)
class Decision:
    """A value that the person did not write, and why it is what it is."""

    path: str
    value: t.Any
    why: str


@dataclasses.dataclass(frozen=True)
class Engine:
    """One ``vllm serve`` world of ranks, on one host. name: ``<service>-<index>``."""

    service: Service
    index: int
    host: str
    accelerator: str
    parallel: dict[str, t.Any]

    @property
    def name(self) -> str:
        return f"{self.service.name}-{self.index}"

    @property
    def unit(self) -> str:
        return f"vllm-{self.name}.service"

    @property
    def world_size(self) -> int:
        """Ranks, each of which takes a device: tensor x pipeline x data (expert and decode context reuse them)."""
        return int(self.parallel["tensor"] * self.parallel["pipeline"] * self.parallel["data"])


def place(intent: Intent, probes: t.Mapping[str, Probe], refusals: Refusals) -> tuple[list[Engine], list[Decision]]:
    """Spread every service's engines over its hosts, one after the other."""
    engines: list[Engine] = []
    decisions: list[Decision] = []
    for service in intent.services:
        count = service["replicas"] or 1
        if len(service.hosts) > 1 and service["replicas"] is None:
            rule = f"one engine over {len(service.hosts)} hosts is not planned by this release of vllm.cluster"
            refusals.add(
                f"{service.path}.hosts",
                list(service.hosts),
                rule,
                f"name one host, or set replicas: {len(service.hosts)} for one engine a host",
            )
            continue
        accelerators = {host: _accelerator(service, host, probes.get(host), refusals) for host in service.hosts[:count]}
        if "accelerator" not in service.given and service["accelerator"] == "auto":
            for host, accelerator in accelerators.items():
                found = len((probes.get(host) or {}).get("gpus", ()))
                decisions.append(Decision(f"{service.path}.accelerator", accelerator, f"{host} has {found} GPUs"))
        parallel, why = _parallel(service, refusals)
        decisions.extend(why)
        if count > 1:
            used = ", ".join(service.hosts[:count])
            decisions.append(Decision(f"{service.path}.replicas", count, f"one after the other over {used}"))
        for index in range(count):
            host = service.hosts[index % len(service.hosts)]
            engines.append(Engine(service, index, host, accelerators[host], parallel))
    return engines, decisions


def _accelerator(service: Service, host: str, probe: Probe, refusals: Refusals) -> str:
    written = service["accelerator"]
    if written != "auto":
        return str(written)
    if probe is None:
        refusals.add(
            f"{service.path}.accelerator",
            "auto",
            f"host {host} was not probed",
            f"run without a limit that leaves {host} out, or write cuda or cpu",
        )
        return "cpu"
    if probe.get("driver") == "failing":
        rule = f"nvidia-smi of host {host} finds no GPU: {probe.get('driver_error')}"
        refusals.add(f"{service.path}.accelerator", "auto", rule, "mend the driver, or write accelerator: cpu")
    return "cuda" if probe.get("gpus") else "cpu"


def _parallel(service: Service, refusals: Refusals) -> tuple[dict[str, t.Any], list[Decision]]:
    written = service.parallel
    sizes = {"tensor": 1, "pipeline": 1, "data": 1, "decode_context": 1, "expert": False, **written}
    decisions: list[Decision] = []
    gpus = service["gpus"]
    if gpus and not written:
        sizes["tensor"] = gpus
        decisions.append(
            Decision(f"{service.path}.parallel.tensor", gpus, f"the engine's {gpus} GPUs hold one copy of the model")
        )
    elif gpus is not None and gpus != sizes["tensor"] * sizes["pipeline"] * sizes["data"]:
        world = sizes["tensor"] * sizes["pipeline"] * sizes["data"]
        if gpus or written:
            refusals.add(
                f"{service.path}.gpus",
                gpus,
                f"the sizes of parallel make {world} ranks, and each takes one GPU",
                f"set gpus: {world}, or change parallel",
            )
    if sizes["tensor"] % sizes["decode_context"]:
        rule = f"does not divide tensor = {sizes['tensor']}"
        refusals.add(
            f"{service.path}.parallel.decode_context", sizes["decode_context"], rule, "take a divisor of tensor"
        )
    return sizes, decisions
