# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may reach which port of which host. docs/network.md tells the rules for persons."""

from __future__ import annotations

import dataclasses
import typing as t

from . import names
from .connectors import option
from .describe import is_loopback
from .devices import Probe
from .errors import Refusals
from .members import Member
from .openings import CLIENTS, MONITORING, Around, Opening, come_by
from .openings import NOTHING as NOBODY
from .port_ranges import both_ends, every, shown, without
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
    """A host's share of one engine. others: the addresses of its other members.

    partners: of the other hosts that it passes KV cache on with, or gets it from. door: of its service's front door;
    None where clients call the engine itself.
    """

    member: Member
    others: list[str]
    partners: tuple[str, ...] = ()
    door: tuple[str, ...] | None = None

    @property
    def interface(self) -> str | None:
        return (self.member.interface or {}).get("name")


def networks(
    engines: t.Sequence[t.Sequence[Member]],
    who: Who,
    probes: t.Mapping[str, Probe],
    refusals: Refusals,
    around: Around = NOBODY,
) -> dict[str, dict[str, t.Any]]:
    """``hosts.<host>.network`` of the plan (docs/plan.md) for every host that opens ports. engines: members of each."""
    mine: dict[str, list[_Part]] = {opening.host: [] for opening in around.openings}
    books: dict[str, list[names.Book]] = {}
    for members in engines:
        reached = [(member.host, member.address) for member in members]
        book = names.book(members) if len(members) > 1 else None
        for member in members:
            here = member.host
            others = [address for host, address in reached if host != here]
            root = member.engine.service.root
            shared = around.partners.get(root, {})
            door = _elsewhere(here, around.doors[root]) if root in around.doors else None
            mine.setdefault(here, []).append(_Part(member, others, _elsewhere(here, shared), door))
            if book is not None:
                books.setdefault(here, []).append(book)
    side_channels = _partners(engines)
    found = {}
    for host, parts in mine.items():
        opened = [opening for opening in around.openings if opening.host == host]
        found[host] = {
            "names": names.of_others(host, books.get(host, [])),
            "fence": _fence(host, parts, opened, who, side_channels, probes.get(host), refusals),
            "never_closed": sorted(_ssh(host, who, probes.get(host)) | who.open_ports),
        }
    return found


def _elsewhere(here: str, known: t.Mapping[str, t.Sequence[str]]) -> tuple[str, ...]:
    """The addresses of other hosts than this. What a host sends to itself comes by loopback, which is always open."""
    return tuple(dict.fromkeys(address for host, own in known.items() if host != here for address in own))


def _fence(
    host: str,
    parts: t.Sequence[_Part],
    opened: t.Sequence[Opening],
    who: Who,
    side_channels: t.Mapping[str, t.Sequence[str]],
    probe: Probe,
    refusals: Refusals,
) -> list[dict[str, t.Any]]:
    """The items of one host. A port in any of them is closed to whom none of its items names."""
    ssh = _ssh(host, who, probe)
    found: list[dict[str, t.Any]] = []
    named: set[int] = set(ssh | who.open_ports)
    for part in parts:
        _check_ssh(host, part.member.engine.service.path, part.member.ports, ssh, refusals)
        found += _of_member(part, who, side_channels)
        for port in part.member.ports.values():
            named.update(every(port))
    for opening in opened:
        _check_ssh(host, opening.root, opening.ports, ssh, refusals)
        found += _of_opening(opening, who)
        named.update(opening.ports.values())
    wide = _kernel_chosen(parts)
    if who.kernel_ports and wide:
        first, last = (probe or {}).get("local_ports") or _LOCAL_PORTS
        rest = without([(first, last)], named)
        found += [_item(rest, sources, interface, why) for sources, interface, why in wide]
        _warn_of_others(host, rest, probe, refusals)
    chosen = sorted({range_ for part in parts for range_ in _of_libraries(part)})
    if chosen:
        _warn_of_others(host, without(chosen, named), probe, refusals)
    for item in found:
        if item["ports"] is not None:
            item["ports"] = [shown(port) for port in without(map(both_ends, item["ports"]), who.open_ports)]
    told = [item for item in found if item["ports"] is None or item["ports"]]
    return [item for index, item in enumerate(told) if item not in told[:index]]


def _kernel_chosen(parts: t.Sequence[_Part]) -> list[tuple[t.Sequence[str], str | None, str]]:
    """Who must reach ports that nobody can fix: (addresses, interface, why)."""
    found: dict[str, tuple[t.Sequence[str], str | None, str]] = {}
    for part in parts:
        engine = part.member.engine
        if part.others:
            why = f"engine {engine.name}: ports that the kernel chooses (Gloo, NCCL), for its members"
            found[engine.name] = (part.others, part.interface, why)
        if part.partners:
            why = f"service {engine.service.name}: ports that the kernel chooses (KV transfer), for its engines' hosts"
            found[engine.service.root] = (part.partners, None, why)
    return list(found.values())


