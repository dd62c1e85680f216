# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which interface and address of a host reach its peers."""

from __future__ import annotations

import ipaddress
import typing as t

from ..network.report import collect
from .commands import Commands


def read_routes(peers: t.Sequence[str], commands: Commands) -> dict[str, dict[str, t.Any] | None]:
    """By peer: interface and source; None without a route. One command asks for all. Raises as ``check_peers``."""
    addresses = check_peers(peers)
    ip = commands.find("ip") if addresses else None
    if ip is None:
        return dict.fromkeys(addresses)
    # -force: an address without a route does not end the list.
    lines = "".join(f"route get {address}\n" for address in dict.fromkeys(addresses.values()))
    found = collect(commands.run(ip, "-force", "-json", "-batch", "-", data=lines).out).routes
    return {peer: found[address].as_dict() if address in found else None for peer, address in addresses.items()}


def check_peers(peers: t.Sequence[str]) -> dict[str, str]:
    """The addresses as ip prints them, by peer. Raises ValueError for one that is no IP address, or has a zone.

    What else stands in it, the end of a line too, would be a command of ip's.
    """
    addresses = {peer: str(ipaddress.ip_address(peer)) for peer in peers}
    for peer, address in addresses.items():
        if "%" in address:  # a zone may hold anything
            raise ValueError(f"{peer!r} has a zone: give an address that needs none")
    return addresses
