# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The GPUs of every host, each given once, the best joined together."""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from ..topology.graph import Graph
from ..topology.groups import Group, share
from ..topology.kinds import NVLINK, Link
from .errors import Refusals
from .intent import Service

#: Facts of one host as vllm.cluster.host_probe returns them; None: the host was not probed.
Probe = t.Optional[t.Mapping[str, t.Any]]

#: Of the reasons why GPUs of a host are not free.
_SHOWN = 4

#: All that choosing depends on; hosts of one make share it.
_Shape = tuple[tuple[int, ...], tuple[t.Any, ...], tuple[t.Any, ...], tuple[t.Any, ...]]


@dataclasses.dataclass(frozen=True)
class Grant:
    """GPUs of one engine on one host: ``groups`` of equal size, each a tensor-parallel group, in rank order."""

    groups: tuple[Group, ...]

    @property
    def devices(self) -> list[int]:
        return [gpu for group in self.groups for gpu in group.gpus]

    @property
    def link(self) -> Link | None:
        """The farthest link inside a group; None where groups are of one GPU."""
        links = [group.link for group in self.groups if group.link is not None]
        return min(links, key=lambda link: link.rank, default=None)


class Host:
    """The GPUs of one host, and who has them."""

    def __init__(self, name: str, probe: t.Mapping[str, t.Any]) -> None:
        self.name = name
        self.gpus: dict[int, t.Mapping[str, t.Any]] = {
            int(gpu["index"]): gpu for gpu in probe.get("gpus") or () if gpu.get("index") is not None
        }
        self.taken: dict[int, str] = {}
        self.driver = f"nvidia-smi fails: {probe.get('driver_error')}" if probe.get("driver") == "failing" else ""
        self.unfit = {index: why for index, gpu in sorted(self.gpus.items()) for why in [_unfit(gpu)] if why}
        self._shape = _shape(self.gpus, probe)

    @property
    def free(self) -> tuple[int, ...]:
        """Indexes that nobody needs to ask for by name: of one kind, the most numerous, then the largest."""
        kinds: dict[tuple[t.Any, ...], list[int]] = {}
        for index, gpu in sorted(self.gpus.items()):
            if index not in self.taken and index not in self.unfit:
                kinds.setdefault((gpu.get("name"), gpu.get("memory_bytes")), []).append(index)
        alike = sorted(kinds.values(), key=lambda gpus: (len(gpus), self.memory(gpus) or 0))
        return tuple(alike[-1]) if alike else ()

    def memory(self, gpus: t.Sequence[int]) -> int | None:
        """Bytes of the smallest of these GPUs; None where one does not tell."""
        sizes = [int(self.gpus[index].get("memory_bytes") or 0) for index in gpus if index in self.gpus]
        return min(sizes, default=0) or None

    def words(self, free: t.Sequence[int]) -> str:
        """How many GPUs there are and what keeps the others, for a person. free: those that were, when one asked."""
        rest = "" if len(free) == len(self.gpus) else f", {len(free)} of them free, fit and alike"
        reasons: dict[str, list[int]] = {}
        for index in (index for index in self.gpus if index not in free):
            owner = self.taken.get(index)
            reason = f"taken by {owner}" if owner else self.unfit.get(index) or "of another kind"
            reasons.setdefault(reason, []).append(index)
        told = [f"GPU {_run(indexes)}: {reason}" for reason, indexes in reasons.items()]
        more = [f"and {len(told) - _SHOWN} more"] if len(told) > _SHOWN else []
        told = told[:_SHOWN] + more + ([self.driver] if self.driver else [])
        return f"host {self.name} has {len(self.gpus)} GPUs{rest}{' (' + '; '.join(told) + ')' if told else ''}"

    def linked(self, size: int) -> str | None:
        """The farthest link between the ``size`` free GPUs that are joined best; None where NVLinks do not join them.

        Where the host has no NVLinks at all, any link counts.
        """
        return _linked(self._shape, self.free, size)

    def take(self, owner: str, size: int, groups: int, engines: int) -> list[Grant]:
        """GPUs for ``engines`` engines of ``groups`` groups of ``size``; fewer where they do not suffice."""
        found = _share(self._shape, self.free, size, groups * engines)
        grants = [Grant(found[at : at + groups]) for at in range(0, len(found) - groups + 1, groups)]
        for grant in grants:
            self.taken.update(dict.fromkeys(grant.devices, owner))
        return grants

    def claim(self, owner: str, written: t.Sequence[int], size: int) -> Grant:
        """GPUs that a person named, in that order, as groups of ``size``."""
        self.taken.update(dict.fromkeys(written, owner))
        parts = [tuple(written[at : at + size]) for at in range(0, len(written), size)]
        described = [_share(self._shape, tuple(sorted(part)), len(part), 1) for part in parts]
        return Grant(tuple(dataclasses.replace(found[0], gpus=part) for part, found in zip(parts, described) if found))


def _run(indexes: t.Sequence[int]) -> str:
    """Indexes for a person: ``0-7`` or ``0, 2``."""
    if len(indexes) > 2 and indexes[-1] - indexes[0] == len(indexes) - 1:
        return f"{indexes[0]}-{indexes[-1]}"
    return ", ".join(map(str, indexes))


