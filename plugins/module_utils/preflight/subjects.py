# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Engines of several hosts, as the plan (docs/plan.md) has them and the probes (docs/probes.md) find them. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from .hosts import Needs, Probe

Plan = t.Mapping[str, t.Any]

#: Ports on which members reach one another; the first of a range stands for it. The first kind carries the check.
_BETWEEN = (
    "internal",
    "rendezvous",
    "data_parallel",
    "guard",
    "ray",
    "ray_node_manager",
    "ray_object_manager",
    "ray_runtime_env_agent",
    "ray_dashboard_agent_grpc",
    "ray_dashboard_agent",
    "ray_metrics",
    "ray_workers",
)
#: How systemd calls a unit that runs, or that it is about to start again.
_RUNNING = ("active", "activating", "reloading", "deactivating")
#: Units of the collection give way when a plan changes, so their ports are no one else's.
_OURS = "vllm-"
_OBJECT_STORE = "--object-store-memory"


@dataclasses.dataclass(frozen=True)
class Part:
    """One host's share of an engine. units: of its ranks and its Ray, as the plan has them. ports: by kind."""

    host: str
    address: str
    interface: t.Mapping[str, t.Any]
    ports: t.Mapping[str, t.Any]
    units: tuple[t.Mapping[str, t.Any], ...]
    devices: tuple[int, ...]
    environments: tuple[str, ...]

    @property
    def environment(self) -> str | None:
        """The path of its Python environment; None in a container."""
        program = str(self.units[0]["exec"][0]) if self.units and self.units[0]["exec"] else ""
        return next((path for path in self.environments if program.startswith(f"{path}/")), None)

    @property
    def python(self) -> str | None:
        return f"{self.environment}/bin/python" if self.environment else None

    @property
    def variables(self) -> dict[str, str]:
        """What its processes are started with, without secrets."""
        return dict(self.units[0]["environment"]) if self.units else {}

    def ours(self, probe: Probe) -> set[int]:
        """Ports that units of the collection hold on the host."""
        return {item["port"] for item in probe.get("listeners") or () if _is_ours(item)}

    def tried(self, probe: Probe) -> list[int]:
        """Ports to try, that which carries the check first.

        Those that units of the collection hold are left out. If the carrier is one, the highest of its range that
        nobody holds takes its place: engines search theirs upward.
        """
        ours, held = self.ours(probe), {item["port"] for item in probe.get("listeners") or ()}
        wanted = [_first(self.ports[kind]) for kind in _BETWEEN if kind in self.ports]
        found = [port for port in wanted if port not in ours]
        if wanted and wanted[0] in ours:
            first, last = _ends(self.ports[_BETWEEN[0]])
            free = [port for port in range(last, first, -1) if port not in held and port not in found]
            found = free[:1] + found
        return found

    def left_out(self, probe: Probe) -> list[int]:
        """Planned ports that are not tried, because units of the collection hold them."""
        ours = self.ours(probe)
        return sorted({_first(port) for kind, port in self.ports.items() if kind in _BETWEEN} & ours)


@dataclasses.dataclass(frozen=True)
class Subject:
    """An engine of several hosts. parts: head first."""

    name: str
    executor: str
    accelerator: str
    world_size: int
    parts: tuple[Part, ...]

    @property
    def hosts(self) -> list[str]:
        return [part.host for part in self.parts]

    @property
    def ranks(self) -> int:
        """How many run on each of its hosts."""
        return self.world_size // len(self.parts)


def subjects(plan: Plan) -> list[Subject]:
    """The plan's engines that span several hosts."""
    return [_subject(plan, engine) for engine in plan["engines"] if len(engine["members"]) > 1]


