# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the engines of a service meet: the network between them and their door, and servers of their connectors."""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from . import interfaces, ports
from .connectors import option
from .connectors.family import Place, Server, Site
from .connectors.wanted import Want
from .decisions import Decision
from .devices import Probe
from .doors import PORTS as DOOR_PORTS
from .doors import Door
from .errors import Refusals
from .intent import Intent, Service
from .members import Member
from .placement import Engine

#: What connectors of one service need besides engines, with its host, by connector.
Needed = t.Mapping[str, tuple[Want, Server, str]]
CONFIG_DIR = "/etc/vllm/connectors"
_LOOPBACK = "127.0.0.1"


@dataclasses.dataclass(frozen=True)
class Network:
    """addresses: by host, of what serves KV cache. listens: by host, what engines behind a door open their API on.

    interfaces: of the first, empty where all engines stand on one host.
    """

    addresses: t.Mapping[str, str]
    listens: t.Mapping[str, str]
    interfaces: t.Mapping[str, t.Mapping[str, t.Any]]


def by_root(engines: t.Iterable[Engine]) -> dict[str, list[Engine]]:
    """Engines by the path of their item of vllm_services."""
    found: dict[str, list[Engine]] = collections.defaultdict(list)
    for engine in engines:
        found[engine.service.root].append(engine)
    return dict(found)


def networks(
    engines: t.Sequence[Engine],
    doors: t.Mapping[str, Door],
    probes: t.Mapping[str, Probe],
    addresses: t.Mapping[str, str],
    chosen: t.Mapping[str, str],
    refusals: Refusals,
) -> tuple[dict[str, Network], list[Decision]]:
    """By the path of each service with a door or a KV connector. chosen: interfaces by host (vllm_interface)."""
    found: dict[str, Network] = {}
    decisions: list[Decision] = []

    def meet(hosts: t.Iterable[str], mine: t.Sequence[Engine]) -> tuple[dict[str, str], dict[str, dict[str, t.Any]]]:
        listed = tuple(dict.fromkeys(hosts))
        if len(listed) < 2:
            return dict.fromkeys(listed, _LOOPBACK), {}
        path = f"{mine[0].service.root}.interface"
        wishes = _wishes(mine, chosen)
        ports_, why = interfaces.choose(listed, probes, addresses, wishes, path, refusals)
        decisions.extend(why)
        return {
            host: str((ports_.get(host) or {}).get("address") or addresses.get(host, host)) for host in listed
        }, ports_

    for root, mine in by_root(engines).items():
        door, transfers = doors.get(root), mine[0].service.transfer is not None
        every = [host for engine in mine for host in engine.hosts]
        called = [host for engine in mine for host in engine.doors]
        inner = meet(every, mine) if transfers else ({}, {})
        listens: dict[str, str] = {}
        if door is not None:
            among = {door.host, *called}
            listens = inner[0] if transfers and among <= set(every) else {}
            if len(among) == 1:
                listens = {door.host: _LOOPBACK}
            listens = listens or meet([*called, door.host], mine)[0]
        found[root] = Network(inner[0], listens, inner[1])
    return found, decisions


def _wishes(engines: t.Sequence[Engine], chosen: t.Mapping[str, str]) -> interfaces.Written:
    """What persons wrote for each host; a name that all of them share stays one."""
    written = [engine.service["interface"] for engine in engines]
    if all(wish == written[0] for wish in written) and not isinstance(written[0], dict) and written[0] is not None:
        return str(written[0])
    found: dict[str, str] = dict(chosen)
    for engine, wish in zip(engines, written):
        for host in engine.hosts:
            name = wish.get(host) if isinstance(wish, dict) else wish
            if name is not None:
                found[host] = str(name)
    return found or None


def servers(
    engines: t.Sequence[Engine], refusals: Refusals
) -> tuple[dict[str, dict[str, tuple[Want, Server, str]]], list[Decision]]:
    """What connectors need besides engines, with its host: by the path of the service, and by connector."""
    decisions: list[Decision] = []
    found: dict[str, dict[str, tuple[Want, Server, str]]] = {}
    for root, mine in by_root(engines).items():
        want = mine[0].service.transfer
        hosts = list(dict.fromkeys(host for engine in mine for host in engine.hosts))
        for part in want.all if want is not None else ():
            server = option.family(part).server
            if server is None or part.needs is None:
                continue
            host = part["server_host"] or hosts[0]
            if host not in hosts:
                rule = "is no host of the service's engines, and the server runs from an engine's environment"
                refusals.add("kv-server-host", f"{part.path}.server_host", host, rule, f"name one, such as {hosts[0]}")
                continue
            if not part["server_host"]:
                decisions.append(Decision(f"{part.path}.server_host", host, "the first engine's host"))
            found.setdefault(root, {})[part.connector] = (part, server, host)
    return found, decisions


def others(
    intent: Intent,
    doors: t.Mapping[str, Door],
    needed: t.Mapping[str, Needed],
) -> list[ports.Other]:
    """What opens ports besides engines."""
    found = []
    for root, door in doors.items():
        bases = {name: base or int(intent.fleet["vllm_port_base"]) for name, base in DOOR_PORTS.items()}
        path = f"{root}.port" if door.service["port"] else f"{door.service.router.path}.port"
        found.append(ports.Other(door.name, door.host, path, bases, door.service.router.port))
    for root, parts in needed.items():
        service = next(service for service in intent.services if service.root == root)
        for _part, server, host in parts.values():
            path = f"{root}.ports.{next(iter(server.ports))}"
            found.append(ports.Other(server_name(service, server), host, path, server.ports))
    return found


def server_name(service: Service, server: Server) -> str:
    """What the server's unit is called, and what its ports are given to."""
    return f"{service.name}-{server.part}"


def wired(
    groups: t.Sequence[t.Sequence[Member]],
    network: Network,
    needed: Needed,
    given: t.Mapping[tuple[str, str], t.Mapping[str, t.Any]],
    probes: t.Mapping[str, Probe],
    fleet: t.Mapping[str, t.Any],
    refusals: Refusals,
) -> list[list[Member]]:
    """The members of a service's engines with what their connectors are told, where that can be. groups: by engine."""
    service = groups[0][0].engine.service
    want = service.transfer
    wants = {part.connector for part in want.all if option.family(part).server} if want is not None else set()
    kinds = {members[0].engine.service.kind for members in groups}
    if want is None or wants - set(needed) or (service.kind != "serve" and len(kinds) < 2):
        return [list(members) for members in groups]  # something was refused
    places = {
        connector: Place(host, network.addresses[host], given[server_name(service, server), host])
        for connector, (_want, server, host) in needed.items()
    }
    site = Site(
        service.name,
        tuple(tuple(members) for members in groups),
        network.addresses,
        network.interfaces,
        probes,
        places,
        CONFIG_DIR,
        str(fleet["vllm_state_dir"]),
    )
    option.check(want, site, refusals)
    return [
        [dataclasses.replace(member, wired=option.wire(want, member, site)) for member in members] for members in groups
    ]
