# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What opens ports besides engines, and who comes to engines besides their members: front doors, servers, partners."""

from __future__ import annotations

import dataclasses
import ipaddress
import typing as t

from . import sites
from .devices import Probe
from .doors import Door
from .members import Member

#: Of whom an opening is, where the plan does not know their addresses.
CLIENTS, MONITORING = "clients", "monitoring"
Given = t.Mapping[tuple[str, str], t.Mapping[str, t.Any]]


@dataclasses.dataclass(frozen=True)
class Opening:
    """Ports of a host that no engine opens. ports: by their names in ``ports`` of a service. root: of the service.

    sources: addresses; CLIENTS or MONITORING; () is the host alone. address: what they are opened on.
    """

    host: str
    root: str
    ports: t.Mapping[str, int]
    sources: tuple[str, ...] | str
    address: str
    why: str


@dataclasses.dataclass(frozen=True)
class Around:
    """What stands around engines. All by the path of the service.

    doors: the front door's host with its addresses. partners: likewise, all hosts that pass KV cache on.
    """

    openings: tuple[Opening, ...] = ()
    doors: t.Mapping[str, t.Mapping[str, tuple[str, ...]]] = dataclasses.field(default_factory=dict)
    partners: t.Mapping[str, t.Mapping[str, tuple[str, ...]]] = dataclasses.field(default_factory=dict)


NOTHING = Around()


def around(
    groups: t.Mapping[str, t.Sequence[t.Sequence[Member]]],
    doors: t.Mapping[str, Door],
    needed: t.Mapping[str, sites.Needed],
    meetings: t.Mapping[str, sites.Network],
    given: Given,
    addresses: t.Mapping[str, str],
    probes: t.Mapping[str, Probe],
) -> Around:
    """groups: the members of each engine, by the path of their service. The rest as plan.plan has it."""
    openings: list[Opening] = []
    inward: dict[str, dict[str, tuple[str, ...]]] = {}
    partners: dict[str, dict[str, tuple[str, ...]]] = {}
    for root, engines in groups.items():
        meeting = meetings.get(root)

        def of(host: str, meeting: sites.Network | None = meeting) -> tuple[str, ...]:
            met = (meeting.listens.get(host), meeting.addresses.get(host)) if meeting is not None else ()
            return come_by([*met, addresses.get(host, host)], probes.get(host))

        hosts = tuple(dict.fromkeys(member.host for members in engines for member in members))
        if root in doors:
            inward[root] = {doors[root].host: of(doors[root].host)}
            openings += _of_door(root, doors[root], given)
        if meeting is not None and _pass_on(engines, needed.get(root, {})):
            partners[root] = {host: of(host) for host in hosts}
            for _want, server, host in needed.get(root, {}).values():
                others = tuple(dict.fromkeys(to for other in hosts if other != host for to in partners[root][other]))
                service = engines[0][0].engine.service
                ports = given[sites.server_name(service, server), host]
                openings += _of_server(root, server, host, ports, meeting.addresses[host], others)
    return Around(tuple(openings), inward, partners)


def _pass_on(engines: t.Sequence[t.Sequence[Member]], needed: sites.Needed) -> bool:
    """Whether engines of the service talk to one another, or to a server of theirs."""
    service = engines[0][0].engine.service if engines else None
    return service is not None and service.transfer is not None and (service.kind != "serve" or bool(needed))


def _of_door(root: str, door: Door, given: Given) -> list[Opening]:
    ports = dict(given[door.name, door.host])
    name, front = door.service.name, {"door": ports.pop("door")}
    return [
        Opening(door.host, root, front, CLIENTS, door.service["listen"], f"service {name}: what clients call"),
        Opening(door.host, root, ports, (), "", f"service {name}: vllm-router's ports, for this host alone"),
    ]


def _of_server(
    root: str, server: t.Any, host: str, ports: t.Mapping[str, int], address: str, others: tuple[str, ...]
) -> list[Opening]:
    """Engines connect to its first port; of the others monitoring reads the metrics."""
    first = next(iter(server.ports))
    watched = {name: port for name, port in ports.items() if name != first and name.endswith("_metrics")}
    inner = {name: port for name, port in ports.items() if name != first and name not in watched}
    listen = server.listen or address
    return [
        Opening(host, root, found, whom, listen, f"{server.title}: {what}")
        for found, whom, what in (
            ({first: ports[first]}, others, "for the engines that share it"),
            (watched, MONITORING, "metrics"),
            (inner, (), "for this host alone"),
        )
        if found
    ]


def come_by(written: t.Iterable[t.Any], probe: Probe) -> tuple[str, ...]:
    """By what addresses a host may come: those that others know, and all of its interfaces."""
    texts = [str(text) for text in written if text]
    for interface in (probe or {}).get("interfaces") or ():
        texts += [str(text).partition("/")[0] for text in interface.get("addresses") or ()]
    found = []
    for text in dict.fromkeys(texts):
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            continue
        if not (address.is_loopback or address.is_link_local):
            found.append(text)
    return tuple(found)
