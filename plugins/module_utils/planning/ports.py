# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every port of every host, each given once: API, Ray, rendezvous, and what engines open between their members."""

from __future__ import annotations

import dataclasses
import typing as t

from . import sides
from .decisions import Decision
from .devices import Probe
from .errors import Refusals
from .intent import Intent
from .placement import Engine
from .port_table import Ports

#: A port, or the first and last of a range.
Port = t.Union[int, tuple[int, int]]


@dataclasses.dataclass(frozen=True)
class Kind:
    """A port that an engine needs on a host. base: where the search begins. count: how many in a row.

    head: only on the head. written: the key of ``ports`` that fixes it. side: of what the options open (sides.py).
    """

    name: str
    base: int
    head: bool
    count: int = 1
    written: str = ""
    side: sides.Side | None = None


@dataclasses.dataclass(frozen=True)
class Other:
    """Something on a host that is no engine and opens ports. bases: where the search for each begins, by its name.

    path: where the first is, or would be, written. written: the port that a person wrote for the first.
    """

    name: str
    host: str
    path: str
    bases: t.Mapping[str, int]
    written: int | None = None


#: Where the ports of engines behind a front door begin: clients call none of them.
BEHIND = 18000
#: The supervisor of a host's API servers, where each copy has one (vLLM's own default).
_SUPERVISOR = Kind("data_parallel_supervisor", 9256, False)
#: What vLLM opens between members (ZMQ, the message queue) is searched for from VLLM_PORT upward.
_INTERNAL = Kind("internal", 20000, False, 64)
_RENDEZVOUS = Kind("rendezvous", 29501, True, written="rendezvous")
_DATA_PARALLEL = Kind("data_parallel", 29550, True, written="data_parallel")
#: Where the guards of the other members find the head's.
_GUARD = Kind("guard", 29400, True, written="guard")
#: Defaults of ``ray start``, and fixed ports for what it would choose at random, so that a firewall can be written.
_RAY = (
    Kind("ray", 6379, True, written="ray"),
    Kind("ray_node_manager", 6380, False),
    Kind("ray_object_manager", 6381, False),
    Kind("ray_runtime_env_agent", 6382, False),
    Kind("ray_dashboard_agent_grpc", 6383, False),
    Kind("ray_metrics", 6384, False),
    Kind("ray_dashboard_agent", 52365, False),
    Kind("ray_dashboard", 8265, True, written="ray_dashboard"),
    Kind("ray_client", 10001, True, written="ray_client"),
    Kind("ray_workers", 10002, False, 200),
)


def assign_ports(
    engines: t.Sequence[Engine],
    base: int,
    probes: t.Mapping[str, Probe],
    refusals: Refusals,
    behind: t.Collection[str] = (),
    others: t.Sequence[Other] = (),
) -> tuple[dict[tuple[str, str], dict[str, Port]], list[Decision]]:
    """The ports of each engine on each of its hosts, by (engine name, host) and kind.

    base: where API ports begin. Engines of one service on one host take consecutive API ports.
    behind: paths of services with a front door. others: what else opens ports, by its name in place of an engine's.
    """
    ports = Ports(refusals, probes)
    result: dict[tuple[str, str], dict[str, Port]] = {
        (engine.name, host): {} for engine in engines for host in engine.hosts
    }
    decisions: list[Decision] = []
    nth: dict[tuple[str, str, str], int] = {}
    beside = {engine.service.path: sides.of(engine.service) for engine in engines}
    kinds = {
        engine.name: _kinds(engine, base, beside[engine.service.path], engine.service.root in behind)
        for engine in engines
    }
    _claim_others(others, ports)
    for engine in engines:
        for kind in kinds[engine.name]:
            if kind.side is not None:
                _claim_side(engine, kind, kind.side, ports, nth, result)
                continue
            written = _written(engine, kind)
            if written is None:
                continue
            decisions += _claim(engine, kind, written, ports, nth, result)
    result.update({(other.name, other.host): _allocate_other(other, ports, decisions) for other in others})
    for engine in engines:
        for kind in kinds[engine.name]:
            if kind.side is not None:
                decisions += _allocate_side(engine, kind, kind.side, ports, result)
                continue
            for host in _hosts(engine, kind):
                if kind.name not in result[engine.name, host]:
                    first, skipped = ports.allocate(host, kind.base, kind.count, _path(engine, kind))
                    result[engine.name, host][kind.name] = _value(first, kind.count)
                    decisions += _chosen(engine, host, kind, first, base, skipped)
    return result, decisions


