# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plan + what runs + what is wanted -> the steps of a rolling restart, or why there must be none."""

from __future__ import annotations

import dataclasses
import typing as t

from ..planning.show.amounts import listing
from .choice import Choice, RestartError, Wanted, choose
from .fleet import Engine, Fleet, Server

#: In this order the sides of a service follow one another.
KINDS = ("serve", "prefill", "decode")
#: Seconds without a request after which an engine is idle. The KV cache of a prompt is fetched from its prefill engine
#: after the request for it has ended.
SETTLE_S = {"serve": 2, "prefill": 5, "decode": 2, "server": 5}


@dataclasses.dataclass(frozen=True)
class Door:
    """The front door of a service. port: vllm-router's, on loopback. workers: the addresses of all its engines."""

    host: str
    unit: str
    router_unit: str
    port: int
    mode: str
    workers: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Step:
    """One engine, restarted as a whole; or a connector's server with all engines of its host that use it.

    hosts: head first. unit: which restarts on the head; everything else of the engine follows it. units: the plan's, of
    the engine on its head. workers: the engine's addresses behind the door. meanwhile: engines of its kind that serve
    while it does not. serves: whether it did before. along: engines that restart with a server, of which ``engine`` is
    the name then.
    """

    engine: str
    service: str
    kind: str
    hosts: tuple[str, ...]
    unit: str
    units: tuple[t.Mapping[str, t.Any], ...]
    door: Door | None
    workers: tuple[str, ...]
    meanwhile: tuple[str, ...]
    serves: bool
    along: tuple[str, ...] = ()

    @property
    def head(self) -> str:
        return self.hosts[0]

    @property
    def settle_s(self) -> int:
        return SETTLE_S[self.kind]


@dataclasses.dataclass(frozen=True)
class Roll:
    """engines: steps in their order. doors: front doors to renew after them. left: what is not restarted, and why."""

    engines: tuple[Step, ...]
    doors: tuple[Door, ...]
    left: tuple[str, ...]

    def document(self) -> dict[str, t.Any]:
        """Plain data for a playbook, with what follows of each step, and the hosts on which something is done."""
        places = [step.head for step in self.engines]
        places += [step.door.host for step in self.engines if step.door] + [door.host for door in self.doors]
        return {
            "engines": [{**_plain(step), "head": step.head, "settle_s": step.settle_s} for step in self.engines],
            "doors": [_plain(door) for door in self.doors],
            "left": list(self.left),
            "hosts": list(dict.fromkeys(places)),
        }


def _plain(item: t.Any) -> t.Any:
    if dataclasses.is_dataclass(item) and not isinstance(item, type):
        return {field.name: _plain(getattr(item, field.name)) for field in dataclasses.fields(item)}
    if isinstance(item, t.Mapping):
        return {key: _plain(value) for key, value in item.items()}
    return [_plain(value) for value in item] if isinstance(item, (list, tuple)) else item


def roll(plan: t.Mapping[str, t.Any], reports: t.Mapping[str, t.Any], wanted: Wanted) -> Roll:
    """The steps that restart what is wanted while every service goes on.

    plan: the whole plan. reports: what host_status told, by host.
    Raises RestartError with all that forbids it; no host has been touched then.
    """
    fleet = Fleet(plan, reports)
    choice = choose(fleet, wanted)
    problems = _unfit(fleet, choice) + ([] if wanted.consent else _noticed(fleet, choice))
    if problems:
        raise RestartError(problems)
    steps = [_server_step(fleet, server) for server in choice.servers]
    # An engine whose head is elsewhere has been brought down by its other member, and is waited for in its own step.
    done = {name for server in choice.servers for name in server.along if fleet.engine(name).hosts[0] == server.host}
    steps += [_step(fleet, engine) for engine in _ordered(choice.engines) if engine.name not in done]
    doors = tuple(door(fleet.router(name)) for name in choice.doors)
    return Roll(tuple(steps), doors, choice.left)


def door(router: t.Mapping[str, t.Any]) -> Door:
    """router: an item of ``hosts.<host>.routers``, with its ``host`` and the names of its units."""
    return Door(
        router["host"],
        router["unit"],
        router["router_unit"],
        router["ports"]["router"],
        router["mode"],
        tuple(worker["url"] for worker in router["workers"]),
    )


