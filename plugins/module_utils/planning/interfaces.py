# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Through which interface the members of an engine of several hosts talk: the fastest on a network that all share."""

from __future__ import annotations

import fnmatch
import ipaddress
import typing as t

from .decisions import Decision
from .devices import Probe
from .errors import Refusals
from .links import Network, Port, inactive_devices, number_key, shared, usable
from .wording import groups, some

#: What a person may write: an interface's name or glob, a network, or one of these for each host.
Written = t.Union[str, t.Mapping[str, str], None]

_SLOW_MBITS = 1000


def choose(
    hosts: t.Sequence[str],
    probes: t.Mapping[str, Probe],
    addresses: t.Mapping[str, str],
    written: Written,
    path: str,
    refusals: Refusals,
) -> tuple[dict[str, dict[str, t.Any]], list[Decision]]:
    """The interface of each member: ``{host: {name, address, rdma, speed_mbits, mtu}}``, and why.

    hosts: the members, head first; of one host alone nothing is chosen. addresses: by which the hosts are reached.
    written: an interface's name or glob (``ib0``, ``ens*``), a network (``10.9.0.0/16``), or one of these by host.
    path: where that is or would be written, such as ``vllm_services[0].interface``. After a refusal members may lack.

    The order: RDMA on every member, then the slowest member's speed, then the network that holds the addresses by
    which the hosts are reached, IPv4 before IPv6, and the name. Members may have other names for the same network.
    """
    if len(hosts) < 2:
        return {}, []
    written = written or None
    unknown = [host for host in hosts if (probes.get(host) or {}).get("interfaces") is None]
    if unknown:
        return _by_address(hosts, unknown, probes, addresses, written, path, refusals), []
    found = {host: _allowed(host, probes[host], _wish(written, host), path, refusals) for host in hosts}
    if not all(found.values()):
        return {}, []
    networks = sorted(shared(found), key=lambda network: network.rank(hosts[0], addresses))
    if networks:
        ports = networks[0].ports
        why = _why(networks, hosts, addresses)
    else:
        ports = _routed(hosts, found, probes, addresses, written, path, refusals)
        why = f"written; no network is shared, so {len(hosts)} members reach one another through routers"
    if not ports:
        return {}, []
    _judge(hosts, ports, probes, path, refusals)
    return {host: ports[host].document() for host in hosts}, [Decision(path, _names(ports), why)]


def _wish(written: Written, host: str) -> str | None:
    return written.get(host) if isinstance(written, t.Mapping) else written


def _allowed(host: str, probe: Probe, wish: str | None, path: str, refusals: Refusals) -> list[Port]:
    """The ports of a member that may be taken; refuses when none is left."""
    ports, why_not = usable(probe, named=wish is not None)
    if wish is None:
        if not ports:
            rule = f"member {host} has no interface that is up and has an address ({_reasons(why_not)})"
            refusals.add("interface-none", path, None, rule, "bring one up and probe again, or take another host")
        return ports
    fits = _matcher(wish)
    taken = [port for port in ports if fits(port)]
    if taken:
        return taken
    named = {name: reason for name, reason in why_not.items() if fits(Port(name, None, None, None, None))}
    offered = sorted({f"{port.name} ({port.address})" for port in usable(probe)[0] or ports}, key=number_key)
    fix = f"write one of {some(offered)}, or a network that they are in" if offered else "bring an interface up"
    if named:
        refusals.add("interface-unusable", path, wish, f"on member {host}: {_reasons(named)}", fix)
    else:
        refusals.add("interface-missing", path, wish, f"member {host} has no such interface or network", fix)
    return []


def _matcher(wish: str) -> t.Callable[[Port], bool]:
    """Tells whether a port has this name, matches this glob, or has its address in this network."""
    try:
        network = ipaddress.ip_network(wish, strict=False)
    except ValueError:
        return lambda port: fnmatch.fnmatchcase(port.name, wish)
    return lambda port: port.ip is not None and port.ip.version == network.version and port.ip.ip in network


