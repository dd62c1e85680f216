# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engines and front doors of a plan, as they run now."""

from __future__ import annotations

import dataclasses
import typing as t

from ..router import places

_CALLED = {"serve": "engine", "prefill": "prefill engine", "decode": "decode engine"}
#: The units that are an engine; a guard watches them.
_OWN = ("ray", "engine")
_UP = ("active", "reloading")

Item = t.Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Engine:
    """hosts: head first. unit: the one on the head whose restart restarts all.

    serves: whether all members do now. stopped: somebody stopped it. trouble: in words, why it does not serve.
    missing: hosts that have no unit of it.
    """

    name: str
    service: str
    kind: str
    hosts: tuple[str, ...]
    unit: str
    serves: bool
    stopped: bool
    trouble: str
    missing: tuple[str, ...]

    @property
    def called(self) -> str:
        return _CALLED[self.kind]


@dataclasses.dataclass(frozen=True)
class Server:
    """A server that engines share their KV cache through. name: of its unit, without its ending.

    along: engines with a unit on its host, which systemd restarts with it. users: all engines that use it.
    state: systemd's, empty where its host has no such unit or told nothing.
    """

    name: str
    service: str
    host: str
    unit: str
    along: tuple[str, ...]
    users: tuple[str, ...]
    state: str

    @property
    def stopped(self) -> bool:
        return self.state == "inactive"


class Fleet:
    """plan: the whole plan. reports: by host, what host_status told; a host that is not in it was not asked."""

    def __init__(self, plan: Item, reports: t.Mapping[str, t.Any]) -> None:
        self._plan = plan
        self._reports = reports
        self.engines = tuple(self._engine(engine) for engine in plan["engines"])
        self.servers = tuple(
            self._server(host, unit)
            for host, part in plan["hosts"].items()
            for unit in part["units"]
            if unit["kind"] == "kv_server"
        )
        self._routers = {
            router["service"]: {
                **router,
                "host": host,
                "unit": places.door_unit(router["service"]),
                "router_unit": places.router_unit(router["service"]),
            }
            for host, part in plan["hosts"].items()
            for router in part["routers"]
        }

    @property
    def services(self) -> tuple[str, ...]:
        return tuple(service["name"] for service in self._plan["services"])

    @property
    def hosts(self) -> tuple[str, ...]:
        return tuple(self._plan["hosts"])

    def engine(self, name: str) -> Engine:
        return next(engine for engine in self.engines if engine.name == name)

    def router(self, service: str) -> dict[str, t.Any]:
        """The service's item of ``hosts.<host>.routers``, with ``host``, ``unit`` and ``router_unit``; {}: none."""
        return self._routers.get(service, {})

    def units(self, host: str, engine: str) -> list[Item]:
        """The plan's units of an engine on a host."""
        return [unit for unit in self._plan["hosts"][host]["units"] if unit["engine"] == engine]

    def of_kind(self, engine: Engine) -> list[Engine]:
        """The other engines that do the same for the same service."""
        alike = [item for item in self.engines if (item.service, item.kind) == (engine.service, engine.kind)]
        return [item for item in alike if item.name != engine.name]

    def meanwhile(self, engine: Engine) -> list[Engine]:
        """Those of them that serve now."""
        return [item for item in self.of_kind(engine) if item.serves]

    def door_trouble(self, service: str) -> str:
        """Why the front door cannot lead requests past an engine; empty where it can, or where there is none."""
        router = self.router(service)
        if not router:
            return ""
        report = self._told(router["host"])
        if not report:
            msg = (self._reports.get(router["host"]) or {}).get("msg") or "it was not asked"
            return f"on {router['host']} was not looked at: {msg}"
        states = self._states(router["host"])
        for unit in (router["router_unit"], router["unit"]):
            if states.get(unit) not in _UP:
                return f"on {router['host']} is not up: {unit} is {states.get(unit, 'not there')}"
        return ""

    def _states(self, host: str) -> dict[str, str]:
        """systemd's state by unit."""
        return {unit["name"]: unit["active_state"] for unit in self._told(host).get("units", ())}

    def _server(self, host: str, server: Item) -> Server:
        units = self._plan["hosts"][host]["units"]
        along = dict.fromkeys(unit["engine"] for unit in units if server["name"] in unit["restart_with"])
        return Server(
            server["name"].rpartition(".")[0],
            server["service"],
            host,
            server["name"],
            tuple(along),
            tuple(engine.name for engine in self.engines if engine.service == server["service"]),
            self._states(host).get(server["name"], ""),
        )

    def _engine(self, engine: Item) -> Engine:
        hosts = tuple(member["host"] for member in engine["members"])
        own = [unit for unit in self.units(hosts[0], engine["name"]) if unit["kind"] in _OWN]
        names = [unit["name"] for unit in own]
        # The others restart with it (PartOf=): Ray's unit takes its engine along.
        roots = [unit["name"] for unit in own if not set(unit["restart_with"]) & set(names)]
        shares = {host: self._share(host, engine["name"]) for host in hosts}
        bad = {host: _trouble(share) for host, share in shares.items() if not (share and share["ok"])}
        return Engine(
            engine["name"],
            engine["service"],
            engine["kind"],
            hosts,
            roots[0],
            not bad,
            any(share["unit"]["active_state"] == "inactive" for share in shares.values() if share),
            "; ".join(f"on {host} {why}" for host, why in bad.items()),
            tuple(host for host in hosts if self._told(host) and not shares[host]),
        )

    def _share(self, host: str, engine: str) -> Item | None:
        shares = self._told(host).get("engines", ())
        return next((share for share in shares if share["engine"] == engine), None)

    def _told(self, host: str) -> Item:
        """What the host told; {}: nothing."""
        report = self._reports.get(host) or {}
        return report if report.get("reached") and not report.get("failed") else {}


def _trouble(share: Item | None) -> str:
    if share is None:
        return "is not seen"
    rung = share["failed_rung"]
    return f"does not serve ({rung}: {share['rungs'][rung]['detail']})" if rung else "does not serve"
