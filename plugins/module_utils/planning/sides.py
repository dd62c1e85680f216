# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports that an engine opens because of its options: KV events, gRPC, and the side channels of KV connectors."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ..releases import connectors, flags, versions
from . import transfers
from .errors import Refusals
from .intent import Service
from .options import Mapping, Options

_KV, _EVENTS, _GRPC = "kv-transfer-config", "kv-events-config", "grpc-port"
#: From this release on events are published by ZMQ where nothing else is said (config/kv_events.py).
_ZMQ_BY_DEFAULT = "0.11.1"
_EVENTS_DEFAULT = 5557
#: KVTransferConfig.kv_port, where a connector names no default of its own.
_KV_PORT_DEFAULT = 14579
#: Which endpoints are listened on (kv_events.py, _socket_setup); to any other endpoint of events vLLM connects.
_LISTENED = {
    "endpoint": re.compile(r"tcp://(?:\*|\[?::\]?):(\d{1,5})"),
    "replay_endpoint": re.compile(r"tcp://[^/]+:(\d{1,5})"),
}
_LEFT_OUT = "leave it out: the plan gives each engine a port of its own"


@dataclasses.dataclass(frozen=True)
class Side:
    """One such port, or several in a row. name: of the port in the plan. path: where it is, or would be, written.

    base: the usual port. per: how many (connectors.Port). head: only the head opens it. written: the port that a person
    wrote; None: the plan chooses. fix: what to do where it cannot be had. variable, option and key: what sets it, and
    as which text.
    """

    name: str
    path: str
    base: int
    per: str = "engine"
    head: bool = False
    written: int | None = None
    fix: str = _LEFT_OUT
    variable: str = ""
    option: str = ""
    key: str = ""
    text: str = ""

    def count(self, parallel: t.Mapping[str, t.Any]) -> int:
        """How many ports in a row."""
        if self.per in ("rank", "rank_twice"):
            ranks = int(parallel["tensor"] * parallel["pipeline"] * parallel["data"])
            return ranks if self.per == "rank" else 2 * ranks
        return int(parallel["data"]) if self.per == "data_parallel_rank" else 1


def of(service: Service) -> tuple[Side, ...]:
    """What the service's engines open besides what every engine opens."""
    named = {flags.normalize(str(name)).partition(".")[0] for name in service["args"]}
    if not named & {_KV, _EVENTS, _GRPC}:
        return ()
    options = Options(service)
    found: dict[str, Side] = {}
    for side in (*_grpc(options), *_events(options), *_transfers(options)):
        found.setdefault(side.name, side)
    return tuple(found.values())


def check(service: Service, refusals: Refusals) -> None:
    """Refuse variables and keys that hold no port: they are read as numbers at the start."""
    for side in of(service):
        if side.written is not None and not 0 < side.written < 65536:
            refusals.add("port-range", side.path, None, "is not a port (1 to 65535)", side.fix)


def variables(service: Service, ports: t.Mapping[str, t.Any]) -> list[tuple[str, str, str]]:
    """The variables that tell a member its ports: (name, value, why). ports: the member's."""
    return [
        (side.variable, str(_first(ports[side.name])), "a port of its own for each engine of a host")
        for side in of(service)
        if side.variable and side.written is None and side.name in ports
    ]


def arguments(service: Service, ports: t.Mapping[str, t.Any]) -> dict[str, dict[str, t.Any]]:
    """Options that tell a member its ports, whole, by their plain names. ports: the member's."""
    result: dict[str, dict[str, t.Any]] = {}
    for side in of(service):
        if side.option and side.written is None and side.name in ports:
            port = _first(ports[side.name])
            whole = Options(service).mapping(side.option)
            merged = result.setdefault(side.option, dict(whole.values if whole is not None else {}))
            merged[side.key] = side.text.format(port=port) if side.text else port
    return result


def _first(port: t.Any) -> int:
    return int(port if isinstance(port, int) else port[0])


def _grpc(options: Options) -> list[Side]:
    """The port of the gRPC front end, as written; 0 lets the system choose."""
    port = options.integer(_GRPC)
    if not port:
        return []
    fix = "choose another port; for several engines on a host make each a service with a port of its own"
    return [Side("grpc", options.path(_GRPC), port, head=True, written=port, fix=fix)]


def _events(options: Options) -> list[Side]:
    config = options.mapping(_EVENTS)
    values: t.Mapping[str, t.Any] = config.values if config is not None else {}
    usual = "zmq" if versions.parse(options.version) >= versions.parse(_ZMQ_BY_DEFAULT) else "null"
    publishes = (values.get("publisher") or usual) == "zmq"
    if config is None or str(values.get("enable_kv_cache_events")).lower() != "true" or not publishes:
        return []
    ranks = "data_parallel_rank"
    found = []
    if values.get("endpoint") is None:
        path = f"{config.path}.endpoint"
        side = Side("kv_events", path, _EVENTS_DEFAULT, ranks)
        found.append(dataclasses.replace(side, option=_EVENTS, key="endpoint", text="tcp://*:{port}"))
    for name, key in (("kv_events", "endpoint"), ("kv_events_replay", "replay_endpoint")):
        bound = _LISTENED[key].fullmatch(str(values.get(key) or ""))
        if bound and int(bound.group(1)):
            path = config.paths.get(key, f"{config.path}.{key}")
            fix = _LEFT_OUT if key == "endpoint" else "choose another port, or leave it out"
            found.append(Side(name, path, int(bound.group(1)), ranks, written=int(bound.group(1)), fix=fix))
    return found


def _transfers(options: Options) -> list[Side]:
    config = options.mapping(_KV)
    if config is None or config.broken:
        return []
    found = _connector(options, config, "")
    for index, child in enumerate(transfers.children(config.values)):
        if isinstance(child, dict):
            inner = f"{config.path}.kv_connector_extra_config.connectors[{index}]"
            found += _connector(options, Mapping(inner, child, {}), f"_{index}")
    return found


def _connector(options: Options, config: Mapping, inside: str) -> list[Side]:
    """The ports of one connector. inside: not empty for a part of MultiConnector, whose keys the plan does not set."""
    values = config.values
    needs = connectors.needs(str(values.get("kv_connector")), options.version)
    found: list[Side] = []
    for port in needs.ports if needs is not None else ():
        extra = values.get("kv_connector_extra_config")
        if port.only_with and port.only_with not in (extra if isinstance(extra, dict) else {}):
            continue
        if values.get("kv_role") not in port.roles:
            continue
        how, _blank, key = port.set_by.partition(" ")
        name = f"kv_{port.name}"
        if how == "variable":
            if not options.sets(key) or key in options.env:
                path, set_to = options.env_path(key), _number(options.env.get(key))
                base = port.default or _KV_PORT_DEFAULT
                found.append(Side(name, path, base, port.per, written=set_to, variable=key))
        elif how == "transfer_key":
            path = config.paths.get(key, f"{config.path}.{key}")
            base = port.default or _KV_PORT_DEFAULT
            written = _number(values.get(key))
            if inside:
                fix = f"write a {key} of its own for each"
                found.append(Side(f"{name}{inside}", path, base, port.per, written=written or base, fix=fix))
            else:
                found.append(Side(name, path, base, port.per, written=written, option=_KV, key=key))
    return found


def _number(value: t.Any) -> int | None:
    """A port as written; 0 for what is none, so that it is refused; None where nothing is written."""
    if value is None:
        return None
    text = str(value).strip()
    return int(text) if re.fullmatch(r"\d{1,6}", text) else 0
