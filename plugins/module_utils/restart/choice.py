# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person asked to restart -> engines, servers of connectors and front doors."""

from __future__ import annotations

import dataclasses
import typing as t

from .fleet import Engine, Fleet, Server

SIDES = ("prefill", "decode")
PARTS = ("engines", "servers", "doors")


class RestartError(Exception):
    """What forbids the restart: a line each, with its fix."""

    def __init__(self, problems: t.Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problems))


@dataclasses.dataclass(frozen=True)
class Wanted:
    """Empty: all. hosts: engines that have a member there. parts: of PARTS. consent: clients may notice."""

    services: tuple[str, ...] = ()
    sides: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    parts: tuple[str, ...] = ("engines",)
    consent: bool = False


@dataclasses.dataclass(frozen=True)
class Choice:
    """engines: those that use a chosen server too, since what they had told the server is lost.

    doors: names of services whose front door is renewed. left: what stays as it is, and why.
    """

    engines: tuple[Engine, ...]
    servers: tuple[Server, ...]
    doors: tuple[str, ...]
    left: tuple[str, ...]


def choose(fleet: Fleet, wanted: Wanted) -> Choice:
    """Raises RestartError for names that are not there, and when nothing is left to do."""
    problems = _unknown("vllm_restart_services", wanted.services, fleet.services, "service")
    problems += _unknown("vllm_restart_hosts", wanted.hosts, fleet.hosts, "host of a service")
    if problems:
        raise RestartError(problems)
    services = [name for name in fleet.services if not wanted.services or name in wanted.services]
    found = [engine for engine in fleet.engines if engine.service in services]
    found = [engine for engine in found if not wanted.sides or engine.kind in wanted.sides]
    found = [engine for engine in found if not wanted.hosts or set(engine.hosts) & set(wanted.hosts)]
    found = found if "engines" in wanted.parts else []
    servers = [server for server in fleet.servers if server.service in services and "servers" in wanted.parts]
    servers = [server for server in servers if not wanted.hosts or server.host in wanted.hosts]
    doors = [name for name in services if fleet.router(name)] if "doors" in wanted.parts else []
    doors = [name for name in doors if not wanted.hosts or fleet.router(name)["host"] in wanted.hosts]
    # Whoever stopped an engine has a reason; a guard does not start it either.
    stopped = [engine for engine in found if engine.stopped]
    held = [server for server in servers if server.stopped]
    servers = [server for server in servers if not server.stopped]
    using = {name for server in servers for name in server.users}
    chosen = [engine for engine in fleet.engines if (engine in found or engine.name in using) and not engine.stopped]
    names = [engine.name for engine in stopped] + [server.name for server in held]
    left = [f"{name} was stopped: it stays so" for name in names]
    if not chosen and not servers and not doors:
        asked = {"services": wanted.services, "sides": wanted.sides, "hosts": wanted.hosts, "parts": wanted.parts}
        told = ", ".join(f"vllm_restart_{name} = {list(values)}" for name, values in asked.items() if values)
        raise RestartError([f"nothing is chosen: {told}. {'; '.join(left) or 'Nothing fits'}. Fix: choose others"])
    return Choice(tuple(chosen), tuple(servers), tuple(doors), tuple(left))


def _unknown(option: str, given: t.Sequence[str], known: t.Sequence[str], called: str) -> list[str]:
    return [
        f"{option}[{index}] = {name!r}: no such {called}. Fix: write one of {', '.join(known)}"
        for index, name in enumerate(given)
        if name not in known
    ]