def _routed(
    hosts: t.Sequence[str],
    found: dict[str, list[Port]],
    probes: t.Mapping[str, Probe],
    addresses: t.Mapping[str, str],
    written: Written,
    path: str,
    refusals: Refusals,
) -> dict[str, Port]:
    """One port of each member where no network is shared: only when a person said which, and each way is known."""
    if written is None:
        twice = _same_address(found)
        if twice:
            rule = f"{some(twice[1])} have the same address {twice[0]} there, so it is no network between hosts"
            fix = "give each host an address of its own and probe again, or take other hosts"
            refusals.add("interface-no-shared-network", path, None, rule, fix)
            return {}
        seen = sorted({port.network for ports in found.values() for port in ports}, key=number_key)
        refusals.add(
            "interface-no-shared-network",
            path,
            None,
            f"the {len(hosts)} members share no network; they have {some(seen)}",
            "put them on one network, or name the interface (or a network that holds all their addresses) "
            "if routers join them",
        )
        return {}
    ports: dict[str, Port] = {}
    for host in hosts:
        names = sorted({port.name for port in found[host]}, key=number_key)
        if len(names) > 1:
            rule = f"fits {some(names)} of member {host}, and no network is shared by all members"
            refusals.add("interface-ambiguous", path, _wish(written, host), rule, "name one interface or a network")
            return {}
        own = addresses.get(host)
        ports[host] = min(found[host], key=lambda port: (port.address != own, port.order))
    if len({port.ip.version for port in ports.values() if port.ip}) > 1:
        rule = "takes IPv4 of some members and IPv6 of others"
        refusals.add("interface-ambiguous", path, str(written), rule, "name a network of one kind")
        return {}
    alike = groups({host: port.address or "" for host, port in ports.items()})
    for address, having in alike.items():
        if len(having) > 1:
            rule = f"{some(having)} have the same address {address} there, so it is no network between hosts"
            refusals.add("interface-no-shared-network", path, str(written), rule, "name an interface that joins hosts")
            return {}
    for host in hosts:
        routes = (probes.get(host) or {}).get("routes") or {}
        lost = [peer for peer in hosts if peer != host and routes.get(ports[peer].address, "") is None]
        if lost:
            rule = f"member {host} has no route to {ports[lost[0]].address} of {some(lost)}"
            refusals.add("interface-no-route", path, str(written), rule, "add the route, or name another interface")
            return {}
    return ports


def _same_address(found: t.Mapping[str, t.Sequence[Port]]) -> tuple[str, list[str]] | None:
    """An address that several members have in a network that all of them are in, and who has it."""
    networks = [
        {port.network for port in ports if port.ip is not None and port.ip.network.num_addresses > 1}
        for ports in found.values()
    ]
    common = set.intersection(*networks)
    having: dict[str, list[str]] = {}
    for host, ports in found.items():
        for address in dict.fromkeys(port.address or "" for port in ports if port.network in common):
            having.setdefault(address, []).append(host)
    return next(((address, hosts) for address, hosts in having.items() if len(hosts) > 1), None)


def _by_address(
    hosts: t.Sequence[str],
    unknown: t.Sequence[str],
    probes: t.Mapping[str, Probe],
    addresses: t.Mapping[str, str],
    written: Written,
    path: str,
    refusals: Refusals,
) -> dict[str, dict[str, t.Any]]:
    """Interfaces of some member are not known: every member takes the address by which it is reached."""
    result: dict[str, dict[str, t.Any]] = {}
    for host in hosts:
        address = addresses.get(host, host)
        try:
            ipaddress.ip_address(address)
        except ValueError:
            rule = f"the interfaces of member {host} are not known, and {address!r} is no IP address"
            refusals.add("interface-unknown", path, None, rule, f"probe {host}, or write an IP address as ansible_host")
            continue
        ports = usable(probes.get(host), named=True)[0]
        owner = next((port for port in ports if port.address == address), Port("", address, None, None, None))
        result[host] = {**owner.document(), "name": owner.name or None}
    refusals.warn(
        "interface-unknown",
        path,
        f"the interfaces of {some(unknown)} are not known, so all members talk through the addresses by which they "
        "are reached" + (f", and {written!r} counts for nothing" if written is not None else ""),
        "probe all members",
    )
    return result


