# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Intent + probes + models -> plan. Pure: equal input gives equal bytes. docs/plan.md tells the document's shape."""

from __future__ import annotations

import dataclasses
import ipaddress
import typing as t

from ..releases import flags, versions
from . import (
    arguments,
    balancing,
    coherence,
    describe,
    doors,
    environments,
    fences,
    hazards,
    host_models,
    host_parts,
    images,
    interfaces,
    listening,
    models,
    openings,
    ports,
    serve,
    sides,
    sites,
    variables,
)
from .connectors import agree, option, wanted
from .decisions import Decision
from .devices import Probe
from .errors import Refusals
from .intent import Intent, Service
from .members import Member, members
from .placement import Engine, place
from .sizing import Library, Source

SCHEMA_VERSION = 2


def requests(intent: Intent, addresses: t.Mapping[str, str] | None = None) -> dict[str, dict[str, t.Any]]:
    """What to look at on each member, by the options of vllm.cluster.host_probe: paths, pythons, peers.

    addresses: of the members; who shares a service with whom is asked for by address.
    """
    asked: dict[str, dict[str, set[str]]] = {
        host: {"paths": set(), "pythons": set(), "peers": set()} for host in intent.members
    }
    for service in intent.services:
        model = models.locate(service, intent.fleet)
        for host in service.hosts:
            if model.path:
                asked[host]["paths"].add(model.path)
            if service["runtime"] == "env" or (model.is_downloaded and model.path):
                asked[host]["pythons"].add(intent.fleet["vllm_python"])
            together = dict.fromkeys(other for side in intent.whole()[service.root] for other in side.hosts)
            others = [(addresses or {}).get(other, "") for other in together if other != host]
            asked[host]["peers"].update([other for other in others if _is_address(other)][:_PEERS])
            asked[host]["paths"].update(part["path"] for part in _parts(service) if part["path"])
        if service.router.host and service["runtime"] == "env":
            asked[service.router.host]["pythons"].add(intent.fleet["vllm_python"])
    return {host: {key: sorted(values) for key, values in items.items()} for host, items in asked.items()}


def _parts(service: Service) -> tuple[wanted.Want, ...]:
    return service.transfer.all if service.transfer is not None else ()


def _is_address(text: str) -> bool:
    try:
        return "%" not in text and bool(ipaddress.ip_address(text))
    except ValueError:
        return False


#: Routes to more members than these tell nothing new of a host's interfaces.
_PEERS = 8


def check(intent: Intent) -> list[dict[str, str]]:
    """Refuse what is wrong whatever the hosts are, so that no host is touched for it. Returns warnings."""
    refusals = Refusals(intent.locate)
    _check_written(intent, refusals)
    refusals.raise_if_any()
    return refusals.warnings


def plan(
    intent: Intent,
    probes: t.Mapping[str, Probe],
    addresses: t.Mapping[str, str],
    sources: t.Mapping[str, Source] | None = None,
    chosen: t.Mapping[str, str] | None = None,
    logins: t.Mapping[str, int] | None = None,
) -> dict[str, t.Any]:
    """The plan document. Raises PlanError.

    probes: facts by host, as vllm.cluster.host_probe returns them; a host left out was not probed.
    addresses: where members and clients reach each host.
    sources: what is known of models, by models.key (sizing.Source).
    chosen: the network interface that a person chose for a host (``vllm_interface``).
    logins: the port of ssh by which a host is managed (``ansible_port``); no fence closes it.
    """
    refusals, fleet, chosen = Refusals(intent.locate), intent.fleet, chosen or {}
    _check_written(intent, refusals)
    refusals.raise_if_any()
    engines, decisions = place(intent, probes, Library(sources or {}), refusals)
    opened, why = doors.decide(intent, engines, refusals)
    decisions += why
    needed, why = sites.servers(engines, refusals)
    decisions += why
    beside = sites.others(intent, opened, needed)
    given, why = ports.assign_ports(
        engines, fleet["vllm_port_base"], probes, refusals, doors.behind(intent, opened), beside
    )
    decisions += why
    networks, why = _networks(engines, probes, addresses, chosen, refusals)
    decisions += why
    meetings, why = sites.networks(engines, opened, probes, addresses, chosen, refusals)
    decisions += why
    _check_found(intent, engines, opened, probes, networks, refusals)
    groups: dict[str, list[list[Member]]] = {root: [] for root in intent.whole()}
    for engine in engines:
        meeting = meetings.get(engine.service.root)
        listens = meeting.listens if meeting else None
        found = members(engine, addresses, networks[engine.name], given, probes, listens)
        groups[engine.service.root].append(found)
    for root, mine in groups.items():
        if mine and mine[0][0].engine.service.transfer is not None:
            groups[root] = sites.wired(mine, meetings[root], needed.get(root, {}), given, probes, fleet, refusals)
    refusals.raise_if_any()
    decisions += _named(intent)
    every = [group for mine in groups.values() for group in mine]
    hosts = {host: host_parts.empty(host, addresses, probes) for host in intent.members}
    around = openings.around(groups, opened, needed, meetings, given, addresses, probes)
    for host, network in fences.networks(every, fences.read(fleet, logins or {}), probes, refusals, around).items():
        hosts[host]["network"] = network
    crowd = host_parts.cpu_ranks(engines)
    for root, mine in groups.items():
        servers = host_parts.add_servers(hosts, mine, needed.get(root, {}), given, meetings.get(root), fleet)
        for group in mine:
            decisions += host_parts.add_engine(hosts, group, crowd, intent, servers, refusals)
    routers = {root: host_parts.add_door(hosts, door, groups[root], given, fleet) for root, door in opened.items()}
    host_models.add_downloads(hosts, intent, refusals)
    refusals.raise_if_any()
    return {
        "schema_version": SCHEMA_VERSION,
        "services": [
            describe.service_document(groups[root], routers.get(root), opened.get(root), addresses) for root in groups
        ],
        "engines": [describe.engine_document(group[0].engine, group) for group in every],
        "hosts": hosts,
        "decisions": _ordered(decisions, intent),
        "warnings": refusals.warnings,
    }


