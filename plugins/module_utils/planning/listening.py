# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a service can listen where it is told to: on an address that the engine's host has."""

from __future__ import annotations

import ipaddress
import typing as t

from .devices import Probe
from .errors import Refusals
from .placement import Engine
from .wording import some


def check(
    engines: t.Sequence[Engine], probes: t.Mapping[str, Probe], refusals: Refusals, routed: t.Mapping[str, str]
) -> None:
    """Refuse a listen address that one of the hosts that clients call does not have, where its interfaces are known.

    routed: the host of each front door, by the path of its service.
    """

    def called(engine: Engine) -> tuple[str, ...]:
        return (routed[engine.service.root],) if engine.service.root in routed else engine.doors

    doors: dict[str, set[str]] = {}
    for engine in engines:
        doors.setdefault(engine.service.path, set()).update(called(engine))
    for engine, host in [(each, host) for each in engines for host in called(each)]:
        listen = ipaddress.ip_address(engine.service["listen"])
        interfaces = (probes.get(host) or {}).get("interfaces")
        if listen.is_unspecified or listen.is_loopback or interfaces is None:
            continue
        having = _addresses(interfaces)
        if str(listen) in having:
            continue
        rule = f"host {host} has no such address, so the port cannot be opened"
        offered = [address for address in having if not ipaddress.ip_address(address).is_link_local]
        alone = offered and len(doors[engine.service.path]) == 1
        fix = f"write one that it has ({some(offered)}), or " if alone else "write "
        refusals.add("listen-absent", f"{engine.service.path}.listen", str(listen), rule, f"{fix}0.0.0.0")


def _addresses(interfaces: t.Sequence[t.Mapping[str, t.Any]]) -> list[str]:
    found = []
    for interface in interfaces:
        for text in interface.get("addresses") or ():
            try:
                address = ipaddress.ip_interface(str(text)).ip
            except ValueError:
                continue
            if not address.is_loopback:
                found.append(str(address))
    return found
