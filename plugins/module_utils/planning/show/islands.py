# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts are drawn together, and which are drawn once because they are alike."""

from __future__ import annotations

import dataclasses
import typing as t

from . import amounts
from .bars import PARTS
from .digest import Item, Plan, shape


@dataclasses.dataclass(frozen=True)
class Share:
    """A member of an engine, as its host shows it. place: the service's, which gives the colour.

    fills: for each device the amounts of its memory, or None. door: the URL that clients call, where it is here.
    """

    engine: Item
    member: Item
    place: int
    fills: tuple[tuple[int, ...] | None, ...]
    door: str | None

    @property
    def alike(self) -> tuple[t.Any, ...]:
        """What is equal for shares that look equal."""
        door = self.door and self.door.rpartition(":")[2]
        head = self.member is self.engine["members"][0]
        return (self.engine["service"], head, len(self.engine["members"]), shape(self.member), self.fills, door)


@dataclasses.dataclass(frozen=True)
class Island:
    """Hosts that engines join, in the order of their members. alike: the hosts of each island that looks the same."""

    hosts: tuple[str, ...]
    engines: tuple[Item, ...]
    alike: tuple[tuple[str, ...], ...]


def shares(plan: Plan) -> dict[str, list[Share]]:
    """What each host that has something to do has to do."""
    places = {service["name"]: place for place, service in enumerate(plan["services"])}
    doors = {(item["host"], item["unit"]): item["url"] for service in plan["services"] for item in service["endpoints"]}
    found: dict[str, list[Share]] = {}
    for engine in plan["engines"]:
        fills = _fills(engine["memory"])
        for member in engine["members"]:
            host = member["host"]
            own = tuple(fills.get((host, index)) for index in member["devices"])
            door = doors.get((host, member["unit"]))
            found.setdefault(host, []).append(Share(engine, member, places[engine["service"]], own, door))
    return found


def _fills(memory: Item | None) -> dict[tuple[str, int], tuple[int, ...]]:
    if not memory:
        return {}
    stages = {stage["stage"]: tuple(stage[key] for key, _letter, _word in PARTS) for stage in memory["stages"]}
    return {(gpu["host"], gpu["index"]): stages[gpu["stage"]] for gpu in memory["gpus"]}


def islands(plan: Plan, found: t.Mapping[str, t.Sequence[Share]]) -> list[Island]:
    """The cluster in pieces that no engine joins, in the plan's order, pieces that look the same folded into one."""
    parent = {host: host for host in found}

    def root(host: str) -> str:
        while parent[host] != host:
            parent[host] = parent[parent[host]]
            host = parent[host]
        return host

    for engine in plan["engines"]:
        first = root(engine["members"][0]["host"])
        for member in engine["members"][1:]:
            parent[root(member["host"])] = first
    pieces: dict[str, list[str]] = {}
    for host in found:
        pieces.setdefault(root(host), []).append(host)
    folded: dict[str, list[tuple[str, ...]]] = {}
    for hosts in pieces.values():
        look = tuple((tuple(share.alike for share in found[host]), plan["hosts"][host]["gpus"]) for host in hosts)
        folded.setdefault(repr((look, _joins(hosts, found))), []).append(tuple(hosts))
    return [Island(same[0], _spanning(same[0], found), tuple(same)) for same in folded.values()]


def _spanning(hosts: t.Sequence[str], found: t.Mapping[str, t.Sequence[Share]]) -> tuple[Item, ...]:
    engines = {
        share.engine["name"]: share.engine
        for host in hosts
        for share in found[host]
        if len(share.engine["members"]) > 1
    }
    return tuple(engines.values())


def _joins(hosts: t.Sequence[str], found: t.Mapping[str, t.Sequence[Share]]) -> tuple[tuple[int, ...], ...]:
    """Which hosts, by their place in the island, each engine joins."""
    places = {host: place for place, host in enumerate(hosts)}
    return tuple(tuple(places[member["host"]] for member in engine["members"]) for engine in _spanning(hosts, found))


def title(island: Island) -> str:
    """``gpu1-gpu8``; with how many are alike."""
    if len(island.alike) == 1:
        return amounts.listing(island.hosts, 4)
    names = amounts.listing((host for hosts in island.alike for host in hosts), 4)
    if len(island.hosts) == 1:
        return f"{names}: {amounts.plural(len(island.alike), 'host')} alike"
    return f"{names}: {len(island.alike)} groups of {amounts.plural(len(island.hosts), 'host')} alike"
