# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What probes (docs/probes.md) tell of an engine's members before it starts: versions, ports, memory limits. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from .findings import ERROR, WARNING, Finding, in_order

Probe = t.Mapping[str, t.Any]

_MIB = 1 << 20
_UNLIMITED = "unlimited"
#: What must be the same on all members, by the environment's key, and how bad a difference is without Ray.
_VERSIONS = (
    ("vllm", "vLLM", ERROR),
    ("torch", "torch", ERROR),
    ("nccl", "NCCL", ERROR),
    ("ray", "Ray", ERROR),
    ("python", "Python", WARNING),
)


@dataclasses.dataclass(frozen=True)
class Needs:
    """What the engine needs of one member.

    environment: path of its Python environment, None for a container. units: names of its own units, which may hold its
    ports. ports: those, by name. ranks: how many run there. object_store_bytes: Ray's part of /dev/shm. memlock: limit
    that its unit sets (``infinity``), or None. rdma: whether memory must be locked for RDMA.
    """

    environment: str | None = None
    units: tuple[str, ...] = ()
    ports: t.Mapping[str, int] = dataclasses.field(default_factory=dict)
    ranks: int = 1
    object_store_bytes: int = 0
    memlock: str | None = None
    rdma: bool = False
    executor: str = "mp"


def judge_hosts(needs: t.Mapping[str, Needs], probes: t.Mapping[str, Probe | None]) -> list[Finding]:
    """Findings, errors first. needs: by member, the head first. probes: by host; what they lack is not judged."""
    found: list[Finding] = []
    known = {name: probe for name in needs if (probe := probes.get(name)) is not None}
    for key, title, level in _VERSIONS:
        ray = any(need.executor == "ray" for need in needs.values())
        if key == "ray" and not ray:
            continue
        values = {name: _version(needs[name], probe, key) for name, probe in known.items()}
        found += _differing(f"{key}-differs", title, values, ERROR if ray else level, f"make {title} the same on all")
    found += _lacking(needs, known)
    drivers = {name: probe.get("driver") for name, probe in known.items()}
    found += _differing("driver-differs", "the NVIDIA driver", drivers, ERROR, "bring all members to one driver")
    for name, probe in known.items():
        found += _ports(name, needs[name], probe)
        found += _shm(name, needs[name], probe)
        found += _memlock(name, needs[name], probe)
    return in_order(found)


def _version(need: Needs, probe: Probe, key: str) -> str | None:
    if need.environment is None:
        return None
    found: str | None = ((probe.get("environments") or {}).get(need.environment) or {}).get(key)
    return found


def _differing(rule: str, title: str, values: t.Mapping[str, str | None], level: str, fix: str) -> t.Iterator[Finding]:
    """One finding for each member that has another value than the most have; the head decides between equals."""
    told = {name: value for name, value in values.items() if value}
    if len(set(told.values())) < 2:
        return
    words = list(told.values())
    usual = max(dict.fromkeys(words), key=words.count)
    against = list(told)[words.index(usual)]
    for name, value in told.items():
        if value != usual:
            what = f"{title} is {value} on {name} and {usual} on {against}"
            yield Finding(rule, name, against, what, f"{fix}: {usual} on {name}", level)


def _lacking(needs: t.Mapping[str, Needs], known: t.Mapping[str, Probe]) -> t.Iterator[Finding]:
    for name, probe in known.items():
        need = needs[name]
        environments = probe.get("environments") or {}
        if need.environment is None or need.environment not in environments:
            continue
        present = environments[need.environment] or {}
        wanted = ["vllm", "torch", *(["ray"] if need.executor == "ray" else [])]
        lacks = [key for key in wanted if not present.get(key)]
        if lacks:
            what = f"{need.environment} on {name} lacks {', '.join(lacks)}"
            yield Finding("environment-lacks", name, None, what, "run the playbook that makes the environments")


def _ports(name: str, need: Needs, probe: Probe) -> t.Iterator[Finding]:
    listeners = {item["port"]: item for item in probe.get("listeners") or [] if item.get("unit") not in need.units}
    for what_for, port in need.ports.items():
        if port in listeners:
            item = listeners[port]
            pid = f" (pid {item['pid']})" if item.get("pid") else ""
            unit = f" of {item['unit']}" if item.get("unit") else ""
            what = f"port {port} ({what_for}) of {name} is held by {item.get('process') or 'a process'}{pid}{unit}"
            yield Finding("port-busy", name, None, what, "stop it, or give the engine another port")


def _shm(name: str, need: Needs, probe: Probe) -> t.Iterator[Finding]:
    """NCCL's SHM transport and vLLM's message queues take some hundred MB a rank, Ray's objects what it was given."""
    free = (probe.get("shm") or {}).get("free_bytes")
    wanted = 256 * _MIB * need.ranks + need.object_store_bytes
    if free is not None and free < wanted:
        what = f"shared memory of {name} has {free // _MIB} MiB free, and the engine needs {wanted // _MIB} MiB"
        fix = "mount it bigger (mount -o remount,size=… /dev/shm), or remove what was left there"
        yield Finding("shm-small", name, None, what, fix)


def _memlock(name: str, need: Needs, probe: Probe) -> t.Iterator[Finding]:
    limit = probe.get("memlock")
    if not need.rdma or need.memlock == "infinity" or limit in (None, _UNLIMITED):
        return
    what = f"processes on {name} may lock {int(str(limit)) // 1024} KiB of memory, and RDMA needs all"
    yield Finding("memlock-small", name, None, what, "set LimitMEMLOCK=infinity for the unit")
