# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text of iproute2: ``ip addr``, ``ip link``, with and without ``-d``, ``-o`` and ``-br``, and ``ip route get``."""

from __future__ import annotations

import re

from . import kinds
from .model import Found, Interface, Route, address_of, carrier_of, mac_of, state_of, type_of
from .text import START, plain

_NAME = r"(?P<name>[^\s:@<>\\\"]+)(?:@(?P<lower>[^\s:@<>]+))?"
_FIRST = re.compile(rf"{START}[0-9]+:\s+{_NAME}:\s+<(?P<flags>[A-Z0-9_,-]*)>(?P<rest>.*)")
_FIRST_CUT = re.compile(rf"{START}[0-9]+:\s+{_NAME}:(?:\s+<[A-Z0-9_,-]*)?\s*$")
_FIRST_LOST = re.compile(rf"{START}[0-9]+:(?:\s+\S*)?$")
#: ``ip -o``: the name stands before each line of details.
_ONE_LINE = re.compile(rf"{START}[0-9]+:\s+{_NAME}\s+(?=inet6?\s|link/)")
_LINK = re.compile(rf"{START}link/(?P<type>[\w.-]+)(?:\s+(?P<mac>\S+)(?P<rest>.*))?")
_INFINIBAND = len("00:" * 20) - 1
_VIRTUAL_FUNCTION = re.compile(r"(?:^|\s)vf [0-9]+\b")
#: ifconfig's lines begin like ip's.
_INET = re.compile(rf"{START}inet6?\s+(?!addr:|\S+\s+(?:netmask|prefixlen|-->))(?P<address>[^\s/]+)(?P<rest>.*)")
_PREFIX = re.compile(r"(?:\s+peer\s+[^\s/]+)?/(?P<prefix>[0-9]+)(?P<rest>\s.*)")
#: A line of ``-d`` begins with the interface's kind, or with what it is within its master.
_DETAIL = re.compile(
    rf"{START}(bond|bridge|vlan|vxlan|veth|macvlan|macvtap|ipvlan|ipvtap|tun|dummy|ifb|ipoib|team|wireguard|gre|gretap|"
    r"ip6gre|ip6gretap|erspan|vrf|geneve|sit|ipip|ip6tnl|openvswitch|netkit|xfrm|vti|vti6|bareudp|nlmon|macsec|hsr|vcan)"
    r"(?=\s|$)"
)
_NAMES = re.compile(rf"{START}(?:alias|altname)\s")
_BRIEF = re.compile(
    rf"{START}{_NAME}\s+(?P<state>UP|DOWN|UNKNOWN|DORMANT|LOWERLAYERDOWN|NOTPRESENT|TESTING)(?P<rest>\s.*)?$"
)
_BRIEF_WORD = re.compile(r"[0-9a-fA-F.:]+(?:/[0-9]+)?|<.*|peer|metric|[0-9]+")
_ROUTE = re.compile(
    rf"{START}(?:local |broadcast |multicast |anycast )?(?P<to>[0-9A-Fa-f.:]+) (?:from \S+ )?(?:via \S+ )?"
    r"dev (?P<dev>\S+) (?:.*?\bsrc (?P<source>[0-9A-Fa-f.:]+)\s)?"
)
_TROUBLE = re.compile(
    r"Device \"[^\"]{1,20}\" does not exist|Cannot open netlink socket.*|RTNETLINK answers: .*|Cannot find device .*|"
    r"\bip: (?:command )?not found"
)


def read_ip_text(text: str) -> Found:
    """Interfaces and routes of any of the formats, also several of them. Never raises."""
    reader = _Reader()
    # -o puts a backslash where the line would have ended.
    lines = re.sub(r"\\[ \t]+", "\n", plain(text)).split("\n")
    for number, line in enumerate(lines, 1):
        reader.line(line, number == len(lines))
    reader.end()
    return reader.found


