# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Interfaces of probed hosts: which of them engines may use, and which networks several hosts share."""

from __future__ import annotations

import dataclasses
import functools
import ipaddress
import re
import typing as t

_Address = t.Union[ipaddress.IPv4Interface, ipaddress.IPv6Interface]

_REAL_KINDS = ("physical", "bond", "team", "vlan")


@dataclasses.dataclass(frozen=True)
class Port:
    """An interface with one of its addresses. rdma: the device behind it, None without. speed: Mb/s, None: unknown."""

    name: str
    address: str | None
    rdma: str | None
    speed: int | None
    mtu: int | None
    ip: _Address | None = None

    @property
    def network(self) -> str:
        return str(self.ip.network) if self.ip is not None else ""

    @property
    def order(self) -> tuple[t.Any, ...]:
        """Best first."""
        version = self.ip.version if self.ip is not None else 0
        return (self.rdma is None, -(self.speed or 0), version, number_key(self.name), self.address or "")

    def document(self) -> dict[str, t.Any]:
        """As the plan holds it."""
        return {
            "name": self.name,
            "address": self.address,
            "rdma": self.rdma,
            "speed_mbits": self.speed,
            "mtu": self.mtu,
        }


@dataclasses.dataclass(frozen=True)
class Network:
    """A network that all members share, with the best port of each.

    rdma: every port has it. speed: of the slowest port in Mb/s, 0 when one is unknown.
    """

    name: str
    ports: t.Mapping[str, Port]
    rdma: bool
    speed: int

    def holds(self, addresses: t.Mapping[str, str]) -> bool:
        """Whether the members are reached by these very addresses."""
        return all(addresses.get(host) == port.address for host, port in self.ports.items())

    def rank(self, head: str, addresses: t.Mapping[str, str]) -> tuple[t.Any, ...]:
        """Best first."""
        version = 6 if ":" in self.name else 4
        name = number_key(self.ports[head].name)
        return (not self.rdma, -self.speed, not self.holds(addresses), version, name, self.name)


def usable(probe: t.Mapping[str, t.Any] | None, *, named: bool = False) -> tuple[list[Port], dict[str, str]]:
    """The ports that engines may use, and for every other interface why not: ``{"eth1": "is down"}``.

    named: a person says which interfaces to take, so that virtual ones count too. They also do on a host that has no
    others: it is a container. A bridge counts when a real interface is in it; a bridge of containers has none.
    """
    interfaces: t.Sequence[t.Mapping[str, t.Any]] = (probe or {}).get("interfaces") or []
    inactive = inactive_devices(probe)
    real = {str(item.get("master")) for item in interfaces if item.get("kind") in _REAL_KINDS and item.get("master")}
    any_kind = named or all(item.get("kind") not in _REAL_KINDS for item in interfaces)
    ports: list[Port] = []
    why_not: dict[str, str] = {}
    for item in interfaces:
        name = str(item.get("name"))
        reason = ("" if any_kind and item.get("kind") != "loopback" else _unfit(item, name in real)) or _down(item)
        found = [] if reason else [ip for ip in map(_parse, item.get("addresses") or ()) if ip is not None]
        if reason or not found:
            why_not[name] = reason or "has no address that other hosts could reach"
            continue
        speed = item.get("speed_mbits")
        for ip in found:
            ports.append(
                Port(
                    name,
                    str(ip.ip),
                    None if item.get("rdma") in inactive else item.get("rdma"),
                    int(speed) if speed and speed > 0 else None,
                    item.get("mtu"),
                    ip,
                )
            )
    return ports, why_not


def inactive_devices(probe: t.Mapping[str, t.Any] | None) -> dict[str, str]:
    """RDMA devices of a host none of whose ports is active, with a port's state."""
    states: dict[str, list[str]] = {}
    for device in (probe or {}).get("rdma_devices") or []:
        if device.get("state"):
            states.setdefault(str(device.get("name")), []).append(str(device["state"]).lower())
    return {name: found[0] for name, found in states.items() if "active" not in found}


def _unfit(item: t.Mapping[str, t.Any], holds_real: bool) -> str:
    kind = item.get("kind")
    if kind == "bridge":
        return "" if holds_real else "is a bridge without an interface of the host"
    return "" if kind in _REAL_KINDS else f"is {kind or 'of an unknown kind'}"


def _down(item: t.Mapping[str, t.Any]) -> str:
    if item.get("state") == "down":
        return "is down"
    return "has no carrier" if item.get("carrier") is False else ""


@functools.lru_cache(maxsize=65536)
def _parse(text: str) -> _Address | None:
    """An address that another host could reach; None for any other."""
    try:
        ip = ipaddress.ip_interface(text)
    except ValueError:
        return None
    bad = ip.is_link_local or ip.is_loopback or ip.is_multicast or ip.is_unspecified
    return None if bad else ip


def shared(ports: t.Mapping[str, t.Sequence[Port]]) -> list[Network]:
    """The networks in which every host has a port.

    One in which two hosts have the same address is none: it ends at each host.
    """
    best: dict[str, dict[str, Port]] = {}
    for host, having in ports.items():
        for port in having:
            if port.ip is None or port.ip.network.prefixlen == port.ip.max_prefixlen:
                continue
            of_hosts = best.setdefault(port.network, {})
            other = of_hosts.get(host)
            if other is None or port.order < other.order:
                of_hosts[host] = port
    result = []
    for name, of_hosts in best.items():
        if len(of_hosts) != len(ports) or len({port.address for port in of_hosts.values()}) != len(of_hosts):
            continue
        speeds = [port.speed or 0 for port in of_hosts.values()]
        result.append(Network(name, of_hosts, all(port.rdma for port in of_hosts.values()), min(speeds)))
    return result


def number_key(text: str) -> tuple[t.Any, ...]:
    """``eth2`` before ``eth10``."""
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", text))
