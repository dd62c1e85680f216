# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may reach which port of which host. docs/network.md tells the rules for persons."""

from __future__ import annotations

import dataclasses
import ipaddress
import typing as t

from . import names
from .describe import is_loopback
from .devices import Probe
from .errors import Refusals
from .members import Member
from .ports import Port
from .wording import some

EVERYONE = ("0.0.0.0/0", "::/0")
#: Ports that clients call, and readers of events, who are as unknown to the plan as clients.
_FOR_CLIENTS = ("api", "grpc", "kv_events", "kv_events_replay")
_FOR_MONITORING = ("ray_metrics",)
#: Side channels of KV connectors: an engine's partners may be other engines.
_FOR_PARTNERS = "kv_"
#: net.ipv4.ip_local_port_range where nobody changed it.
_LOCAL_PORTS = (32768, 60999)
_SSH = 22

#: The ``network`` of a host that no engine stands on.
NOTHING: t.Mapping[str, t.Any] = {"names": [], "fence": [], "never_closed": []}


@dataclasses.dataclass(frozen=True)
class Who:
    """What persons wrote of who may come (keys.py). logins: the ssh port by host, where one is written."""

    clients: tuple[str, ...]
    monitoring: tuple[str, ...]
    kernel_ports: bool
    open_ports: frozenset[int]
    logins: t.Mapping[str, int]


def read(fleet: t.Mapping[str, t.Any], logins: t.Mapping[str, int]) -> Who:
    """fleet: the checked variables."""
    return Who(
        tuple(fleet["vllm_client_networks"]),
        tuple(fleet["vllm_monitoring_networks"]),
        fleet["vllm_fence_kernel_ports"],
        frozenset(fleet["vllm_fence_open_ports"]),
        logins,
    )


@dataclasses.dataclass(frozen=True)
class _Part:
    """A host's share of one engine. others: the addresses of its other members."""

    member: Member
    others: list[str]

    @property
    def interface(self) -> str | None:
        return (self.member.interface or {}).get("name")


def networks(
    engines: t.Sequence[t.Sequence[Member]], who: Who, probes: t.Mapping[str, Probe], refusals: Refusals
) -> dict[str, dict[str, t.Any]]:
    """``hosts.<host>.network`` of the plan (docs/plan.md) for every host that is a member. engines: members of each."""
    mine: dict[str, list[_Part]] = {}
    books: dict[str, list[names.Book]] = {}
    for members in engines:
        reached = [(member.host, member.address) for member in members]
        book = names.book(members) if len(members) > 1 else None
        for member in members:
            here = member.host
            mine.setdefault(here, []).append(_Part(member, [address for host, address in reached if host != here]))
            if book is not None:
                books.setdefault(here, []).append(book)
    partners = _partners(engines)
    found = {}
    for host, parts in mine.items():
        found[host] = {
            "names": names.of_others(host, books.get(host, [])),
            "fence": _fence(host, parts, who, partners, probes.get(host), refusals),
            "never_closed": sorted(_ssh(host, who, probes.get(host)) | who.open_ports),
        }
    return found


def _fence(
    host: str,
    parts: t.Sequence[_Part],
    who: Who,
    partners: t.Mapping[str, t.Sequence[str]],
    probe: Probe,
    refusals: Refusals,
) -> list[dict[str, t.Any]]:
    """The items of one host. A port in any of them is closed to whom none of its items names."""
    ssh = _ssh(host, who, probe)
    found: list[dict[str, t.Any]] = []
    named: set[int] = set(ssh | who.open_ports)
    for part in parts:
        _check_ssh(part.member, ssh, refusals)
        found += _of_member(part, who, partners)
        for port in part.member.ports.values():
            named.update(_every(port))
    wide = [part for part in parts if part.others]
    if who.kernel_ports and wide:
        first, last = (probe or {}).get("local_ports") or _LOCAL_PORTS
        rest = _without([(first, last)], named)
        for part in wide:
            why = f"engine {part.member.engine.name}: ports that the kernel chooses (Gloo, NCCL), for its members"
            found.append(_item(rest, part.others, part.interface, why))
        _warn_of_others(host, rest, probe, refusals)
    for item in found:
        if item["ports"] is not None:
            item["ports"] = [_shown(port) for port in _without(map(_range, item["ports"]), who.open_ports)]
    return [item for item in found if item["ports"] is None or item["ports"]]