def _subject(plan: Plan, engine: Plan) -> Subject:
    parts = []
    for member in engine["members"]:
        host = plan["hosts"][member["host"]]
        units = [item for item in host["units"] if item["engine"] == engine["name"] and item["kind"] in _KINDS]
        interface = member["interface"] or {}
        parts.append(
            Part(
                member["host"],
                str(interface.get("address") or host["address"]),
                interface,
                member["ports"],
                tuple(units),
                tuple(member["devices"]),
                tuple(item["path"] for item in host["environments"]),
            )
        )
    return Subject(engine["name"], engine["executor"], engine["accelerator"], engine["world_size"], tuple(parts))


#: Units that hold ranks, or Ray, which starts them. The first of a member has the environment of all.
_KINDS = ("engine", "ray")


def why_to_check(subject: Subject, probes: t.Mapping[str, Probe | None]) -> str:
    """Why the engine is about to start on this network for the first time, or anew; empty where it runs on it."""
    down = [part.host for part in subject.parts if not is_up(part, probes.get(part.host))]
    if down:
        return f"does not run on {', '.join(down)}"
    for part in subject.parts:
        units = (probes.get(part.host) or {}).get("units") or {}
        for unit in part.units:
            now, planned = units[unit["name"]], unit["environment"]
            for key, variable in (("address", "VLLM_HOST_IP"), ("interface", "GLOO_SOCKET_IFNAME")):
                before, after = now.get(key), planned.get(variable)
                # Between two processes a unit has no variables that could be looked at.
                if before and before != after:
                    return f"runs with the {key} {before} on {part.host}, and {after or 'no'} is planned"
    return ""


def is_up(part: Part, probe: Probe | None) -> bool:
    """Whether all units of the member run, or are about to run again."""
    units = (probe or {}).get("units") or {}
    return bool(part.units) and all((units.get(unit["name"]) or {}).get("state") in _RUNNING for unit in part.units)


def members(subject: Subject, probes: t.Mapping[str, Probe]) -> list[dict[str, t.Any]]:
    """Option ``members`` of vllm.cluster.peer_check."""
    return [
        {
            "name": part.host,
            "address": part.address,
            "interface": part.interface.get("name"),
            "hostname": probes[part.host].get("hostname"),
            "ports": part.tried(probes[part.host]),
        }
        for part in subject.parts
    ]


def collective_members(subject: Subject, probes: t.Mapping[str, Probe]) -> list[dict[str, t.Any]]:
    """Option ``members`` of vllm.cluster.collective_test."""
    return [
        {
            **{key: member[key] for key in ("name", "address", "interface")},
            "ports": member["ports"][:1],
            "ranks": len(part.devices) or subject.ranks,
        }
        for member, part in zip(members(subject, probes), subject.parts)
    ]


def needs(subject: Subject, probes: t.Mapping[str, Probe]) -> dict[str, Needs]:
    """What judge_hosts compares the probes with, by host. Of shared memory a member that runs has its share already."""
    found = {}
    for part in subject.parts:
        probe = probes[part.host]
        up, tried = is_up(part, probe), part.tried(probe)
        ports = {kind: port for kind, port in part.ports.items() if isinstance(port, int) and port not in tried}
        found[part.host] = Needs(
            environment=part.environment,
            units=tuple({str(item["unit"]) for item in probe.get("listeners") or () if _is_ours(item)}),
            ports=ports,
            ranks=0 if up else len(part.devices) or subject.ranks,
            object_store_bytes=0 if up else sum(_object_store(unit["exec"]) for unit in part.units),
            memlock=next((unit["limits"].get("memlock") for unit in part.units), None),
            rdma=bool(part.interface.get("rdma")),
            executor=subject.executor,
        )
    return found


def _object_store(words: t.Sequence[str]) -> int:
    if _OBJECT_STORE not in words:
        return 0
    return int(words[words.index(_OBJECT_STORE) + 1])


def _is_ours(listener: t.Mapping[str, t.Any]) -> bool:
    return str(listener.get("unit") or "").startswith(_OURS)


def _first(port: t.Any) -> int:
    return _ends(port)[0]


def _ends(port: t.Any) -> tuple[int, int]:
    """A port, or a range of ports, as the plan has them."""
    return (port, port) if isinstance(port, int) else (port[0], port[1])
