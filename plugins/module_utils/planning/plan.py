# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Intent + probes + models -> plan. Pure: equal input gives equal bytes. docs/plan.md tells the document's shape."""

from __future__ import annotations

import collections
import dataclasses
import hashlib
import ipaddress
import typing as t

from ..releases import flags, packages, versions
from . import (
    arguments,
    balancing,
    coherence,
    describe,
    fences,
    groups,
    hazards,
    interfaces,
    listening,
    models,
    ports,
    ray,
    serve,
    sides,
    units,
    variables,
)
from .decisions import Decision
from .devices import Probe
from .errors import Refusals
from .intent import Intent
from .members import Member, members
from .placement import Engine, place
from .sizing import Library, Source

SCHEMA_VERSION = 2


def requests(intent: Intent, addresses: t.Mapping[str, str] | None = None) -> dict[str, dict[str, t.Any]]:
    """What to look at on each member, by the options of vllm.cluster.host_probe: paths, pythons, peers.

    addresses: of the members; who shares a service with whom is asked for by address.
    """
    wanted: dict[str, dict[str, set[str]]] = {
        host: {"paths": set(), "pythons": set(), "peers": set()} for host in intent.members
    }
    for service in intent.services:
        model = models.locate(service, intent.fleet["vllm_model_dir"])
        for host in service.hosts:
            if model.path:
                wanted[host]["paths"].add(model.path)
            if service["runtime"] == "env":
                wanted[host]["pythons"].add(intent.fleet["vllm_python"])
            others = [(addresses or {}).get(other, "") for other in service.hosts if other != host]
            wanted[host]["peers"].update([other for other in others if _is_address(other)][:_PEERS])
    return {host: {key: sorted(values) for key, values in items.items()} for host, items in wanted.items()}


def _is_address(text: str) -> bool:
    try:
        return "%" not in text and bool(ipaddress.ip_address(text))
    except ValueError:
        return False


#: Routes to more members than these tell nothing new of a host's interfaces.
_PEERS = 8


