# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One host's part of the plan: environments, models, files and units of the members that it holds."""

from __future__ import annotations

import collections
import typing as t

from ..releases import packages
from ..router import units as router_units
from ..router.settings import Router
from . import (
    describe,
    doors,
    environments,
    fences,
    groups,
    host_models,
    images,
    kv_servers,
    models,
    ray,
    sites,
    units,
)
from .connectors.family import Place
from .decisions import Decision
from .devices import Probe
from .errors import Refusals
from .intent import Intent
from .members import Member
from .placement import Engine


def add_engine(
    hosts: t.Mapping[str, dict[str, t.Any]],
    group: t.Sequence[Member],
    crowd: t.Mapping[str, int],
    intent: Intent,
    after: t.Mapping[str, t.Sequence[str]],
    refusals: Refusals,
) -> list[Decision]:
    """Put the engine's members into their hosts' parts of the plan.

    crowd: ranks on the CPU by host. after: units whose restart must restart the engine's, by host.
    """
    engine = group[0].engine
    given: list[dict[str, str]] = []
    decisions: list[Decision] = []
    for member in group:
        own, why = _add_member(hosts[member.host], member, crowd, intent, after.get(member.host, ()), refusals)
        given.append(own)
        decisions += why
    if engine.is_group:
        not_carried = ray.fence(engine, given) if engine.executor == "ray" else None
        for member in group:
            hosts[member.host]["groups"].append(groups.item(member, not_carried if member.is_head else None))
        ray.warn_unfenced(engine, not_carried, refusals)
    return decisions


def _add_member(
    host: dict[str, t.Any],
    member: Member,
    crowd: t.Mapping[str, int],
    intent: Intent,
    after: t.Sequence[str],
    refusals: Refusals,
) -> tuple[dict[str, str], list[Decision]]:
    """Put the member's environment, model, files and units into its host's part of the plan. Returns its variables."""
    engine, service, fleet = member.engine, member.engine.service, intent.fleet
    model = models.locate(service, fleet)
    models.check_present(service, model, member.host, member.probe, refusals)
    if member.is_head and engine.accelerator == "cuda" and engine.fit is None:
        message = f"whether {service['model']} fits into the GPUs is not judged: {describe.why_unknown(engine)}"
        fix = "set model_config to its config.json" if engine.known.facts is None else "watch the engine's first start"
        refusals.warn("memory-unknown", f"{service.path}.model", message, fix)
    environment_path = ""
    if service["runtime"] == "env":
        item = environments.item(engine, fleet)
        environment_path = item["path"]
        add(host["environments"], item)
        libraries = packages.libraries(item["requirements"])
        host["packages"] += [name for name in libraries if name not in host["packages"]]
    else:
        images.add(host["images"], member, fleet)
    if model.path:
        host_models.add(host, model, fleet)
    cpus = (member.probe or {}).get("cpus")
    share = max(1, int(cpus) // crowd[member.host]) if cpus and crowd.get(member.host) else None
    given, decisions = units.environment(member, model, share, fleet, intent.host_env.get(member.host, {}))
    own = units.member_units(member, model, given, environment_path, fleet)
    for unit in own:
        unit["restart_with"] = [*after, *unit["restart_with"]]
    host["units"] += own
    host["files"] += [item for item in member.files if item not in host["files"]]
    if engine.is_group:
        host["units"].append(groups.guard(member, own, fleet["vllm_python"]))
    return given, decisions


def empty(host: str, addresses: t.Mapping[str, str], probes: t.Mapping[str, Probe]) -> dict[str, t.Any]:
    """A host's part before anything stands there."""
    return {
        "address": addresses.get(host, host),
        "gpus": gpus(probes.get(host)),
        **{key: [] for key in ("packages", "environments", "images", "models", "files", "groups")},
        "network": fences.NOTHING,
        "routers": [],
        "units": [],
    }


def add_servers(
    hosts: t.Mapping[str, dict[str, t.Any]],
    engines: t.Sequence[t.Sequence[Member]],
    needed: sites.Needed,
    given: t.Mapping[tuple[str, str], t.Mapping[str, t.Any]],
    network: sites.Network | None,
    fleet: t.Mapping[str, t.Any],
) -> dict[str, list[str]]:
    """Put the servers of a service's connectors on their hosts. Returns the names of their units by host."""
    found: dict[str, list[str]] = {}
    for want, server, host in needed.values():
        member = next(member for members in engines for member in members if member.host == host)
        service = member.engine.service
        address = network.addresses[host] if network is not None else ""
        place = Place(host, address, given[sites.server_name(service, server), host])
        path = environments.item(member.engine, fleet)["path"] if service["runtime"] == "env" else ""
        unit = kv_servers.unit(member, want, server, place, path, fleet)
        hosts[host]["units"].append(unit)
        found.setdefault(host, []).append(unit["name"])
    return found


def add_door(
    hosts: t.Mapping[str, dict[str, t.Any]],
    door: doors.Door,
    engines: t.Sequence[t.Sequence[Member]],
    given: t.Mapping[tuple[str, str], t.Mapping[str, t.Any]],
    fleet: t.Mapping[str, t.Any],
) -> Router:
    """Put the door of a service on its host."""
    router, host = doors.settings(door, engines, given[door.name, door.host], fleet), hosts[door.host]
    add(host["environments"], doors.environment_item(fleet))
    host["routers"].append(router.document())
    model = units.served_names(engines[0][0].engine)[0]
    for unit in router_units.units(router):
        host["units"].append({**unit, "served_model_name": model} if unit["kind"] == "door" else unit)
    return router


def gpus(probe: Probe) -> list[int]:
    """The indexes of all its GPUs."""
    return sorted(gpu["index"] for gpu in (probe or {}).get("gpus") or () if gpu.get("index") is not None)


def add(items: list[dict[str, t.Any]], item: dict[str, t.Any]) -> None:
    """Add an item, unless one of its path is there."""
    if all(item["path"] != other["path"] for other in items):
        items.append(item)


def cpu_ranks(engines: t.Sequence[Engine]) -> dict[str, int]:
    """Ranks on the CPU by host: they share its cores."""
    found: collections.Counter[str] = collections.Counter()
    for engine in engines:
        if engine.accelerator == "cpu":
            found.update(dict.fromkeys(engine.hosts, engine.ranks_per_host))
    return dict(found)
