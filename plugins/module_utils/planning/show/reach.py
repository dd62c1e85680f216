# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who reaches what of a service, in one line."""

from __future__ import annotations

import typing as t

from ..fences import EVERYONE
from . import amounts
from .digest import Item, Part, Plan


def told(plan: Plan, part: Part) -> str:
    """``everyone calls it; only its members reach its internal ports``."""
    members = [member for group in part.groups for engine in group.engines for member in engine["members"]]
    doors = [(member["host"], member["ports"].get("api")) for member in members]
    if part.service["router"]:
        doors = [(item["host"], item["port"]) for item in _of_door(plan, part.service)]
    called = [source for host, port in doors for source in _clients(plan["hosts"][host], port)]
    sources = list(dict.fromkeys(called))
    if set(EVERYONE) <= set(sources):
        text = "everyone may call it"
    else:
        text = f"{amounts.listing(sources, 4)} may call it" if sources else "its own host alone may call it"
    several = any(len(engine["members"]) > 1 for group in part.groups for engine in group.engines)
    inner = any(kind != "api" for member in members for kind in member["ports"])
    if part.service["kv_transfer"] and len({member["host"] for member in members}) > 1:
        return f"{text}; its internal ports are for its engines' hosts"
    if several:
        return f"{text}; its internal ports are for its members"
    return f"{text}; its internal ports are for its own host" if inner else text


def _of_door(plan: Plan, service: Item) -> t.Iterator[Item]:
    """The host and port of the service's front door."""
    host = service["router"]["host"]
    for router in plan["hosts"][host]["routers"]:
        if router["service"] == service["name"]:
            yield {"host": host, "port": router["port"]}


def _clients(host: Item, port: t.Any) -> t.Iterator[str]:
    """Who comes to a port that clients call; nobody where it listens for its own host. None: no such port."""
    for item in host["network"]["fence"] if port is not None else ():
        if any(_first(found) <= _first(port) <= _last(found) for found in item["ports"] or ()):
            yield from item["from"]


def _first(port: t.Any) -> int:
    return int(port if isinstance(port, int) else port[0])


def _last(port: t.Any) -> int:
    return int(port if isinstance(port, int) else port[1])