def _ordered(engines: t.Sequence[Engine]) -> list[Engine]:
    """A service after the other, one side after the other; what does not serve first, since nobody misses it."""
    services = list(dict.fromkeys(engine.service for engine in engines))
    return sorted(engines, key=lambda item: (services.index(item.service), KINDS.index(item.kind), item.serves))


def _step(fleet: Fleet, engine: Engine) -> Step:
    router = fleet.router(engine.service)
    workers = [worker["url"] for worker in router["workers"] if worker["engine"] == engine.name] if router else []
    return Step(
        engine.name,
        engine.service,
        engine.kind,
        engine.hosts,
        engine.unit,
        tuple(fleet.units(engine.hosts[0], engine.name)),
        door(router) if router else None,
        tuple(workers),
        tuple(other.name for other in fleet.meanwhile(engine)),
        engine.serves,
    )


def _server_step(fleet: Fleet, server: Server) -> Step:
    """Requests are led past its engines where others of their kinds serve."""
    router, along = fleet.router(server.service), [fleet.engine(name) for name in server.along]
    others = [[other.name for other in fleet.meanwhile(engine) if other.name not in server.along] for engine in along]
    return Step(
        server.name,
        server.service,
        "server",
        (server.host,),
        server.unit,
        tuple(unit for name in server.along for unit in fleet.units(server.host, name)),
        door(router) if router else None,
        tuple(worker["url"] for worker in (router["workers"] if router else ()) if worker["engine"] in server.along),
        tuple(dict.fromkeys(name for names in others for name in names)) if all(others) else (),
        any(engine.serves for engine in along),
        server.along,
    )


def _unfit(fleet: Fleet, choice: Choice) -> list[str]:
    """What stands in the way whatever a person consents to."""
    found = []
    for engine in choice.engines:
        if engine.missing:
            told = f"{engine.name}: {listing(engine.missing, 3)} has no unit of it, though the plan has one"
            found.append(f"{told}. Fix: run site.yml first")
    for server in choice.servers:
        if not server.state:
            seen = f"{server.name}: {server.host} has no unit of it, though the plan has one, or was not looked at"
            found.append(f"{seen}. Fix: let status.yml reach the host, then run site.yml first")
    for service in _services(choice):
        trouble = fleet.door_trouble(service)
        if trouble:
            fix = "bring it back first (status.yml shows it): requests are led past an engine by it"
            found.append(f"{service}: its front door {trouble}. Fix: {fix}")
    return found


def _noticed(fleet: Fleet, choice: Choice) -> list[str]:
    """What clients would notice, and so needs consent."""
    consent = "consent with -e vllm_allow_restart=true"
    found = [
        f"{server.name}: its engines have never been seen without it, and those of {server.host} restart at once. "
        f"Fix: {consent}"
        for server in choice.servers
    ]
    along = {name for server in choice.servers for name in server.along}
    for engine in choice.engines:
        if not engine.serves or engine.name in along:
            continue
        router, others = fleet.router(engine.service), fleet.of_kind(engine)
        alone = f"{engine.name} is the only {engine.called} of {engine.service}"
        if not router:
            told = f"{engine.name}: {engine.service} has no front door, so its clients call this engine itself"
            found.append(f"{told}. Fix: {consent}")
        elif not others:
            found.append(f"{alone}, so nothing would serve in its place. Fix: {consent}")
        elif not fleet.meanwhile(engine):
            why = "; ".join(f"{other.name} {other.trouble}" for other in others)
            told = f"{engine.name}: no other {engine.called} of {engine.service} serves: {why}"
            found.append(f"{told}. Fix: bring one of them back first, or {consent}")
    for service in _services(choice):
        router = fleet.router(service)
        if router and router["mode"] == "pd" and not router["fallback"]:
            told = f"{service}: vllm-router restarts, and with fallback: false nothing answers for as long"
            found.append(f"{told}. Fix: {consent}")
    return found


def _services(choice: Choice) -> list[str]:
    """Those whose front doors have a part in it."""
    names = [server.service for server in choice.servers] + [engine.service for engine in choice.engines]
    return list(dict.fromkeys([*names, *choice.doors]))