def _claim_others(others: t.Sequence[Other], ports: Ports) -> None:
    for other in others:
        if other.written is not None:
            ports.claim(other.host, other.written, other.path)


def _allocate_other(other: Other, ports: Ports, decisions: list[Decision]) -> dict[str, Port]:
    found: dict[str, Port] = {}
    for place, (name, base) in enumerate(other.bases.items()):
        if place == 0 and other.written is not None:
            found[name] = other.written
            continue
        found[name], skipped = ports.allocate(other.host, base, 1, other.path)
        if place == 0 and (skipped or found[name] != base or name == "door"):
            after = f"; {skipped}" if skipped else ""
            why = f"{other.name}: first free from {base} on {other.host}{after}"
            decisions.append(Decision(other.path, found[name], why))
    return found


def _claim(
    engine: Engine,
    kind: Kind,
    written: int,
    ports: Ports,
    nth: dict[tuple[str, str, str], int],
    result: dict[tuple[str, str], dict[str, Port]],
) -> list[Decision]:
    """Take what a person wrote. Further engines of the service on a host get what follows."""
    decisions = []
    for host in _hosts(engine, kind):
        offset = nth.get((engine.service.path, host, kind.name), 0)
        nth[engine.service.path, host, kind.name] = offset + kind.count
        path, first = _path(engine, kind) + (f" (engine {engine.name})" if offset else ""), written + offset
        for port in range(first, first + kind.count):
            ports.claim(host, port, path)
        result[engine.name, host][kind.name] = _value(first, kind.count)
        if offset:
            why = f"engine {engine.name}: number {offset // kind.count + 1} of its service on {host}"
            decisions.append(Decision(_path(engine, kind), first, why))
    return decisions


def _claim_side(
    engine: Engine,
    kind: Kind,
    side: sides.Side,
    ports: Ports,
    nth: dict[tuple[str, str, str], int],
    result: dict[tuple[str, str], dict[str, Port]],
) -> None:
    """Take what a person wrote among the options. Each engine of the service gets the very same."""
    if side.written is None:
        return
    for host in _hosts(engine, kind):
        before = nth[engine.service.path, host, kind.name] = nth.get((engine.service.path, host, kind.name), -1) + 1
        last = side.written + kind.count - 1
        for port in range(side.written, last + 1):
            ports.claim(host, port, side.path + (f" (engine {engine.name})" if before else ""), side.fix)
        result[engine.name, host][kind.name] = _value(side.written, kind.count)


def _allocate_side(
    engine: Engine, kind: Kind, side: sides.Side, ports: Ports, result: dict[tuple[str, str], dict[str, Port]]
) -> list[Decision]:
    """What nobody wrote among the options: the same on each host of the engine, as one option tells all members."""
    if side.written is not None:
        return []
    first, skipped = ports.allocate_alike(engine.hosts, kind.base, kind.count, side.path)
    for host in engine.hosts:
        result[engine.name, host][kind.name] = _value(first, kind.count)
    if not side.option:
        return []  # told with the variable that sets it
    after = f"; {skipped}" if skipped else ""
    return [Decision(side.path, first, f"engine {engine.name}: first free from {kind.base} on its hosts{after}")]


