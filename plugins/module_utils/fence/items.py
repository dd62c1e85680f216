# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The items of a fence, as the plan holds them (``hosts.<host>.network.fence``), checked again before they are used."""

from __future__ import annotations

import dataclasses
import ipaddress
import re
import typing as t

from .errors import FenceError

#: What an interface may be called (dev_valid_name in the kernel), without signs that nft or a shell reads.
_INTERFACE = re.compile(r"[A-Za-z0-9_.@:+-]{1,15}")
_KEYS = {"protocol", "ports", "from", "interface", "why"}
Range = tuple[int, int]


@dataclasses.dataclass(frozen=True)
class Item:
    """Who may come to some ports. ports: None opens all and closes none. interface: None is any. sources: networks."""

    ports: tuple[Range, ...] | None
    sources: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]
    interface: str | None
    why: str

    def of_family(self, version: int) -> list[str]:
        """The sources of IP version 4 or 6, as texts; a single address without its length."""
        found = [network for network in self.sources if network.version == version]
        return [str(item.network_address) if item.num_addresses == 1 else str(item) for item in found]

    @property
    def for_everyone(self) -> bool:
        """Whether it names every address of both kinds."""
        return {network.version for network in self.sources if network.prefixlen == 0} == {4, 6}


def read(data: t.Sequence[t.Any]) -> list[Item]:
    """The items of ``fence``. Raises FenceError, naming the item, for what is none."""
    return [_item(item, f"fence[{index}]") for index, item in enumerate(data)]


def _item(data: t.Any, path: str) -> Item:
    if not isinstance(data, dict) or set(data) != _KEYS:
        raise FenceError(f"{path}: must be a mapping of {', '.join(sorted(_KEYS))}")
    if data["protocol"] != "tcp":
        raise FenceError(f"{path}.protocol = {data['protocol']!r}: must be tcp")
    if data["interface"] is not None and not _INTERFACE.fullmatch(str(data["interface"])):
        raise FenceError(f"{path}.interface = {data['interface']!r}: is no name of an interface")
    try:
        sources = tuple(ipaddress.ip_network(str(text)) for text in data["from"])
    except (TypeError, ValueError) as error:
        raise FenceError(f"{path}.from: {error}") from error
    ports = None
    if data["ports"] is not None:
        ports = tuple(_range(port, f"{path}.ports") for port in data["ports"])
    return Item(ports, sources, data["interface"], " ".join(str(data["why"]).split()))


def _range(port: t.Any, path: str) -> Range:
    ends = port if isinstance(port, (list, tuple)) else [port, port]
    if len(ends) != 2 or not all(isinstance(end, int) for end in ends) or not 0 < ends[0] <= ends[1] < 65536:
        raise FenceError(f"{path} = {port!r}: must be a port, or the first and last of a range")
    return ends[0], ends[1]


def closed(items: t.Sequence[Item]) -> list[Range]:
    """The ports that some item closes to others, as ranges in order. Ports that everyone may reach are not closed."""
    everyone = [port for item in items if item.for_everyone and item.interface is None for port in item.ports or ()]
    found: set[int] = set()
    for item in items:
        for first, last in item.ports or ():
            found.update(range(first, last + 1))
    for first, last in everyone:
        found.difference_update(range(first, last + 1))
    return joined(found)


def joined(ports: t.Iterable[int]) -> list[Range]:
    """Single ports as the fewest ranges."""
    found: list[Range] = []
    for port in sorted(ports):
        if found and found[-1][1] == port - 1:
            found[-1] = (found[-1][0], port)
        else:
            found.append((port, port))
    return found


def check_open(ranges: t.Sequence[Range], never: t.Iterable[int]) -> None:
    """Raises FenceError where a closed port is one that must never be, such as that of ssh."""
    for port in sorted(set(never)):
        if any(first <= port <= last for first, last in ranges):
            raise FenceError(f"port {port} would be closed, and it must stay open (ssh, or vllm_fence_open_ports)")
