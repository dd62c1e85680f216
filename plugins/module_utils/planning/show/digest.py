# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan by service, with what is equal told once: what the text and the page are written from."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from . import amounts

Plan = t.Mapping[str, t.Any]
Item = t.Mapping[str, t.Any]

_SERVICE = re.compile(r"vllm_services\[\d+\]")


@dataclasses.dataclass(frozen=True)
class Members:
    """Members that differ in their host and addresses alone. hosts: in the plan's order, each once."""

    hosts: tuple[str, ...]
    addresses: tuple[str, ...]
    engines: tuple[str, ...]
    first: Item


@dataclasses.dataclass(frozen=True)
class Stage:
    """GPUs that hold the same amounts. gpus: {(indexes): hosts}."""

    first: Item
    numbers: tuple[int, ...]
    gpus: tuple[tuple[str, tuple[str, ...]], ...]


@dataclasses.dataclass(frozen=True)
class Group:
    """Engines of a service that differ in where they stand alone."""

    engines: tuple[Item, ...]
    members: tuple[Members, ...]
    stages: tuple[Stage, ...]

    @property
    def first(self) -> Item:
        return self.engines[0]


@dataclasses.dataclass(frozen=True)
class Part:
    """A service with everything that the plan says of it."""

    service: Item
    groups: tuple[Group, ...]
    units: tuple[tuple[str, Item], ...]
    decisions: tuple[Item, ...]
    warnings: tuple[Item, ...]

    @property
    def hosts(self) -> tuple[str, ...]:
        found = (member["host"] for group in self.groups for engine in group.engines for member in engine["members"])
        return tuple(dict.fromkeys(found))


@dataclasses.dataclass(frozen=True)
class Digest:
    """decisions, warnings: those of no service."""

    plan: Plan
    parts: tuple[Part, ...]
    decisions: tuple[Item, ...]
    warnings: tuple[Item, ...]


def digest(plan: Plan) -> Digest:
    """Sort a plan (schema_version 2, docs/plan.md) by service."""
    engines: dict[str, list[Item]] = {}
    for engine in plan["engines"]:
        engines.setdefault(engine["service"], []).append(engine)
    units: dict[str, list[tuple[str, Item]]] = {}
    for host, item in plan["hosts"].items():
        for unit in item["units"]:
            units.setdefault(unit["service"], []).append((host, unit))
    decisions, warnings = _by_service(plan["decisions"]), _by_service(plan["warnings"])
    parts, paths = [], set()
    for service in plan["services"]:
        name, path = service["name"], service["path"]
        paths.add(path)
        found = tuple(_groups(engines.get(name, [])))
        mine = tuple(units.get(name, ()))
        parts.append(Part(service, found, mine, tuple(decisions.get(path, ())), tuple(warnings.get(path, ()))))
    return Digest(plan, tuple(parts), _others(decisions, paths), _others(warnings, paths))


def _by_service(items: t.Iterable[Item]) -> dict[str, list[Item]]:
    found: dict[str, list[Item]] = {}
    for item in items:
        match = _SERVICE.match(item["path"])
        found.setdefault(match.group() if match else "", []).append(item)
    return found


def _others(found: t.Mapping[str, list[Item]], paths: t.Collection[str]) -> tuple[Item, ...]:
    return tuple(item for path, items in found.items() if path not in paths for item in items)


def _groups(engines: t.Iterable[Item]) -> t.Iterator[Group]:
    found: dict[str, list[Item]] = {}
    for engine in engines:
        shape = [engine[key] for key in ("kind", "accelerator", "executor", "version", "parallel", "why_unknown")]
        memory = engine["memory"]
        amounts_only = memory and {key: part for key, part in memory.items() if key != "gpus"}
        names = [member["gpu"] for member in engine["members"]]
        found.setdefault(repr((shape, amounts_only, sorted(map(str, names)))), []).append(engine)
    for group in found.values():
        yield Group(tuple(group), tuple(_members(group)), tuple(_stages(group)))


def shape(member: Item) -> tuple[t.Any, ...]:
    """What two members must share to be told as one."""
    return (
        member["gpu"],
        tuple(member["devices"]),
        amounts.link(member["link"]),
        member["nic"],
        amounts.interface(member["interface"]),
        tuple(amounts.ports(member["ports"])),
    )


def _members(engines: t.Iterable[Item]) -> t.Iterator[Members]:
    found: dict[tuple[t.Any, ...], list[tuple[Item, str]]] = {}
    for engine in engines:
        for member in engine["members"]:
            found.setdefault(shape(member), []).append((member, engine["name"]))
    for items in found.values():
        hosts = dict.fromkeys(member["host"] for member, _engine in items)
        addresses = dict.fromkeys(member["interface"]["address"] for member, _name in items if member["interface"])
        names = dict.fromkeys(name for _member, name in items)
        yield Members(tuple(hosts), tuple(addresses), tuple(names), items[0][0])


def _stages(engines: t.Sequence[Item]) -> t.Iterator[Stage]:
    """Stages of equal amounts are one; each GPU of all engines is named."""
    memory = engines[0]["memory"]
    if not memory:
        return
    kinds: dict[tuple[int, ...], list[Item]] = {}
    for stage in memory["stages"]:
        kinds.setdefault(tuple(stage[key] for key in ("weights", "overhead", "kv", "free")), []).append(stage)
    for stages in kinds.values():
        numbers = [stage["stage"] for stage in stages]
        devices: dict[str, set[int]] = {}
        for engine in engines:
            for gpu in (engine["memory"] or memory)["gpus"]:
                if gpu["stage"] in numbers:
                    devices.setdefault(gpu["host"], set()).add(gpu["index"])
        hosts: dict[str, list[str]] = {}
        for host, taken in devices.items():
            hosts.setdefault(amounts.indexes(taken), []).append(host)
        yield Stage(stages[0], tuple(numbers), tuple((taken, tuple(names)) for taken, names in hosts.items()))
