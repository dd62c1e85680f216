# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who has which port of which host: each is given once."""

from __future__ import annotations

import typing as t

from .devices import Probe
from .errors import Refusals


class Ports:
    """Who has which port of which host."""

    def __init__(self, refusals: Refusals, probes: t.Mapping[str, Probe]) -> None:
        self._taken: dict[tuple[str, int], str] = {}
        self._refusals = refusals
        self._foreign = {host: _foreign(probe) for host, probe in probes.items()}

    def claim(self, host: str, port: int, path: str, fix: str = "") -> None:
        """Take a port that a person wrote. Refuses one that is taken, by the plan or by somebody on the host.

        fix: what to do where it is not free, unless another port will do.
        """
        if port > 65535:
            self._refusals.add("port-range", path, port, f"is not a port (on {host})", "choose a lower port")
        other = self._taken.setdefault((host, port), path)
        if other != path:
            rule = f"is taken on host {host} by {other}"
            self._refusals.add("port-taken", path, port, rule, fix or "give each its own port")
        holder = self._foreign.get(host, {}).get(port)
        if holder:
            rule = f"is held on host {host} by {holder}, which is not a unit of this collection"
            self._refusals.add("port-held", path, port, rule, f"stop it, or {fix or 'choose another port'}")

    def allocate(self, host: str, base: int, count: int, path: str) -> tuple[int, str]:
        """The first of ``count`` free ports in a row from base upward, and who made it skip some, else empty.

        Claim what persons wrote before.
        """
        return self.allocate_alike([host], base, count, path)

    def allocate_alike(self, hosts: t.Sequence[str], base: int, count: int, path: str) -> tuple[int, str]:
        """The same ports on each of several hosts: members tell one another only where theirs begin."""
        port, skipped = base, ""
        while port + count - 1 <= 65535:
            held, why = self._held(hosts, port, count)
            if held is None:
                self._taken.update({(host, at): path for host in hosts for at in range(port, port + count)})
                return port, skipped
            skipped, port = skipped or why, held + 1
        wanted = "free port" if count == 1 else f"{count} free ports in a row"
        rule = f"no {wanted} from {base} upward on host {', '.join(hosts)}"
        self._refusals.add("no-free-port", path, base, rule, "lower vllm_port_base, or move what listens there")
        return base, skipped

    def _held(self, hosts: t.Sequence[str], port: int, count: int) -> tuple[int | None, str]:
        """The last of these ports that is not free on some host, and who holds it if that is somebody else."""
        for host in hosts:
            foreign = self._foreign.get(host, {})
            for at in range(port + count - 1, port - 1, -1):
                if (host, at) in self._taken or at in foreign:
                    return at, f"{at} is held by {foreign[at]}" if at in foreign else ""
        return None, ""


def _foreign(probe: Probe) -> dict[int, str]:
    """Who listens on which port, besides units of this collection."""
    found: dict[int, str] = {}
    for listener in (probe or {}).get("listeners") or ():
        if not str(listener.get("unit") or "").startswith("vllm-"):
            pid = f" (pid {listener['pid']})" if listener.get("pid") else ""
            found.setdefault(listener["port"], f"{listener.get('process') or 'a process'}{pid}")
    return found
