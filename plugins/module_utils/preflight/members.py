# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who takes part in a check, and what a person may write of them."""

from __future__ import annotations

import dataclasses
import ipaddress
import typing as t


@dataclasses.dataclass(frozen=True)
class Member:
    """One member. address: that of the cluster's interface. ports: the first carries the check itself.

    hostname: the name by which the others may look it up. ranks: how many of a collective run there.
    """

    name: str
    address: str
    ports: tuple[int, ...]
    interface: str | None = None
    hostname: str | None = None
    ranks: int = 1

    @property
    def port(self) -> int:
        return self.ports[0]

    @property
    def place(self) -> str:
        """``10.9.0.1:20000``, ``[fd00::1]:20000``."""
        return place(self.address, self.port)


class MembersError(Exception):
    """What is written of the members cannot be used. faults: all of them, as ``path = value: rule. Fix: …``."""

    def __init__(self, faults: t.Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = list(faults)


def place(address: str, port: int) -> str:
    """An address and a port as persons write them."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def read_members(items: t.Sequence[t.Mapping[str, t.Any]], own: str) -> list[Member]:
    """The members as they are written: ``[{name, address, ports, interface, hostname, ranks}]``.

    own: name of this one. Raises MembersError.
    """
    faults = _Faults()
    if len(items) < 2:
        faults.add("members", len(items), "two members at least can talk to each other", "name all members")
    members = [_member(f"members[{index}]", item, faults) for index, item in enumerate(items)]
    for what in ("name", "address"):
        seen: dict[str, int] = {}
        for index, member in enumerate(members):
            value = getattr(member, what)
            first = seen.setdefault(value, index)
            if first != index:
                rule = f"is that of members[{first}], too"
                faults.add(f"members[{index}].{what}", value, rule, f"give each member its own {what}")
    if len({_version(member.address) for member in members} - {None}) > 1:
        fix = "give addresses of one kind"
        faults.add("members", None, "some have IPv4 addresses and some IPv6 addresses", fix)
    if own not in [member.name for member in members]:
        names = ", ".join(member.name for member in members) or "nobody"
        faults.add("name", own, f"is none of the members ({names})", "give the name of this host as in members")
    if faults.found:
        raise MembersError(faults.found)
    return members


class _Faults:
    def __init__(self) -> None:
        self.found: list[str] = []

    def add(self, path: str, value: t.Any, rule: str, fix: str) -> None:
        shown = "" if value is None else f" = {value!r}"
        self.found.append(f"{path}{shown}: {rule}. Fix: {fix}")


def _member(path: str, item: t.Mapping[str, t.Any], faults: _Faults) -> Member:
    address, ports = str(item["address"]), tuple(item["ports"])
    if not item["name"]:
        faults.add(f"{path}.name", item["name"], "is empty", "give the inventory's name of the host")
    if _version(address) is None:
        fix = "give the IP address of the cluster's interface, without prefix or zone"
        faults.add(f"{path}.address", address, "is no IP address", fix)
    elif ipaddress.ip_address(address).is_loopback or ipaddress.ip_address(address).is_unspecified:
        fix = "give the address of the cluster's interface"
        faults.add(f"{path}.address", address, "is reached by its own host alone", fix)
    if not ports:
        faults.add(f"{path}.ports", None, "is empty", "give one port at least, such as a planned one of the engine")
    for number, port in enumerate(ports):
        if not 1 <= port <= 65535:
            faults.add(f"{path}.ports[{number}]", port, "is no port", "give a number from 1 to 65535")
        elif port in ports[:number]:
            faults.add(f"{path}.ports[{number}]", port, "is named twice", "name each port once")
    ranks = item.get("ranks", 1)
    if ranks < 1:
        faults.add(f"{path}.ranks", ranks, "is no number of ranks", "give 1 or more, such as the member's GPUs")
    interface, hostname = item.get("interface") or None, item.get("hostname") or None
    return Member(item["name"], address, ports, interface, hostname, ranks)


def _version(address: str) -> int | None:
    try:
        return None if "%" in address else ipaddress.ip_address(address).version
    except ValueError:
        return None
