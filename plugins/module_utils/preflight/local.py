# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a member knows without its peers: its interface, what names stand for, who holds a port."""

from __future__ import annotations

import socket
import threading
import time
import typing as t

from ..network.model import Interface
from .members import Member


def read_interface(me: Member, interfaces: t.Sequence[Interface]) -> dict[str, t.Any]:
    """How the member's interface and address are on this host.

    name: of the wanted interface, else of the one that has the address. exists: None where none is wanted. owner: the
    interface that has the address, None for none. interfaces: addresses by name, but for loopback.
    """
    by_name = {item.name: item for item in interfaces}
    owner = next((item for item in interfaces if me.address in plain(item)), None)
    item = by_name.get(me.interface, owner) if me.interface else owner
    return {
        "name": item.name if item else None,
        "exists": me.interface in by_name if me.interface else None,
        "owner": owner.name if owner else None,
        "addresses": plain(item) if item else [],
        "mtu": item.mtu if item else None,
        "speed_mbits": item.speed_mbits if item else None,
        "state": item.state if item else None,
        "carrier": item.carrier if item else None,
        "rdma": item.rdma if item else None,
        "interfaces": {item.name: plain(item) for item in interfaces if item.kind != "loopback"},
    }


def plain(item: Interface) -> list[str]:
    """Its addresses but for those of IPv6 that each interface gives itself: nobody is told of them."""
    return [address.partition("/")[0] for address in item.addresses or [] if not address.startswith("fe80:")]


def resolve(
    me: Member,
    members: t.Sequence[Member],
    hostname: str,
    timeout: float,
    look_up: t.Callable[..., t.Any] | None = None,
) -> list[dict[str, t.Any]]:
    """What this host's own name and the peers' names stand for: member, name, addresses, error, seconds.

    A name server that does not answer within ``timeout`` seconds is an error, ``no answer``; it is not waited for.
    """
    asked = [(me.name, hostname), *((peer.name, peer.hostname) for peer in members if peer != me and peer.hostname)]
    look_up = look_up or socket.getaddrinfo
    results: dict[int, dict[str, t.Any]] = {}

    def one(number: int, name: str) -> None:
        begin = time.monotonic()
        addresses, error = [], None
        try:
            addresses = sorted({str(item[4][0]) for item in look_up(name, None, type=socket.SOCK_STREAM)})
        except (OSError, UnicodeError) as problem:
            error = getattr(problem, "strerror", None) or str(problem)
        results[number] = {"addresses": addresses, "error": error, "seconds": round(time.monotonic() - begin, 3)}

    # Not a pool: it would wait at exit for a resolver that hangs.
    threads = [
        threading.Thread(target=one, args=(number, name), daemon=True) for number, (_member, name) in enumerate(asked)
    ]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + timeout
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    silent = {"addresses": [], "error": "no answer", "seconds": timeout}
    return [
        {"member": member, "name": name, **results.get(number, silent)} for number, (member, name) in enumerate(asked)
    ]


def holders(ports: t.Iterable[str], listeners: t.Sequence[t.Mapping[str, t.Any]]) -> dict[str, str]:
    """Who holds which of the ports, in words. listeners: as the probe gives them (docs/probes.md)."""
    found: dict[str, str] = {}
    for port in ports:
        for item in listeners:
            if str(item["port"]) == port:
                pid = f" (pid {item['pid']})" if item.get("pid") else ""
                unit = f" of {item['unit']}" if item.get("unit") else ""
                found.setdefault(port, f"{item.get('process') or 'a process'}{pid}{unit}")
    return found
