# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every port of every host, each given once."""

from __future__ import annotations

import typing as t

from .errors import Refusals
from .placement import Decision, Engine


class Ports:
    """Who has which port of which host."""

    def __init__(self, refusals: Refusals) -> None:
        self._taken: dict[tuple[str, int], str] = {}
        self._refusals = refusals

    def claim(self, host: str, port: int, path: str) -> None:
        """Take a port that a person wrote. Refuses one that is taken."""
        if port > 65535:
            self._refusals.add(path, port, f"is not a port (on {host})", "choose a lower port")
        other = self._taken.setdefault((host, port), path)
        if other != path:
            self._refusals.add(path, port, f"is taken on host {host} by {other}", "give each its own port")

    def allocate(self, host: str, base: int, path: str) -> int:
        """The first free port from base upward. Claim what persons wrote before."""
        for port in range(base, 65536):
            if (host, port) not in self._taken:
                self._taken[host, port] = path
                return port
        self._refusals.add(path, base, f"no free port from {base} upward on host {host}", "lower vllm_port_base")
        return base


def assign_ports(engines: t.Sequence[Engine], base: int, refusals: Refusals) -> tuple[dict[str, int], list[Decision]]:
    """The API port of each engine, by engine name. Engines of one service on one host take consecutive ports."""
    ports = Ports(refusals)
    result: dict[str, int] = {}
    decisions: list[Decision] = []
    nth: dict[tuple[str, str], int] = {}
    for engine in engines:
        if engine.service["port"] is None:
            continue
        offset = nth.get((engine.service.name, engine.host), 0)
        nth[engine.service.name, engine.host] = offset + 1
        path = f"{engine.service.path}.port" + (f" (engine {engine.name})" if offset else "")
        port = engine.service["port"] + offset
        ports.claim(engine.host, port, path)
        result[engine.name] = port
        if offset:
            decisions.append(
                Decision(
                    f"{engine.service.path}.port",
                    port,
                    f"engine {engine.name}: number {offset + 1} of its service on {engine.host}",
                )
            )
    for engine in engines:
        if engine.service["port"] is None:
            port = ports.allocate(engine.host, base, f"{engine.service.path}.port")
            result[engine.name] = port
            decisions.append(
                Decision(
                    f"{engine.service.path}.port",
                    port,
                    f"engine {engine.name}: first free port of {engine.host} from vllm_port_base = {base}",
                )
            )
    return result, decisions