def check_used(engines: t.Sequence[Engine], refusals: Refusals) -> None:
    """Warn of fixed ports that no engine of their service opens."""
    opened: dict[str, set[str]] = {}
    services = {engine.service.path: engine.service for engine in engines}
    for engine in engines:
        opened.setdefault(engine.service.path, set()).update(kind.written for kind in _kinds(engine, 1, ()))
    for path, service in services.items():
        for kind in sorted(set(service.ports) - opened[path]):
            message = f"no engine of service {service.name} opens it"
            refusals.warn("port-unused", f"{path}.ports.{kind}", message, "leave it out")


def check_written(intent: Intent, refusals: Refusals) -> None:
    """Refuse ports that collide whatever the hosts are: in one service, or of engines whose hosts are certain."""
    certain = Ports(refusals, {})
    for service in intent.services:
        count, hosts, ports = service["replicas"] or 1, service.hosts, certain
        doored = service.router.enabled or (service.router.enabled is None and (count > 1 or service.kind != "serve"))
        if len(hosts) > 1 and (service["replicas"] is None or count < len(hosts)):
            count, ports = 1, Ports(refusals, {})
        nth: dict[str, int] = {}
        for index in range(count):
            host = hosts[index % len(hosts)]
            offset = nth[host] = nth.get(host, -1) + 1
            suffix = f" (engine {service.name}-{index})" if offset else ""
            if service["port"] is not None and not doored:
                ports.claim(host, service["port"] + offset, f"{service.path}.port{suffix}")
            for kind, port in sorted(service.ports.items()):
                ports.claim(host, port + offset, f"{service.path}.ports.{kind}{suffix}")


def _kinds(engine: Engine, base: int, beside: t.Sequence[sides.Side], behind: bool = False) -> list[Kind]:
    """What the engine opens. Every engine has an API port on its head. beside: what its options open.

    behind: a front door has the port that clients call.
    """
    alone = engine.balancing == "internal"
    kinds = [Kind("api", BEHIND if behind else base, alone, engine.servers, written="" if behind else "port")]
    several = len(engine.hosts) > 1
    if engine.balancing == "external":
        kinds += [_SUPERVISOR] if engine.servers > 1 else []
        kinds += [] if several else [_DATA_PARALLEL]
    if engine.executor == "ray":
        kinds += _RAY
    if several:
        if engine.executor == "mp":
            kinds += [] if engine.data_over_hosts else [_RENDEZVOUS]
            kinds += [_DATA_PARALLEL] if engine.parallel["data"] > 1 else []
        kinds.append(_INTERNAL)
    kinds += [_GUARD] if engine.is_group else []
    beside_it = [Kind(side.name, side.base, side.head, side.count(engine.parallel), side=side) for side in beside]
    return kinds + beside_it


def _hosts(engine: Engine, kind: Kind) -> tuple[str, ...]:
    return engine.hosts[:1] if kind.head else engine.hosts


def _value(first: int, count: int) -> Port:
    return first if count == 1 else (first, first + count - 1)


def _written(engine: Engine, kind: Kind) -> int | None:
    if kind.written == "port":
        return t.cast("int | None", engine.service["port"])
    return engine.service.ports.get(kind.written)


def _path(engine: Engine, kind: Kind) -> str:
    return f"{engine.service.path}.port" if kind.written == "port" else f"{engine.service.path}.ports.{kind.name}"


def _chosen(engine: Engine, host: str, kind: Kind, first: int, base: int, skipped: str) -> list[Decision]:
    """Why the port is what it is; Ray's and the engines' own usual ports go without saying."""
    after = f"; {skipped}" if skipped else ""
    if kind.written == "port":
        why = f"engine {engine.name}: first free port of {host} from vllm_port_base = {base}{after}"
        return [Decision(_path(engine, kind), first, why)]
    if first == kind.base:
        return []
    why = f"engine {engine.name}: first free from {kind.base} on {host}{after}"
    return [Decision(_path(engine, kind), first, why)]