def present(service: Service, host: str, probe: Probe, refusals: Refusals) -> Host | None:
    """The host's GPUs; refuses a host that nobody looked at, and one whose GPUs have no driver."""
    if probe is None:
        fix = f"run without a limit that leaves {host} out"
        refusals.add("not-probed", f"{service.path}.hosts", host, "was not probed, so its GPUs are unknown", fix)
        return None
    return None if driverless(service, host, probe, refusals) else Host(host, probe)


def driverless(service: Service, host: str, probe: t.Mapping[str, t.Any], refusals: Refusals) -> bool:
    """Refuse a host in which GPUs are seen on the PCI bus and no driver is: it would pass for one without GPUs."""
    seen = len(probe.get("pci_gpus") or ())
    if probe.get("driver") != "absent" or not seen:
        return False
    path, written = f"{service.path}.accelerator", str(service["accelerator"])
    fix = "run playbooks/prepare.yml (docs/nvidia.md), or write accelerator: cpu"
    refusals.add("driver-absent", path, written, f"host {host} has {seen} GPUs and no NVIDIA driver", fix)
    return True


def check_written(
    service: Service, host: Host, ranks: int, others: int, accelerator: str, refusals: Refusals
) -> list[int] | None:
    """The GPUs that a person named on this host, where they can be given. ranks: that the engine has there.

    others: further engines of the service that would want the same GPUs.
    """
    path, written = f"{service.path}.devices", list(service["devices"])
    before = len(written)
    if others:
        rule = "names the GPUs of one engine, and there are several replicas"
        refusals.add("devices-written", path, written, rule, "leave devices out, or make each replica a service")
        return None
    if accelerator == "cpu":
        rule = f"host {host.name} runs this service on the CPU"
        refusals.add("devices-written", path, written, rule, "leave devices out, or set accelerator: cuda")
        return None
    if before != ranks:
        fix = (
            f"name {ranks}, or set parallel: {{tensor: {before}}}" if before else f"name {ranks}, or leave devices out"
        )
        rule = f"the engine has {ranks} ranks on {host.name}, and each takes one GPU"
        refusals.add("devices-written", path, written, rule, fix)
        return None
    good = True
    for at, index in enumerate(written):
        if index not in host.gpus:
            fix = f"choose from {sorted(host.gpus)}"
            refusals.add("no-such-gpu", path, written, f"host {host.name} has no GPU {index}", fix)
        elif index in host.taken or index in written[:at]:
            owner = host.taken.get(index, path)
            rule = f"GPU {index} of {host.name} is taken by {owner}"
            refusals.add("gpu-taken", path, written, rule, "give each GPU once")
        elif index in host.unfit:
            rule = f"GPU {index} of {host.name} {host.unfit[index]}"
            refusals.add("gpu-unfit", path, written, rule, "free or mend it, or name another")
        else:
            continue
        good = False
    return written if good else None


def _unfit(gpu: t.Mapping[str, t.Any]) -> str:
    """Why a GPU cannot be given to an engine; empty: it can."""
    if gpu.get("problems"):
        return f"is in trouble: {', '.join(map(str, gpu['problems']))}"
    if gpu.get("mig"):
        return "is divided by MIG, and engines take whole GPUs"
    for process in gpu.get("processes") or ():
        ours = str(process.get("unit") or "").startswith("vllm-")
        if not ours and "C" in str(process.get("kind") or "C"):
            return f"is used by {process.get('name') or 'a process'} (pid {process.get('pid')})"
    return ""


def _shape(gpus: t.Mapping[int, t.Mapping[str, t.Any]], probe: t.Mapping[str, t.Any]) -> _Shape:
    links = tuple((*item["gpus"], item["type"], item["count"]) for item in probe.get("links") or ())
    numa = tuple((index, *(gpu.get("numa") or ())) for index, gpu in sorted(gpus.items()))
    nics = tuple(
        (item.get("device") or item["name"], link["gpu"], link["type"], link["count"])
        for item in probe.get("nics") or ()
        for link in item["links"]
    )
    return tuple(sorted(gpus)), links, numa, nics


@functools.lru_cache(maxsize=256)
def _graph(shape: _Shape) -> Graph:
    gpus, links, numa, nics = shape
    graph = Graph(
        gpus=list(gpus),
        links={(a, b): Link(kind, count) for a, b, kind, count in links},
        numa={index: tuple(nodes) for index, *nodes in numa},
    )
    for name, gpu, kind, count in nics:
        graph.nics.setdefault(gpu, {})[name] = Link(kind, count)
    return graph


@functools.lru_cache(maxsize=4096)
def _share(shape: _Shape, among: tuple[int, ...], size: int, count: int) -> tuple[Group, ...]:
    return tuple(share(_graph(shape), size, count, among))


@functools.lru_cache(maxsize=4096)
def _linked(shape: _Shape, among: tuple[int, ...], size: int) -> str | None:
    best = _share(shape, among, size, 1)
    if not best or best[0].link is None:
        return None
    graph = _graph(shape)
    has_nvlinks = any(graph.link(a, b).kind == NVLINK for a in among for b in among if a < b)
    return str(best[0].link) if best[0].nvlinked or not has_nvlinks else None
