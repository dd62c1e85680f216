# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts made up for tests, and their interfaces as each tool prints them."""

from __future__ import annotations

import dataclasses
import ipaddress
import json
import typing as t

from hypothesis import strategies as st


@dataclasses.dataclass
class Nic:
    """The truth of an interface. lower: what a VLAN stands on."""

    name: str
    mac: str
    mtu: int
    flags: tuple[str, ...]
    addresses: list[str]
    infiniband: bool = False
    lower: str | None = None

    @property
    def state(self) -> str:
        return "UP" if "LOWER_UP" in self.flags else "DOWN"


_FLAGS = st.sampled_from([("BROADCAST", "MULTICAST", "UP", "LOWER_UP"), ("NO-CARRIER", "BROADCAST", "MULTICAST", "UP")])
_FLAGS |= st.just(("BROADCAST", "MULTICAST"))
_V4 = st.builds(lambda host, bits: f"10.{host >> 8}.{host & 255}.7/{bits}", st.integers(0, 65535), st.integers(8, 32))
_V6 = st.builds(
    lambda host, bits: str(ipaddress.ip_interface(f"fd00::{host:x}/{bits}")), st.integers(1, 65535), st.integers(8, 128)
)


@st.composite
def hosts(draw: st.DrawFn) -> list[Nic]:
    names = draw(
        st.lists(st.sampled_from(["eth0", "eno1", "enp65s0f1np1", "ib0", "ibp12s0", "bond0"]), min_size=1, unique=True)
    )
    result = []
    for name in names:
        infiniband = name.startswith("ib")
        octets = draw(st.lists(st.integers(0, 255), min_size=20 if infiniband else 6, max_size=20 if infiniband else 6))
        mac = ":".join(f"{octet:02x}" for octet in octets)
        addresses = draw(st.lists(_V4, max_size=2, unique=True)) + draw(st.lists(_V6, max_size=2, unique=True))
        result.append(Nic(name, mac, draw(st.integers(68, 65520)), draw(_FLAGS), addresses, infiniband))
    if draw(st.booleans()) and not result[0].infiniband:
        base = result[0]
        vlan = f"{base.name}.{draw(st.integers(1, 4094))}"
        result.append(dataclasses.replace(base, name=vlan, addresses=draw(st.lists(_V4, max_size=1)), lower=base.name))
    return result


def _ip(nic: Nic, details: bool) -> tuple[str, list[str]]:
    name = nic.name + (f"@{nic.lower}" if nic.lower else "")
    kind = "infiniband" if nic.infiniband else "ether"
    first = f"{name}: <{','.join(nic.flags)}> mtu {nic.mtu} qdisc mq state {nic.state} group default qlen 1000"
    lines = [f"    link/{kind} {nic.mac} brd {'ff:' * (nic.mac.count(':'))}ff"]
    if details:
        lines[0] += " promiscuity 0 minmtu 68 maxmtu 9978 "
        if nic.lower:
            lines.append("    vlan protocol 802.1Q id 5 <REORDER_HDR> addrgenmode eui64 ")
        elif nic.name.startswith("bond"):
            lines.append("    bond mode 802.3ad miimon 100 updelay 0 downdelay 0 ")
    return first, lines


def _inet(address: str) -> str:
    return f"{'inet6' if ':' in address else 'inet'} {address} scope global dynamic "


def ip_text(nics: t.Sequence[Nic], details: bool = False) -> str:
    text = ""
    for index, nic in enumerate(nics, 2):
        first, lines = _ip(nic, details)
        lines += [f"    {_inet(a)}\n       valid_lft forever preferred_lft forever" for a in nic.addresses]
        text += f"{index}: {first}\n" + "".join(line + "\n" for line in lines)
    return text