def check(intent: Intent) -> list[dict[str, str]]:
    """Refuse what is wrong whatever the hosts are, so that no host is touched for it. Returns warnings."""
    refusals = Refusals()
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
    sources: what is known of models, by the name that services give them (sizing.Source).
    chosen: the network interface that a person chose for a host (``vllm_interface``).
    logins: the port of ssh by which a host is managed (``ansible_port``); no fence closes it.
    """
    refusals = Refusals()
    _check_written(intent, refusals)
    refusals.raise_if_any()
    engines, decisions = place(intent, probes, Library(sources or {}), refusals)
    given, why = ports.assign_ports(engines, intent.fleet["vllm_port_base"], probes, refusals)
    decisions += why
    networks, why = _networks(engines, probes, addresses, chosen or {}, refusals)
    decisions += why
    _check_found(intent, engines, probes, networks, refusals)
    groups: dict[str, list[list[Member]]] = {service.path: [] for service in intent.services}
    for engine in engines:
        groups[engine.service.path].append(members(engine, addresses, networks[engine.name], given, probes))
    for service in intent.services:
        if "name" not in service.given:
            decisions.append(Decision(f"{service.path}.name", service.name, f"from the model {service['model']}"))
    hosts: dict[str, dict[str, t.Any]] = {
        host: {
            "address": addresses.get(host, host),
            "gpus": _gpus(probes.get(host)),
            "environments": [],
            "models": [],
            "groups": [],
            "network": fences.NOTHING,
            "units": [],
        }
        for host in intent.members
    }
    every = [group for service in groups.values() for group in service]
    for host, network in fences.networks(every, fences.read(intent.fleet, logins or {}), probes, refusals).items():
        hosts[host]["network"] = network
    crowd = _cpu_ranks(engines)
    for group in every:
        decisions += _add_engine(hosts, group, crowd, intent, refusals)
    refusals.raise_if_any()
    return {
        "schema_version": SCHEMA_VERSION,
        "services": [
            describe.service_document(service, groups[service.path], addresses) for service in intent.services
        ],
        "engines": [describe.engine_document(group[0].engine, group) for group in every],
        "hosts": hosts,
        "decisions": _ordered(decisions, intent),
        "warnings": refusals.warnings,
    }


def check_applicable(document: t.Mapping[str, t.Any]) -> None:
    """Refuse what is planned but that the roles of this release cannot start yet."""
    refusals = Refusals()
    for engine in document["engines"]:
        units = [unit for member in engine["members"] for unit in document["hosts"][member["host"]]["units"]]
        contained = any(unit["engine"] == engine["name"] and unit["runtime"] == "container" for unit in units)
        if len(engine["members"]) > 1 and contained:
            span = f"engine {engine['name']} runs in containers on {len(engine['members'])} hosts"
            rule = f"{span}, which this release plans but does not start"
            fix = "write runtime: env, or look at it with playbooks/plan.yml"
            hosts = [member["host"] for member in engine["members"]]
            refusals.add("not-applied-yet", f"{engine['path']}.hosts", hosts, rule, fix)
        elif engine["guessed"]:
            known = next(item["model_summary"] for item in document["services"] if item["name"] == engine["service"])
            rule = f"the sizes of engine {engine['name']} are a guess: {engine['why_unknown']}"
            fix = "set model_config, let this machine reach the hub (vllm_hub_endpoint), or write parallel"
            fix = "write gpus, or parallel" if known else fix
            refusals.add("layout-unknown", f"{engine['path']}.parallel", "auto", rule, fix)
    refusals.raise_if_any()


def _check_written(intent: Intent, refusals: Refusals) -> None:
    for written, meant in intent.unknown:
        message = f"no such variable; {meant} is one"
        refusals.warn("misspelt-variable", written, message, "correct the name, or remove it")
    for service in intent.services:
        serve.check_args(service, refusals)
        arguments.check(service, None, refusals, packages=intent.fleet["vllm_env_packages"])
        variables.check_hosts(service, intent.host_env, None, service.parallel, None, refusals)
        sides.check(service, refusals)
        if not service["api_key"] and not describe.is_loopback(service["listen"]):
            message = f"anyone who reaches {service['listen']} can use service {service.name}: it has no key"
            refusals.warn("no-key", f"{service.path}.api_key", message, "set api_key, or listen: 127.0.0.1")
        oldest, newest = flags.oldest(), flags.newest()
        if not versions.parse(oldest) <= versions.parse(service["version"]) <= versions.parse(newest):
            message = f"release {service['version']} is outside this collection's tables ({oldest} to {newest})"
            refusals.warn("release-unknown", f"{service.path}.version", message, "check its options yourself")
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
        hazards.check(
            service,
            facts,
            fleet["vllm_accept_advisories"],
            refusals,
            several_hosts=over_hosts,
            pipeline=max((engine.parallel["pipeline"] for engine in placed), default=1),
        )
    ports.check_used(engines, refusals)
    listening.check(engines, probes, refusals)
    hazards.check_accepted(fleet["vllm_accept_advisories"], refusals)


def _add_engine(
    hosts: dict[str, dict[str, t.Any]],
    group: t.Sequence[Member],
    crowd: t.Mapping[str, int],
    intent: Intent,
    refusals: Refusals,
) -> list[Decision]:
    """Put the engine's members into their hosts' parts of the plan."""
    engine = group[0].engine
    given: list[dict[str, str]] = []
    decisions: list[Decision] = []
    for member in group:
        own, why = _add_member(hosts[member.host], member, crowd, intent, refusals)
        given.append(own)
        decisions += why
    if engine.is_group:
        not_carried = ray.fence(engine, given) if engine.executor == "ray" else None
        for member in group:
            hosts[member.host]["groups"].append(groups.item(member, not_carried if member.is_head else None))
        ray.warn_unfenced(engine, not_carried, refusals)
    return decisions


def _add_member(
    host: dict[str, t.Any], member: Member, crowd: t.Mapping[str, int], intent: Intent, refusals: Refusals
) -> tuple[dict[str, str], list[Decision]]:
    """Put the member's environment, model and units into its host's part of the plan. Returns its variables."""
    engine, service, fleet = member.engine, member.engine.service, intent.fleet
    model = models.locate(service, fleet["vllm_model_dir"])
    models.check_present(service, model, member.host, member.probe, refusals)
    if member.is_head and engine.accelerator == "cuda" and engine.fit is None:
        message = f"whether {service['model']} fits into the GPUs is not judged: {describe.why_unknown(engine)}"
        fix = "set model_config to its config.json" if engine.known.facts is None else "watch the engine's first start"
        refusals.warn("memory-unknown", f"{service.path}.model", message, fix)
    environment_path = ""
    if service["runtime"] == "env":
        item = _environment(engine, fleet)
        environment_path = item["path"]
        _add(host["environments"], item)
    if model.path:
        _add(host["models"], model.item(environment_path or None))
    cpus = (member.probe or {}).get("cpus")
    share = max(1, int(cpus) // crowd[member.host]) if cpus and crowd.get(member.host) else None
    given, decisions = units.environment(member, model, share, fleet, intent.host_env.get(member.host, {}))
    own = units.member_units(member, model, given, environment_path, fleet)
    host["units"] += own
    if engine.is_group:
        host["units"].append(groups.guard(member, own, fleet["vllm_python"]))
    return given, decisions


def _gpus(probe: Probe) -> list[int]:
    return sorted(gpu["index"] for gpu in (probe or {}).get("gpus") or () if gpu.get("index") is not None)


def _add(items: list[dict[str, t.Any]], item: dict[str, t.Any]) -> None:
    if all(item["path"] != other["path"] for other in items):
        items.append(item)


def _environment(engine: Engine, fleet: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The ``environments`` item. Its name tells its content, so another content is another directory."""
    version = engine.service["version"]
    content = packages.environment(version, engine.accelerator, fleet["vllm_ray_version"], fleet["vllm_env_packages"])
    name = f"vllm-{version}-{engine.accelerator}"
    if fleet["vllm_env_packages"] or fleet["vllm_ray_version"] != packages.DEFAULT_RAY:
        name += "-" + hashlib.sha256("\n".join(content["requirements"]).encode()).hexdigest()[:8]
    path = f"{fleet['vllm_install_dir']}/envs/{name}"
    return {"name": name, "path": path, "python": fleet["vllm_python"], "accelerator": engine.accelerator, **content}


def _cpu_ranks(engines: t.Sequence[Engine]) -> dict[str, int]:
    """Ranks on the CPU by host: they share its cores."""
    found: collections.Counter[str] = collections.Counter()
    for engine in engines:
        if engine.accelerator == "cpu":
            found.update(dict.fromkeys(engine.hosts, engine.ranks_per_host))
    return dict(found)


def _ordered(decisions: t.Sequence[Decision], intent: Intent) -> list[dict[str, t.Any]]:
    """Each once, by service, otherwise as made."""
    place_of = {service.path: index for index, service in enumerate(intent.services)}
    result: dict[str, dict[str, t.Any]] = {}
    for decision in sorted(decisions, key=lambda item: place_of.get(item.path.partition("]")[0] + "]", -1)):
        result.setdefault(repr(decision), dataclasses.asdict(decision))
    return list(result.values())
