# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The front doors of services: which have one, on which host, and how they find the engines behind them."""

from __future__ import annotations

import dataclasses
import typing as t

from ..router import environment, reading
from ..router.settings import Router
from . import secrets
from .addresses import url
from .connectors import option
from .decisions import Decision
from .errors import Refusals
from .intent import Intent, Service
from .members import Member
from .placement import Engine

#: Ports that a door has on its host: the clients', and two of vllm-router on loopback.
PORTS = {"door": None, "router": 8900, "router_metrics": 8950}


@dataclasses.dataclass(frozen=True)
class Door:
    """One front door. service: a side of its service. host: where it stands. connector: what it speaks, of mode pd."""

    service: Service
    host: str
    mode: str
    connector: str | None

    @property
    def name(self) -> str:
        """What its ports are given to."""
        return f"{self.service.name} router"


def decide(intent: Intent, engines: t.Sequence[Engine], refusals: Refusals) -> tuple[dict[str, Door], list[Decision]]:
    """The doors by the path of their service: of several engines, and where a person wants one."""
    counts: dict[str, int] = {}
    for engine in engines:
        counts[engine.service.root] = counts.get(engine.service.root, 0) + 1
    found: dict[str, Door] = {}
    decisions: list[Decision] = []
    for root, sides in intent.whole().items():
        service, between = sides[0], sides[0].kind != "serve"
        wish = service.router
        if between and wish.enabled is False:
            message = "nobody hands prompts to prefill engines and their KV cache to decode engines"
            refusals.warn(
                "pd-without-router", f"{root}.router.enabled", message, "leave it out, or run a router of yours"
            )
            if service["port"] is not None:
                message = "is the port of a router, and the service has none"
                refusals.warn("port-unused", f"{root}.port", message, "leave it out")
        several = between or counts.get(root, 0) > 1
        if wish.enabled is False or not (several or wish.enabled):
            continue
        speaks = option.router(service.transfer) if between and service.transfer is not None else None
        if between and speaks is None and service.transfer is not None:
            rule = "is spoken by none of the routers that this release knows"
            fix = f"write nixl, or {root}.router: {{enabled: false}} and run a router of your own"
            path = f"{service.transfer.path}.connector"
            refusals.add("kv-connector-unrouted", path, service.transfer.connector, rule, fix)
            continue
        host = wish.host or service.hosts[0]
        if wish.host is None:
            decisions.append(Decision(f"{wish.path}.host", host, "the first host of the service"))
        if wish.enabled is None:
            count = counts.get(root, 0)
            decisions.append(Decision(f"{wish.path}.enabled", True, f"one address for {count} engines"))
        found[root] = Door(service, host, "pd" if between else "replicas", speaks)
        _check_keys(found[root], refusals)
    return found, decisions


def behind(intent: Intent, doors: t.Mapping[str, Door]) -> set[str]:
    """Services whose engines clients never call: with a door, or with prefill and decode engines."""
    return {root for root, sides in intent.whole().items() if root in doors or sides[0].kind != "serve"}


def _check_keys(door: Door, refusals: Refusals) -> None:
    """Engines behind a door have a key of their own: whoever reaches their ports must not pass by the door."""
    service = door.service
    if service.router.key_names and not service["api_key"]:
        rule = "clients have keys of their own, and the engines behind the door have none"
        fix = "set it: the door sends it to the engines, and clients never learn it"
        refusals.add("router-engine-key", f"{service.root}.api_key", None, rule, fix)


def settings(
    door: Door,
    engines: t.Sequence[t.Sequence[Member]],
    ports: t.Mapping[str, t.Any],
    fleet: t.Mapping[str, t.Any],
) -> Router:
    """The door as its role takes it. engines: the members of each. ports: its own."""
    service = door.service
    workers = [worker for members in engines for member in members for worker in _workers(door, member)]
    own = secrets.api_key_reference(service.name) if service["api_key"] else None
    keys = [
        {"name": name, "secret": secrets.router_key_reference(service.name, name)} for name in service.router.key_names
    ]
    return reading.parse(
        {
            "service": service.name,
            "mode": door.mode,
            "address": service["listen"],
            "port": ports["door"],
            "ports": {"router": ports["router"], "metrics": ports["router_metrics"]},
            "workers": workers,
            "environment": environment_item(fleet)["path"],
            "connector": door.connector,
            "api_keys": keys or ([{"name": "default", "secret": own}] if own else []),
            "engine_key": own,
            **service.router.settings,
        }
    )


def _workers(door: Door, member: Member) -> list[dict[str, t.Any]]:
    """A member's API servers; most have one, and members that are not the head none (placement.Engine.doors)."""
    if not member.is_called:
        return []
    engine, found = member.engine, []
    for port in range(member.port("api"), member.port("api") + engine.servers):
        worker: dict[str, t.Any] = {
            "url": url(member.listen, port),
            "kind": engine.service.kind,
            "engine": engine.name,
        }
        if door.connector == "mooncake" and engine.service.kind == "prefill":
            worker["bootstrap_port"] = member.port(
                "kv_bootstrap" if "kv_bootstrap" in member.ports else "kv_side_channel"
            )
        found.append(worker)
    return found


def environment_item(fleet: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The ``environments`` item of the door's host."""
    return environment.item(f"{fleet['vllm_install_dir']}/envs", fleet["vllm_python"])