class _Reader:
    """Goes through the lines; current is the interface that details belong to."""

    def __init__(self) -> None:
        self.found = Found()
        self.current: Interface | None = None
        self.known: dict[str, Interface] = {}
        self.flags: dict[str, list[str]] = {}
        self.detailed: set[str] = set()
        self.lists_addresses = False

    def line(self, line: str, last: bool) -> None:
        first, cut, one = _FIRST.search(line), _FIRST_CUT.search(line), _ONE_LINE.search(line)
        if first is not None:
            self._first(first)
        elif cut is not None and (self.known or "<" in line):
            self.current = self._open(cut["name"], cut["lower"])
            self.found.warn(f"{self.current.name}: its first line is cut")
        elif one is not None:
            self.current = self._open(one["name"], one["lower"])
            self._details(line[one.end() :])
        elif self.known and _FIRST_LOST.search(line):
            self.current = None
            self.found.warn(f"an interface's first line is cut: {line.strip()[:60]}")
        elif not self._brief(line, last) and not self._route(line):
            self._details(line)

    def _open(self, name: str, lower: str | None) -> Interface:
        self.found.understood = True
        if name not in self.known:
            self.known[name] = Interface(name)
            self.found.interfaces.append(self.known[name])
        item = self.known[name]
        if lower is not None and not re.fullmatch(r"if[0-9]+|NONE", lower):
            item.lower = lower
        if lower is not None:
            item.kind = kinds.by_signs(name, self.flags.get(name, []), lower)
        return item

    def _first(self, match: re.Match[str]) -> None:
        flags = match["flags"].split(",")
        self.flags[match["name"]] = flags
        self.known.pop(match["name"], None)  # told again: the two are compared where outputs are joined
        self.current = item = self._open(match["name"], match["lower"])
        rest = match["rest"]
        state = re.search(r"\sstate ([A-Z]+)(?=\s|$)", rest)
        mtu, master = re.search(r"\smtu ([0-9]{1,9})(?=\s)", rest), re.search(r"\smaster (\S+)(?=\s)", rest)
        item.mtu = int(mtu[1]) if mtu else item.mtu
        item.master = master[1] if master else item.master
        item.state = state_of(state[1]) if state else item.state
        item.carrier = carrier_of(flags)
        item.kind = kinds.by_signs(item.name, flags, match["lower"])
        if state is None or mtu is None or item.state is None:
            self.found.warn(f"{item.name}: its first line is cut")

    def _details(self, line: str) -> None:
        link, inet = _LINK.search(line), _INET.search(line)
        if link is not None and not _VIRTUAL_FUNCTION.search(line):
            self._link(link)
        elif inet is not None:
            self._inet(inet)
        elif self.current is not None and self.current.name in self.detailed:
            detail = None if _NAMES.search(line) else _DETAIL.search(line)
            if detail is not None:
                self.current.kind = kinds.by_info(detail[1], self.flags.get(self.current.name, []), None)
                self.detailed.discard(self.current.name)
        else:
            trouble = _TROUBLE.search(line)
            if trouble is not None:
                self.found.understood = True
                self.found.warn(trouble[0][:200])

    def _link(self, match: re.Match[str]) -> None:
        item = self.current
        if item is None:
            self._orphan(match[0])
            return
        item.type = type_of(match["type"])
        item.mac = mac_of(match["mac"])
        if item.type == "infiniband" and item.mac is not None and len(item.mac) < _INFINIBAND:
            item.mac = None  # its first octets alone would pass for an Ethernet address
        if item.mac is None and item.type != "other":
            self.found.warn(f"{item.name}: its hardware address is cut")
        if match["type"] == "loopback":
            item.kind = kinds.LOOPBACK
        elif re.search(r"\spromiscuity [0-9]", match["rest"] or ""):  # -d: a kind follows, or it is hardware
            item.kind = kinds.PHYSICAL
            self.detailed.add(item.name)

    def _inet(self, match: re.Match[str]) -> None:
        item = self.current
        if item is None:
            self._orphan(match[0])
            return
        self.lists_addresses = True
        prefix = _PREFIX.match(match["rest"])
        address = address_of(match["address"], prefix["prefix"]) if prefix else None
        item.addresses = item.addresses or []
        if address is None:
            self.found.warn(f"{item.name}: an address is cut: {match[0].strip()[:60]}")
        elif prefix and "dadfailed" in prefix["rest"]:
            self.found.warn(f"{item.name}: {address} is used by another machine too (dadfailed), so it is left out")
        elif address not in item.addresses:
            item.addresses.append(address)

    def _orphan(self, text: str) -> None:
        self.found.warn(f"lines without an interface: {text.strip()[:60]}")

    def _brief(self, line: str, last: bool) -> bool:
        match = _BRIEF.search(line)
        if match is None:
            return False
        words = (match["rest"] or "").split()
        flags = [word[1:-1].split(",") for word in words if re.fullmatch(r"<[A-Z0-9_,-]*>", word)]
        macs = [mac for mac in map(mac_of, words) if mac]
        addresses = [address_of(*word.split("/")) for word in words if word.count("/") == 1]
        padded = match["lower"] or "  " in match[0].strip("\r\n")  # the name to 16 signs, the state to 14
        odd = [word for word in words[:-1] if not _BRIEF_WORD.fullmatch(word)]
        if odd or (not any((flags, macs, any(addresses))) and (words or not padded)):
            return False
        item = self._open(match["name"], match["lower"])
        item.state = state_of(match["state"])
        item.kind = kinds.by_signs(item.name, flags[0] if flags else [], match["lower"])
        if flags:
            item.mac, item.carrier = macs[0] if macs else None, carrier_of(flags[0])
        elif macs:
            item.mac = macs[0]
            self.found.warn(f"{item.name}: its line is cut")
        else:
            # At the very end of the text an address may have lost its last digit.
            self._brief_addresses(item, words[:-1] if last and words and not line[-1].isspace() else words)
            if last and words and not line[-1].isspace():
                self.found.warn(f"{item.name}: an address is cut: {words[-1][:60]}")
        return True

    def _brief_addresses(self, item: Interface, words: list[str]) -> None:
        self.lists_addresses = True
        item.addresses = item.addresses or []
        while words:
            word = words.pop(0)
            if word in ("peer", "metric"):
                del words[:1]
                continue
            if words[:1] == ["peer"] and len(words) > 1 and "/" not in word:
                word += "/" + words[1].rpartition("/")[2]
            address = address_of(*word.split("/")) if word.count("/") == 1 else None
            if address is None:
                self.found.warn(f"{item.name}: an address is cut: {word[:60]}")
            else:
                item.addresses.append(address)

    def _route(self, line: str) -> bool:
        match = _ROUTE.search(line)
        if match is None or address_of(match["to"], 0) is None:
            return False
        self.found.understood = True
        self.found.routes[match["to"]] = Route(match["dev"], match["source"])
        return True

    def end(self) -> None:
        """The text is over."""
        if self.lists_addresses:
            for item in self.found.interfaces:
                item.addresses = item.addresses or []
