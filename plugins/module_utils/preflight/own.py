# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong on one member, whatever the others see."""

from __future__ import annotations

import ipaddress
import typing as t

from .findings import WARNING, Finding
from .members import Member, place
from .reach import Report

_SLOW_NAME_S = 2.0
#: Findings of a member that cannot reach or be reached, whatever the network is.
CUT = frozenset({"interface-missing", "interface-no-address", "address-elsewhere", "address-missing", "interface-down"})


def own(member: Member, members: t.Sequence[Member], report: Report) -> list[Finding]:
    """Findings about one member's interface, address, ports and names."""
    local = report.get("local") or {}
    found = _interface(member, local.get("interface") or {}, report)
    found += _ports(member, report["listening"], local.get("holders") or {})
    for name in local.get("names") or []:
        found += _name(member, members, name)
    strangers = report.get("strangers") or []
    if strangers:
        what = f"{member.name} was called from {', '.join(strangers)}, which is the address of no member"
        fix = "correct the members' addresses; or a member's traffic leaves by another interface or through NAT"
        found.append(Finding("stranger", member.name, None, what, fix, WARNING))
    return found


def unfit(member: Member, report: Report) -> bool:
    """Whether the member could not listen, so that what others met there says nothing of the network."""
    return report["listening"].get(str(member.port)) is not None


def _interface(member: Member, interface: t.Mapping[str, t.Any], report: Report) -> list[Finding]:
    name, wanted, owner = member.name, member.interface, interface.get("owner")
    has = _told(interface.get("interfaces") or {})
    if interface.get("exists") is False:
        where = f"{member.address} is on {owner}" if owner else f"it has {has}"
        what = f"{name} has no interface {wanted}; {where}"
        return [Finding("interface-missing", name, None, what, f"name {owner or 'one that it has'} for {name}")]
    if wanted and interface.get("exists") and not interface.get("addresses"):
        what = f"interface {wanted} of {name} has no address; {name} has {has}"
        fix = f"give {wanted} the address {member.address} on {name}, or name another interface"
        return [Finding("interface-no-address", name, None, what, fix)]
    if wanted and interface.get("exists") and member.address not in interface.get("addresses", ()):
        there = f"it is on {owner}" if owner else f"no interface of {name} has it"
        what = f"interface {wanted} of {name} does not have {member.address}: {there}; {name} has {has}"
        return [Finding("address-elsewhere", name, None, what, f"correct the interface or the address of {name}")]
    if not owner and "EADDRNOTAVAIL" in report["listening"].values():
        what = f"no interface of {name} has {member.address}; it has {has}"
        return [Finding("address-missing", name, None, what, f"correct the address of {name}, or bring it up there")]
    if interface.get("state") == "down" or interface.get("carrier") is False:
        what = f"interface {interface['name']} of {name} is down, or has no signal"
        return [Finding("interface-down", name, None, what, "bring it up; check its cable and the switch's port")]
    return []


def _told(interfaces: t.Mapping[str, t.Sequence[str]]) -> str:
    words = [f"{name} ({', '.join(addresses) or 'no address'})" for name, addresses in interfaces.items()]
    return ", ".join(words) or "none"


def _ports(member: Member, listening: t.Mapping[str, str | None], holders: t.Mapping[str, str]) -> list[Finding]:
    found = []
    for port, error in listening.items():
        where = place(member.address, int(port))
        if error == "EADDRINUSE":
            what = f"port {port} of {member.name} is held by {holders.get(port, 'another process')}"
            fix = f"stop it (ss -tlnp 'sport = :{port}'), or give the engine another port"
            found.append(Finding("port-busy", member.name, None, what, fix))
        elif error is not None and error != "EADDRNOTAVAIL":
            what = f"{member.name} cannot listen at {where}: {error}"
            fix = "run the check as root, or take ports from 1024 upward" if error == "EACCES" else "look at the host"
            found.append(Finding("port-failed", member.name, None, what, fix))
    return found


def _name(member: Member, members: t.Sequence[Member], entry: Report) -> list[Finding]:
    about, name, addresses = entry["member"], entry["name"], entry["addresses"]
    target = None if about == member.name else about
    whose = "its own name" if target is None else f"the name of {about},"
    loopback = [address for address in addresses if ipaddress.ip_address(address.partition("%")[0]).is_loopback]
    address = next(item.address for item in members if item.name == about)
    line = f"'{address} {name}' in /etc/hosts of {member.name}"
    if loopback:
        what = f"on {member.name}, {whose} {name} stands for {', '.join(loopback)}: engines would wait on loopback"
        return [Finding("name-loopback", member.name, target, what, f"replace that entry by {line}")]
    if entry["error"] is not None:
        what = f"on {member.name}, {whose} {name} cannot be resolved: {entry['error']}"
        return [Finding("name-unknown", member.name, target, what, f"write {line}, or into the DNS", WARNING)]
    if entry["seconds"] > _SLOW_NAME_S:
        what = f"on {member.name}, {whose} {name} takes {entry['seconds']:.1f} s to resolve"
        return [Finding("name-slow", member.name, target, what, f"write {line}, or repair the resolver", WARNING)]
    return []
