# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One host's share of an engine, with everything that was given to it."""

from __future__ import annotations

import dataclasses
import typing as t

from .connectors.family import NOTHING, Wired
from .devices import Grant, Probe
from .placement import Engine
from .ports import Port


@dataclasses.dataclass(frozen=True)
class Member:
    """rank: its place among the engine's members, 0 the head. address: where the other members reach it.

    interface: the one that the engine's members talk over (interfaces.py); None for an engine of one host.
    listen: what its API is opened on. wired: what its KV connectors are told.
    """

    engine: Engine
    rank: int
    address: str
    head_address: str
    interface: t.Mapping[str, t.Any] | None
    ports: t.Mapping[str, Port]
    head_ports: t.Mapping[str, Port]
    probe: Probe
    listen: str = ""
    wired: Wired = NOTHING

    @property
    def host(self) -> str:
        return self.engine.hosts[self.rank]

    @property
    def is_head(self) -> bool:
        return self.rank == 0

    @property
    def is_called(self) -> bool:
        """Whether it has an API server, and so a port that clients call."""
        return self.host in self.engine.doors

    @property
    def grant(self) -> Grant | None:
        return self.engine.grants[self.rank] if self.engine.grants else None

    @property
    def devices(self) -> list[int]:
        return self.grant.devices if self.grant is not None else []

    @property
    def ray_unit(self) -> str:
        """The unit of the member's Ray, where the engine has one."""
        return f"vllm-{self.engine.name}-ray.service"

    @property
    def unit(self) -> str:
        """The unit that runs the member's ranks. Ray starts those of workers, so they have no unit of the engine."""
        return self.ray_unit if self.engine.executor == "ray" and not self.is_head else self.engine.unit

    @property
    def files(self) -> list[dict[str, t.Any]]:
        """The ``files`` items: what its connectors read, and folders that they write into (content null)."""
        found: list[dict[str, t.Any]] = [{"path": file.path, "content": file.content} for file in self.wired.files]
        extra = self.wired.keys.get("kv_connector_extra_config") or {}
        inner = [child.get("kv_connector_extra_config") or {} for child in extra.get("connectors", ())]
        folders = [item["shared_storage_path"] for item in (extra, *inner) if "shared_storage_path" in item]
        return found + [{"path": str(folder), "content": None} for folder in folders]

    def port(self, kind: str) -> int:
        """The port, or the first of the range."""
        return _first(self.ports[kind])

    def head_port(self, kind: str) -> int:
        return _first(self.head_ports[kind])

    def document(self) -> dict[str, t.Any]:
        """The ``members`` item of the plan."""
        grant = self.grant
        link = grant.link if grant is not None else None
        gpus = {gpu["index"]: gpu for gpu in (self.probe or {}).get("gpus") or ()}
        return {
            "host": self.host,
            "unit": self.unit,
            "devices": self.devices,
            "gpu": gpus.get(self.devices[0], {}).get("name") if self.devices else None,
            "link": {
                "type": link.kind,
                "count": link.count,
                "nvlinked": all(group.nvlinked for group in grant.groups),
            }
            if link is not None and grant is not None
            else None,
            "nic": grant.groups[0].nic if grant is not None else None,
            "interface": dict(self.interface) if self.interface is not None else None,
            "ports": {name: port if isinstance(port, int) else list(port) for name, port in self.ports.items()},
        }


def members(
    engine: Engine,
    addresses: t.Mapping[str, str],
    interfaces: t.Mapping[str, t.Mapping[str, t.Any]],
    ports: t.Mapping[tuple[str, str], t.Mapping[str, Port]],
    probes: t.Mapping[str, Probe],
    listens: t.Mapping[str, str] | None = None,
) -> list[Member]:
    """The engine's members, head first. interfaces: by host, of an engine of several hosts.

    listens: what APIs are opened on, by host; else what is written.
    """
    reached = {
        host: str((interfaces.get(host) or {}).get("address") or addresses.get(host, host)) for host in engine.hosts
    }
    return [
        Member(
            engine,
            rank,
            reached[host],
            reached[engine.head],
            interfaces.get(host),
            ports[engine.name, host],
            ports[engine.name, engine.head],
            probes.get(host),
            (listens or {}).get(host) or str(engine.service["listen"]),
        )
        for rank, host in enumerate(engine.hosts)
    ]


def _first(port: Port) -> int:
    return port if isinstance(port, int) else port[0]