def ip_one_line(nics: t.Sequence[Nic]) -> str:
    """``ip -o link; ip -o addr``."""
    links = "".join(
        f"{i}: {first}\\" + "\\".join(lines) + "\n" for i, (first, lines) in enumerate((_ip(n, False) for n in nics), 2)
    )
    return links + "".join(
        f"{index}: {nic.name}    {_inet(address)}\\       valid_lft forever preferred_lft forever\n"
        for index, nic in enumerate(nics, 2)
        for address in nic.addresses
    )


def ip_brief(nics: t.Sequence[Nic]) -> str:
    """``ip -br addr``."""
    names = [nic.name + (f"@{nic.lower}" if nic.lower else "") for nic in nics]
    return "".join(
        f"{name:16} {nic.state:14} {''.join(a + ' ' for a in nic.addresses)}\n" for name, nic in zip(names, nics)
    )


def ip_json(nics: t.Sequence[Nic], pretty: bool = False, sort_keys: bool = False) -> str:
    items: list[dict[str, t.Any]] = [{}]  # what a filter left out
    for index, nic in enumerate(nics, 2):
        item: dict[str, t.Any] = {"ifindex": index, "ifname": nic.name, "flags": list(nic.flags), "mtu": nic.mtu}
        if nic.lower:
            item["link"] = nic.lower
        item.update(operstate=nic.state, link_type="infiniband" if nic.infiniband else "ether", address=nic.mac)
        item["addr_info"] = [
            {"family": "inet6" if ":" in a else "inet", "local": a.split("/")[0], "prefixlen": int(a.split("/")[1])}
            for a in nic.addresses
        ]
        items.append(item)
    return json.dumps(items, indent=4 if pretty else None, sort_keys=sort_keys)


def _masked(address: str) -> tuple[str, str]:
    found = ipaddress.ip_interface(address)
    return str(found.ip), str(found.netmask)


def ifconfig_new(nics: t.Sequence[Nic]) -> str:
    text = ""
    for nic in nics:
        v4, v6 = ([a for a in nic.addresses if (":" in a) == six] for six in (False, True))
        kind = "infiniband" if nic.infiniband else "ether"
        head = f": flags=4163<{_old_flags(nic, ',')}>  mtu {nic.mtu}\n"
        tail = f"        {kind} {nic.mac}  txqueuelen 1000  ({kind.title()})\n"
        masked = ["        inet {}  netmask {}  broadcast 0.0.0.0\n".format(*_masked(address)) for address in v4]
        text += nic.name + head + "".join(masked[:1])
        text += "".join("        inet6 {}  prefixlen {}  scopeid 0x0<global>\n".format(*a.split("/")) for a in v6)
        text += tail + "        RX packets 0  bytes 0 (0.0 B)\n\n"
        # A second address has an alias of its own.
        text += "".join(f"{nic.name}:1{head}{line}{tail}\n" for line in masked[1:])
    return text


def ifconfig_old(nics: t.Sequence[Nic]) -> str:
    text = ""
    for nic in nics:
        encap = "InfiniBand" if nic.infiniband else "Ethernet"
        head = f"Link encap:{encap}  HWaddr {nic.mac.upper()}  \n"
        tail = f"          {_old_flags(nic, ' ')} MTU:{nic.mtu}  Metric:1\n\n"
        v4, v6 = ([a for a in nic.addresses if (":" in a) == six] for six in (False, True))
        masked = ["          inet addr:{}  Bcast:0.0.0.0  Mask:{}\n".format(*_masked(a)) for a in v4]
        text += f"{nic.name:9} {head}" + "".join(masked[:1])
        text += "".join(f"          inet6 addr: {a} Scope:Global\n" for a in v6) + tail
        text += "".join(f"{nic.name + ':1':9} {head}{line}{tail}" for line in masked[1:])
    return text


def _old_flags(nic: Nic, joint: str) -> str:
    flags = [flag for flag in ("UP", "BROADCAST") if flag in nic.flags]
    return joint.join([*flags, *(["RUNNING"] if "LOWER_UP" in nic.flags else []), "MULTICAST"])
