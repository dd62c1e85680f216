# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a family of connectors tells the planner, and what it is told."""

from __future__ import annotations

import dataclasses
import typing as t

from ..errors import Refusals
from .wanted import Want

if t.TYPE_CHECKING:  # members know their connectors
    from ..devices import Probe
    from ..members import Member


@dataclasses.dataclass(frozen=True)
class File:
    """A file that a member's engine reads. Another content has another path, so that a change restarts the engine."""

    path: str
    content: str


@dataclasses.dataclass(frozen=True)
class Wired:
    """What one member's connector is told besides what is written.

    keys: of kv_transfer_config. extra: keys of its kv_connector_extra_config. variables: (name, value, why). files:
    that these name.
    """

    keys: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    extra: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    variables: tuple[tuple[str, str, str], ...] = ()
    files: tuple[File, ...] = ()


NOTHING = Wired()


@dataclasses.dataclass(frozen=True)
class Server:
    """A process that engines share their cache through. part: of its unit's name and its ports.

    ports: name -> where the search for it begins, the first being the one that engines connect to.
    argv: makes what follows ``<environment>/bin/``, of the address and ports. listen: what it opens its ports on,
    whatever it is told.
    """

    part: str
    title: str
    ports: t.Mapping[str, int]
    argv: t.Callable[[Want, str, t.Mapping[str, int]], list[str]]
    variables: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    listen: str = ""


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a server runs: its host, the address it listens on, its ports by name."""

    host: str
    address: str
    ports: t.Mapping[str, int]

    def of(self, server: Server) -> str:
        """``address:port`` that engines connect to."""
        return at(self.address, self.ports[next(iter(server.ports))])


@dataclasses.dataclass(frozen=True)
class Site:
    """One service whose engines have hosts, networks and ports.

    engines: members of each engine. addresses: of the network that all of them share, by host. interfaces: their
    documents there, empty on one host. places: of servers, by connector. service: its name.
    """

    service: str
    engines: tuple[tuple[Member, ...], ...]
    addresses: t.Mapping[str, str]
    interfaces: t.Mapping[str, t.Mapping[str, t.Any]]
    probes: t.Mapping[str, Probe]
    places: t.Mapping[str, Place]
    config_dir: str
    state_dir: str

    @property
    def members(self) -> tuple[Member, ...]:
        return tuple(member for members in self.engines for member in members)

    @property
    def hosts(self) -> tuple[str, ...]:
        """Of all engines, each once."""
        return tuple(dict.fromkeys(member.host for member in self.members))

    @property
    def on_cpu(self) -> bool:
        return any(member.engine.accelerator == "cpu" for member in self.members)

    def of_kind(self, kind: str) -> tuple[tuple[Member, ...], ...]:
        return tuple(members for members in self.engines if members[0].engine.service.kind == kind)


#: Roles of connectors that bring KV cache from prefill to decode engines.
SIDES = {"prefill": "kv_producer", "decode": "kv_consumer", "serve": "kv_both"}
#: Roles of connectors whose engines all write and read.
ALL_BOTH = dict.fromkeys(SIDES, "kv_both")


def _no_extra(_want: Want, _kind: str, _folder: str) -> dict[str, t.Any]:
    return {}


def _no_wiring(_want: Want, _member: Member, _site: Site) -> Wired:
    return Wired()


def _as_the_release_says(_version: str) -> str:
    return ""


def _no_check(_want: Want, _site: Site, _refusals: Refusals) -> None:
    """Nothing depends on hosts and engines."""


@dataclasses.dataclass(frozen=True)
class Family:
    """Connectors that are told the same way.

    roles: of the kinds of engines. fixed: keys of kv_connector_extra_config that depend on what is written alone.
    wire: what each member is told. check: refuses what only hosts and engines tell. owned: keys that the plan sets.
    package: distributions to install in place of what the release names, by build: cpu, cuda (12) or cuda13.
    newer: the oldest release of them that goes with this one of vLLM, where the release's own range says too little.
    chosen: first and last of the ports that its library chooses from, to listen on every interface.
    router: what the front door speaks between prefill and decode (router.settings.CONNECTORS); None where it does not
    know the connector.
    """

    roles: t.Mapping[str, str] = dataclasses.field(default_factory=lambda: dict(SIDES))
    fixed: t.Callable[[Want, str, str], dict[str, t.Any]] = _no_extra
    wire: t.Callable[[Want, Member, Site], Wired] = _no_wiring
    check: t.Callable[[Want, Site, Refusals], None] = _no_check
    owned: tuple[str, ...] = ()
    package: t.Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    newer: t.Callable[[str], str] = _as_the_release_says
    chosen: tuple[int, int] | None = None
    server: Server | None = None
    router: str | None = "nixl"


def at(address: str, port: int) -> str:
    """IPv6 addresses need brackets."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