def _judge(
    hosts: t.Sequence[str],
    ports: t.Mapping[str, Port],
    probes: t.Mapping[str, Probe],
    path: str,
    refusals: Refusals,
) -> None:
    """Warn of what slows the members down, or sends their traffic elsewhere."""
    mtus = groups({host: port.mtu for host, port in ports.items() if port.mtu})
    if len(mtus) > 1:
        told = "; ".join(f"{mtu} on {some(having)}" for mtu, having in sorted(mtus.items()))
        fix = "give all the same MTU: large packets between them are lost or cut"
        refusals.warn("interface-mtu-differs", path, f"the MTU of the members' interfaces differs: {told}", fix)
    speeds = groups({host: port.speed for host, port in ports.items() if port.speed})
    if len(speeds) > 1:
        told = "; ".join(f"{_speed(speed)} on {some(having)}" for speed, having in sorted(speeds.items()))
        message = f"the members' interfaces differ in speed: {told}; the slowest sets the pace"
        refusals.warn("interface-speed-differs", path, message, "check cables and ports, or choose other members")
    for host in hosts:
        names = {item.get("name"): item.get("rdma") for item in (probes.get(host) or {}).get("interfaces") or []}
        device = names.get(ports[host].name)
        state = inactive_devices(probes.get(host)).get(device or "")
        if state:
            message = f"RDMA device {device} behind {ports[host].name} of member {host} is {state}, so it is not used"
            refusals.warn("rdma-inactive", path, message, "bring its link up (ibstat shows why it is not), probe again")
    slow = [host for host, port in ports.items() if port.speed and port.speed <= _SLOW_MBITS]
    if slow:
        message = f"{_speed(min(ports[host].speed or 0 for host in slow))} between GPUs of several hosts ({some(slow)})"
        fix = "use a faster network; if one is there, bring it up on all members or name it here"
        refusals.warn("interface-slow", path, message, fix)
    owner = {ports[host].address: host for host in hosts}
    for host in hosts:
        routes = (probes.get(host) or {}).get("routes") or {}
        for address, route in routes.items():
            peer = owner.get(address)
            through = route.get("interface") if route else None
            if peer is not None and peer != host and through and through != ports[host].name:
                message = f"member {host} reaches {address} of {peer} by {through}, not by {ports[host].name}"
                fix = "correct the routes (two interfaces in one network?), or choose the interface they take"
                refusals.warn("interface-route-elsewhere", path, message, fix)
                break


def _names(ports: t.Mapping[str, Port]) -> str | dict[str, str]:
    names = {port.name for port in ports.values()}
    return names.pop() if len(names) == 1 else {host: port.name for host, port in ports.items()}


def _why(networks: t.Sequence[Network], hosts: t.Sequence[str], addresses: t.Mapping[str, str]) -> str:
    best = networks[0]
    parts = [_told(best, hosts[0]), f"network {best.name} shared by {len(hosts)} members"]
    next_best = next((other for other in networks[1:] if other.ports[hosts[0]].name != best.ports[hosts[0]].name), None)
    text = ", ".join(parts)
    if next_best is not None:
        text += f"; next best {_told(next_best, hosts[0])}"
    if not best.holds(addresses):
        text += "; Ansible reaches the hosts by other addresses"
    return text


def _told(network: Network, head: str) -> str:
    port = network.ports[head]
    words = [f"{port.name}:", _speed(network.speed) if network.speed else "speed unknown"]
    return " ".join(words) + (f", RDMA {port.rdma}" if network.rdma else "")


def _speed(mbits: int) -> str:
    return f"{mbits / 1000:g} Gb/s" if mbits >= 1000 else f"{mbits} Mb/s"


def _reasons(why_not: t.Mapping[str, str]) -> str:
    return some([f"{name} {reason}" for name, reason in sorted(why_not.items())]) if why_not else "it has none at all"