def _named(intent: Intent) -> list[Decision]:
    """What the intent alone decides."""
    found = []
    for root, (service, *_others) in intent.whole().items():
        want = service.transfer
        if "name" not in service.given:
            found.append(Decision(f"{root}.name", service.name, f"from the model {service['model']}"))
        if want is None:
            continue
        if want.why:
            found.append(Decision(f"{want.path}.connector", want.connector, want.why))
        why = f"{want.connector} is of the engine V0, and this release starts V1"
        found += [Decision(f"{root}.env.{name}", value, why) for name, value in option.variables(want).items()]
    return found


def _check_written(intent: Intent, refusals: Refusals) -> None:
    for written, meant in intent.unknown:
        message = f"no such variable; {meant} is one"
        refusals.warn("misspelt-variable", written, message, "correct the name, or remove it")
    for service in intent.services:
        serve.check_args(service, refusals)
        arguments.check(service, None, refusals, packages=intent.fleet["vllm_env_packages"])
        variables.check_hosts(service, intent.host_env, None, service.parallel, None, refusals)
        variables.check_hosts(service, intent.host_env, None, service.parallel, None, refusals)
        sides.check(service, refusals)
        images.check(service, intent.fleet, refusals)
        if not service["api_key"] and not describe.is_loopback(service["listen"]):
            message = f"anyone who reaches {service['listen']} can use service {service.name}: it has no key"
            refusals.warn("no-key", f"{service.path}.api_key", message, "set api_key, or listen: 127.0.0.1")
        oldest, newest = flags.oldest(), flags.newest()
        if not versions.parse(oldest) <= versions.parse(service["version"]) <= versions.parse(newest):
            message = f"release {service['version']} is outside this collection's tables ({oldest} to {newest})"
            refusals.warn("release-unknown", f"{service.path}.version", message, "check its options yourself")
    environments.check_fleet(intent.fleet, refusals)
    environments.check_makers(intent.services, intent.fleet, refusals)
    ports.check_written(intent, refusals)


def _networks(
    engines: t.Sequence[Engine],
    probes: t.Mapping[str, Probe],
    addresses: t.Mapping[str, str],
    chosen: t.Mapping[str, str],
    refusals: Refusals,
) -> tuple[dict[str, dict[str, dict[str, t.Any]]], list[Decision]]:
    """The interface of each member, by engine and host."""
    found: dict[str, dict[str, dict[str, t.Any]]] = {}
    decisions: list[Decision] = []
    for engine in engines:
        written = engine.service["interface"]
        if written is None:
            written = {host: chosen[host] for host in engine.hosts if host in chosen}
        path = f"{engine.service.path}.interface"
        found[engine.name], why = interfaces.choose(engine.hosts, probes, addresses, written, path, refusals)
        decisions += why
    return found, decisions


def _check_found(
    intent: Intent,
    engines: t.Sequence[Engine],
    opened: t.Mapping[str, doors.Door],
    probes: t.Mapping[str, Probe],
    networks: t.Mapping[str, t.Mapping[str, t.Mapping[str, t.Any]]],
    refusals: Refusals,
) -> None:
    """Refuse what only the hosts, the model and the placement tell."""
    fleet = intent.fleet
    coherence.check(engines, probes, fleet, networks, refusals)
    mine: dict[str, list[Engine]] = {}
    for engine in engines:
        mine.setdefault(engine.service.path, []).append(engine)
    for service in intent.services:
        placed = mine.get(service.path, [])
        facts = placed[0].known.facts if placed else None
        for engine in placed:
            serve.check_engine(engine, refusals)
            balancing.check(engine, refusals)
        parallel = placed[0].parallel if placed else None
        over_hosts = any(len(engine.hosts) > 1 for engine in placed)
        packages_beside = fleet["vllm_env_packages"]
        arguments.check(service, facts, refusals, packages=packages_beside, parallel=parallel, several_hosts=over_hosts)
        variables.check_hosts(service, intent.host_env, facts, parallel or {}, over_hosts, refusals)
        variables.check_hosts(service, intent.host_env, facts, parallel or {}, over_hosts, refusals)
        hazards.check(
            service,
            facts,
            fleet["vllm_accept_advisories"],
            refusals,
            several_hosts=over_hosts,
            pipeline=max((engine.parallel["pipeline"] for engine in placed), default=1),
        )
    ports.check_used(engines, refusals)
    listening.check(engines, probes, refusals, {root: door.host for root, door in opened.items()})
    agree.check(engines, refusals)
    hazards.check_accepted(fleet["vllm_accept_advisories"], refusals)


def _ordered(decisions: t.Sequence[Decision], intent: Intent) -> list[dict[str, t.Any]]:
    """Each once, by service, otherwise as made."""
    place_of = {root: index for index, root in enumerate(intent.whole())}
    result: dict[str, dict[str, t.Any]] = {}
    for decision in sorted(decisions, key=lambda item: place_of.get(item.path.partition("]")[0] + "]", -1)):
        result.setdefault(repr(decision), dataclasses.asdict(decision))
    return list(result.values())