def _of_member(part: _Part, who: Who, partners: t.Mapping[str, t.Sequence[str]]) -> list[dict[str, t.Any]]:
    """What a member's own ports are for."""
    member, engine, others = part.member, part.member.engine, part.others
    found = []
    if others:
        found.append(_item(None, others, part.interface, f"engine {engine.name}: its members among themselves"))
    inner = {kind: port for kind, port in member.ports.items() if kind not in _FOR_CLIENTS}
    if inner:
        whom = "internal ports, for its members" if others else "internal ports, for this host alone"
        found.append(_item(inner.values(), others, part.interface, f"engine {engine.name}: {whom}"))
    watched = [port for kind, port in inner.items() if kind in _FOR_MONITORING]
    if watched and who.monitoring:
        found.append(_item(watched, who.monitoring, None, f"engine {engine.name}: metrics of Ray"))
    side = [port for kind, port in inner.items() if kind.startswith(_FOR_PARTNERS)]
    more = [address for host, own in partners.items() if host != member.host for address in own] if side else []
    if more:
        found.append(_item(side, more, None, f"engine {engine.name}: KV side channels, for engines that have them too"))
    called = {kind: port for kind, port in member.ports.items() if kind in _FOR_CLIENTS}
    if is_loopback(engine.service["listen"]):
        called.pop("api", None)
    if called:
        clients = tuple(dict.fromkeys((*who.clients, *who.monitoring))) if who.clients else EVERYONE
        found.append(_item(called.values(), clients, None, f"service {engine.service.name}: what clients call"))
    return found


def _item(
    ports: t.Iterable[Port] | None, sources: t.Iterable[str], interface: str | None, why: str
) -> dict[str, t.Any]:
    """ports: None opens all and closes none."""
    return {
        "protocol": "tcp",
        "ports": None if ports is None else [_shown(port) for port in sorted(map(_range, ports))],
        "from": list(sources),
        "interface": interface,
        "why": why,
    }


def _partners(engines: t.Sequence[t.Sequence[Member]]) -> dict[str, list[str]]:
    """The addresses of hosts whose engines have side channels of KV connectors."""
    found = {}
    for members in engines:
        for member in members:
            if any(kind.startswith(_FOR_PARTNERS) and kind not in _FOR_CLIENTS for kind in member.ports):
                found[member.host] = _addresses(member)
    return found


def _addresses(member: Member) -> list[str]:
    """By what the host may come: addresses of its interfaces, and the one that others know."""
    written = [member.address]
    for interface in (member.probe or {}).get("interfaces") or ():
        written += [str(text).partition("/")[0] for text in interface.get("addresses") or ()]
    found = []
    for text in dict.fromkeys(written):
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            continue
        if not (address.is_loopback or address.is_link_local):
            found.append(text)
    return found


def _ssh(host: str, who: Who, probe: Probe) -> frozenset[int]:
    """Ports by which persons come in: the usual one, Ansible's, sshd's, and what systemd listens on for others."""
    found = {_SSH, *([who.logins[host]] if host in who.logins else [])}
    for listener in (probe or {}).get("listeners") or ():
        unit, process = str(listener.get("unit") or ""), listener.get("process")
        if process in ("sshd", "systemd") or unit.startswith(("ssh.", "sshd.", "ssh@", "sshd@")):
            found.add(listener["port"])
    return frozenset(found)


def _check_ssh(member: Member, ssh: frozenset[int], refusals: Refusals) -> None:
    for kind, port in member.ports.items():
        hit = sorted(ssh & _every(port))
        if hit:
            path = f"{member.engine.service.path}.{'port' if kind == 'api' else f'ports.{kind}'}"
            rule = f"is a port of ssh on host {member.host}, which no fence may close"
            refusals.add("fence-ssh", path, hit[0], rule, "choose another port")


def _warn_of_others(host: str, closed: t.Sequence[Port], probe: Probe, refusals: Refusals) -> None:
    """Say which programs of the host strangers will not reach any more."""
    ranges = [_range(item) for item in closed]
    hit: dict[int, str] = {}
    for listener in (probe or {}).get("listeners") or ():
        ours = str(listener.get("unit") or "").startswith("vllm-")
        port, local = listener["port"], _is_local(str(listener.get("address") or ""))
        if not ours and not local and any(first <= port <= last for first, last in ranges):
            hit.setdefault(port, f"{port} ({listener.get('process') or 'a process'})")
    if hit:
        told = some([hit[port] for port in sorted(hit)])
        message = f"the fence of host {host} closes what others listen on among the kernel's ports: {told}"
        fix = "name what must stay open in vllm_fence_open_ports, or set vllm_fence_kernel_ports: false"
        refusals.warn("fence-closes", "vllm_fence_kernel_ports", message, fix)


def _is_local(address: str) -> bool:
    try:
        return is_loopback(address)
    except ValueError:
        return False


def _every(port: Port | t.Sequence[int]) -> set[int]:
    first, last = _range(port)
    return set(range(first, last + 1))


def _range(port: Port | t.Sequence[int]) -> tuple[int, int]:
    return (port, port) if isinstance(port, int) else (port[0], port[1])


def _shown(port: Port | t.Sequence[int]) -> int | list[int]:
    first, last = _range(port)
    return first if first == last else [first, last]


def _without(ranges: t.Iterable[tuple[int, int]], ports: t.Iterable[int]) -> list[Port]:
    """The ranges with holes where the ports are."""
    found: list[Port] = []
    for first, last in ranges:
        start = first
        for hole in sorted(port for port in ports if first <= port <= last):
            if hole > start:
                found.append((start, hole - 1))
            start = hole + 1
        if start <= last:
            found.append((start, last))
    return found