def _of_member(part: _Part, who: Who, side_channels: t.Mapping[str, t.Sequence[str]]) -> list[dict[str, t.Any]]:
    """What a member's own ports are for."""
    member, engine, others = part.member, part.member.engine, part.others
    found = []
    if others:
        found.append(_item(None, others, part.interface, f"engine {engine.name}: its members among themselves"))
    if part.partners:
        found.append(
            _item(None, part.partners, None, f"service {engine.service.name}: KV cache, among its engines' hosts")
        )
    inner = {kind: port for kind, port in member.ports.items() if kind not in _FOR_CLIENTS}
    if inner:
        whom = "internal ports, for its members" if others else "internal ports, for this host alone"
        found.append(_item(inner.values(), others, part.interface, f"engine {engine.name}: {whom}"))
    watched = [port for kind, port in inner.items() if kind in _FOR_MONITORING]
    if watched and who.monitoring:
        found.append(_item(watched, who.monitoring, None, f"engine {engine.name}: metrics of Ray"))
    side = [port for kind, port in inner.items() if kind.startswith(_FOR_PARTNERS)]
    more = [address for host, own in side_channels.items() if host != member.host for address in own] if side else []
    # The front door follows Mooncake's prefill engines by their side channel.
    more = list(dict.fromkeys((*more, *part.partners, *(part.door or ())))) if side else []
    if more:
        found.append(_item(side, more, None, f"engine {engine.name}: KV side channels, for its partners"))
    chosen = _of_libraries(part)
    if chosen:
        why = f"engine {engine.name}: ports that its KV connector chooses, for its partners"
        found.append(_item(chosen, part.partners, None, why))
    called = {kind: port for kind, port in member.ports.items() if kind in _FOR_CLIENTS}
    if is_loopback(member.listen):
        called.pop("api", None)
    if part.door is not None and "api" in called:
        sources = dict.fromkeys((*part.door, *who.monitoring))
        found.append(_item([called.pop("api")], sources, None, f"engine {engine.name}: API, for its front door"))
    if called:
        why = f"service {engine.service.name}: what clients call"
        found.append(_item(called.values(), _clients(who), None, why))
    return found


def _of_libraries(part: _Part) -> list[tuple[int, int]]:
    transfer = part.member.engine.service.transfer
    return option.chosen_ports(transfer) if transfer is not None else []


def _of_opening(opening: Opening, who: Who) -> list[dict[str, t.Any]]:
    """What the ports of a front door or a server are for."""
    if opening.sources == CLIENTS:
        sources: t.Sequence[str] = [] if is_loopback(opening.address) else _clients(who)
    else:
        sources = who.monitoring if opening.sources == MONITORING else opening.sources
    return [_item(opening.ports.values(), sources, None, opening.why)]


def _clients(who: Who) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*who.clients, *who.monitoring))) if who.clients else EVERYONE


def _item(
    ports: t.Iterable[Port] | None, sources: t.Iterable[str], interface: str | None, why: str
) -> dict[str, t.Any]:
    """ports: None opens all and closes none."""
    return {
        "protocol": "tcp",
        "ports": None if ports is None else [shown(port) for port in sorted(map(both_ends, ports))],
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
                found[member.host] = list(come_by([member.address], member.probe))
    return found


def _ssh(host: str, who: Who, probe: Probe) -> frozenset[int]:
    """Ports by which persons come in: the usual one, Ansible's, sshd's, and what systemd listens on for others."""
    found = {_SSH, *([who.logins[host]] if host in who.logins else [])}
    for listener in (probe or {}).get("listeners") or ():
        unit, process = str(listener.get("unit") or ""), listener.get("process")
        if process in ("sshd", "systemd") or unit.startswith(("ssh.", "sshd.", "ssh@", "sshd@")):
            found.add(listener["port"])
    return frozenset(found)


def _check_ssh(host: str, root: str, ports: t.Mapping[str, Port], ssh: frozenset[int], refusals: Refusals) -> None:
    """root: the path of the service whose ports they are."""
    for kind, port in ports.items():
        hit = sorted(ssh & every(port))
        if hit:
            path = f"{root}.{'port' if kind in ('api', 'door') else f'ports.{kind}'}"
            rule = f"is a port of ssh on host {host}, which no fence may close"
            refusals.add("fence-ssh", path, hit[0], rule, "choose another port")


def _warn_of_others(host: str, closed: t.Sequence[Port], probe: Probe, refusals: Refusals) -> None:
    """Say which programs of the host strangers will not reach any more."""
    ranges = [both_ends(item) for item in closed]
    hit: dict[int, str] = {}
    for listener in (probe or {}).get("listeners") or ():
        ours = str(listener.get("unit") or "").startswith("vllm-")
        port, local = listener["port"], _is_local(str(listener.get("address") or ""))
        if not ours and not local and any(first <= port <= last for first, last in ranges):
            hit.setdefault(port, f"{port} ({listener.get('process') or 'a process'})")
    if hit:
        told = some([hit[port] for port in sorted(hit)])
        message = f"the fence of host {host} closes what others listen on: {told}"
        fix = "name what must stay open in vllm_fence_open_ports, or set vllm_fence_kernel_ports: false"
        refusals.warn("fence-closes", "vllm_fence_kernel_ports", message, fix)


def _is_local(address: str) -> bool:
    try:
        return is_loopback(address)
    except ValueError:
        return False
