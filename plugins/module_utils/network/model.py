# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What network interfaces and RDMA ports are, whichever tool says it."""

from __future__ import annotations

import dataclasses
import ipaddress
import re
import typing as t

UP, DOWN, UNKNOWN = "up", "down", "unknown"
_STATES = {"UP": UP, "DOWN": DOWN, "LOWERLAYERDOWN": DOWN, "NOTPRESENT": DOWN, "DORMANT": DOWN, "UNKNOWN": UNKNOWN}
_STATES["TESTING"] = UNKNOWN
_TYPES = {"ether": "ethernet", "infiniband": "infiniband"}
_OCTETS = re.compile(r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2})*\Z")
#: Octets of an address: Ethernet, IEEE 1394, InfiniBand (IPoIB).
_LENGTHS = (6, 8, 20)


@dataclasses.dataclass
class Interface:
    """None: not told. The values are those of the probe document (docs/probes.md).

    addresses: with their prefix length, in the order of the output. state: operational, as RFC 2863 means it.
    lower: the interface that a VLAN or macvlan stands on. speed_mbits: megabits a second.
    """

    name: str
    addresses: list[str] | None = None
    mac: str | None = None
    mtu: int | None = None
    state: str | None = None
    carrier: bool | None = None
    speed_mbits: int | None = None
    kind: str | None = None
    type: str | None = None
    driver: str | None = None
    numa: int | None = None
    pci: str | None = None
    master: str | None = None
    lower: str | None = None
    rdma: str | None = None

    @property
    def title(self) -> str:
        return self.name

    def as_dict(self) -> dict[str, t.Any]:
        return {**dataclasses.asdict(self), "state": self.state or UNKNOWN}


@dataclasses.dataclass
class RdmaPort:
    """One port of an RDMA device. None: not told. rate_gbits: gigabits a second, of an active port only."""

    name: str
    port: int = 1
    state: str | None = None
    physical_state: str | None = None
    link_layer: str | None = None
    rate_gbits: float | None = None
    interface: str | None = None
    numa: int | None = None

    @property
    def title(self) -> str:
        return f"{self.name} port {self.port}"

    def as_dict(self) -> dict[str, t.Any]:
        return dataclasses.asdict(self)


@dataclasses.dataclass
class Route:
    """The way to a destination. source: the address that the kernel would send from."""

    interface: str
    source: str | None = None

    def as_dict(self) -> dict[str, t.Any]:
        return dataclasses.asdict(self)


@dataclasses.dataclass
class Found:
    """What one reader found.

    metrics: of routes, by destination. understood: the text is of its format, even where it lists nothing.
    """

    interfaces: list[Interface] = dataclasses.field(default_factory=list)
    ports: list[RdmaPort] = dataclasses.field(default_factory=list)
    routes: dict[str, Route] = dataclasses.field(default_factory=dict)
    metrics: dict[str, int] = dataclasses.field(default_factory=dict)
    warnings: list[str] = dataclasses.field(default_factory=list)
    understood: bool = False

    def warn(self, warning: str) -> None:
        """Keeps a doubt, once."""
        if warning not in self.warnings:
            self.warnings.append(warning)


def state_of(word: t.Any) -> str | None:
    """up, down or unknown from an operational state as ip prints it; None for any other word."""
    return _STATES.get(word) if isinstance(word, str) else None


def carrier_of(flags: t.Collection[str]) -> bool | None:
    """Whether there is a signal; None where the interface is switched off, when nothing can tell."""
    if "LOWER_UP" in flags:
        return True
    return False if {"UP", "NO-CARRIER"} & set(flags) else None


def type_of(link: t.Any) -> str | None:
    """ethernet, infiniband or other, from a link type as ip prints it."""
    return _TYPES.get(link, "other") if isinstance(link, str) else None


def mac_of(word: t.Any) -> str | None:
    """A hardware address in small letters, or None where the word is none or is cut."""
    if not isinstance(word, str) or not _OCTETS.match(word) or word.count(":") + 1 not in _LENGTHS:
        return None
    return word.lower()


def address_of(address: t.Any, prefix: t.Any) -> str | None:
    """``10.9.0.1/24`` from an address and its prefix length or netmask, or None where they are none."""
    length = _prefix(prefix)
    if not isinstance(address, str) or length is None:
        return None
    try:
        return str(ipaddress.ip_interface(f"{address.partition('%')[0]}/{length}"))
    except ValueError:
        return None


def _prefix(value: t.Any) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if not isinstance(value, str):
        return None
    if re.fullmatch(r"[0-9]{1,3}", value):
        return int(value)
    if re.fullmatch(r"0x[0-9a-fA-F]{8}", value):
        mask = int(value, 16)
    else:
        try:
            mask = int(ipaddress.IPv4Address(value))
        except ValueError:
            return None
    length = bin(mask).count("1")
    return length if mask == 2**32 - 2 ** (32 - length) else None
