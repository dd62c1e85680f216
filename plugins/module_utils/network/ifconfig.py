# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``ifconfig`` of net-tools, in its old (1.60) and its new layout, of busybox and of BSD."""

from __future__ import annotations

import re

from . import kinds
from .model import DOWN, UNKNOWN, UP, Found, Interface, address_of, mac_of
from .text import START, plain

_NAME = r"(?P<name>[^\s:<>\"]+)(?P<alias>:[\w.-]+)?"
_NEW = re.compile(rf"{START}{_NAME}:\s+flags=[0-9a-f]+<(?P<flags>[A-Za-z0-9_,-]*)>(?P<rest>.*)")
_NEW_CUT = re.compile(rf"{START}{_NAME}:\s+flags=[0-9a-f]*(?:<[A-Z0-9_,-]*)?$")
_OLD = re.compile(rf"{START}{_NAME}\s+Link encap:(?P<encap>\w[\w -]*?)(?:\s\s+HWaddr (?P<mac>\S+))?\s*$")
_FLAGS = re.compile(rf"{START}(?P<flags>(?:[A-Z][A-Z0-9-]+ )*)\s*MTU:(?P<mtu>[0-9]{{1,9}})(?=[ \t])")
_INET = re.compile(rf"{START}inet (?P<address>[0-9.]+)(?P<rest>.*)")
_NETMASK = re.compile(r"\snetmask (?P<mask>0x[0-9a-f]{8}\b|[0-9]+\.\S+)")
_INET6 = re.compile(rf"{START}inet6 (?P<address>[0-9A-Fa-f:.]+)(?:%\S+)?\s+prefixlen (?P<prefix>[0-9]+)(?=[ \t])")
_OLD_INET = re.compile(rf"{START}inet addr:\s*(?P<address>[0-9.]+)\s(?:.*\s)?Mask:(?P<mask>[0-9]+\.\S+)")
_OLD_INET6 = re.compile(rf"{START}inet6 addr:\s*(?P<address>[0-9A-Fa-f:.]+)/(?P<prefix>[0-9]+)[ \t]")
_ADDRESS = re.compile(rf"{START}inet6? (?:addr:|(?!\S+/|\S+ peer ))")  # the others are ip's
_HARDWARE = re.compile(rf"{START}(?P<type>ether|infiniband|loop|unspec|tunnel|ppp|sit)\s+(?P<rest>\S.*)")
_TYPES = {"ether": "ethernet", "ethernet": "ethernet", "infiniband": "infiniband"}
_NONE = re.compile(r"ifconfig: (?:command )?not found|error fetching interface information: .*")


def read_ifconfig(text: str) -> Found:
    """The interfaces of either layout. Never raises.

    The hardware addresses of InfiniBand are left out: ifconfig sees no more than their first eight octets.
    """
    reader = _Reader()
    text = plain(text)
    lines = text.split("\n")
    for number, line in enumerate(lines):
        # A number at the very end of the text may have lost its last digits.
        reader.line(line, whole=number < len(lines) - 1)
    if reader.lists_addresses:
        for item in reader.found.interfaces:
            item.addresses = item.addresses or []
    return reader.found


class _Reader:
    """Goes through the lines; current is the interface that details belong to, alias whether only an address of it."""

    def __init__(self) -> None:
        self.found = Found()
        self.current: Interface | None = None
        self.alias = False
        self.known: dict[str, Interface] = {}
        self.lists_addresses = False

    def line(self, line: str, whole: bool) -> None:
        new, old = _NEW.search(line), _OLD.search(line)
        cut = _NEW_CUT.search(line)
        if new is not None:
            item = self._open(new)
            mtu = re.search(r"\smtu ([0-9]{1,9})(?=\s|$)", new["rest"])
            if mtu is None or (not whole and mtu.end() == len(new["rest"])):
                self.found.warn(f"{item.name}: its first line is cut")
                mtu = None
            self._flags(item, new["flags"].split(","), mtu[1] if mtu else None)
        elif old is not None:
            item = self._open(old)
            kind = old["encap"].strip().lower()
            item.type = _TYPES.get(kind, "other" if kind != "unspec" else None)
            item.kind = kinds.LOOPBACK if kind == "local loopback" else kinds.by_name(item.name)
            self._mac(item, old["mac"] if kind == "ethernet" else None, kind == "ethernet")
        elif cut is not None:
            self.found.warn(f"{self._open(cut).name}: its first line is cut")
        elif self.current is not None:
            self._details(line + ("\n" if whole else ""), self.current)
        elif _NONE.search(line):
            self.found.understood = True
            self.found.warn(line.strip()[:200])

    def _open(self, match: re.Match[str]) -> Interface:
        self.found.understood = True
        name = match["name"]
        self.alias = match["alias"] is not None
        if name not in self.known:
            self.known[name] = Interface(name, kind=kinds.by_name(name))
            self.found.interfaces.append(self.known[name])
            base = re.fullmatch(r"(.+)\.[0-9]{1,4}", name)
            if base is not None:
                self.known[name].lower = base[1]
        self.current = self.known[name]
        return self.current

    def _flags(self, item: Interface, flags: list[str], mtu: str | None) -> None:
        if self.alias:
            return  # an alias has flags of its own, and no state
        item.kind = kinds.by_signs(item.name, flags, item.lower)
        running = "RUNNING" in flags and "UP" in flags
        # The kernel leaves the operational state of a loopback unknown, and ifconfig does not show it.
        item.state = UNKNOWN if "LOOPBACK" in flags else UP if running else DOWN
        item.carrier = running if "UP" in flags else None
        item.mtu = int(mtu) if mtu is not None else None

    def _details(self, line: str, item: Interface) -> None:
        flags = _FLAGS.search(line)
        hardware = _HARDWARE.search(line)
        if flags is not None and "Link encap" not in line:
            self._flags(item, flags["flags"].split(), flags["mtu"])
        elif _ADDRESS.search(line):
            self._inet(line, item)
        elif hardware is not None and not self.alias:
            item.type = _TYPES.get(hardware["type"], "other" if hardware["type"] != "unspec" else None)
            if hardware["type"] == "ether":
                word = re.match(r"(\S+)\s", line[hardware.start("rest") :])  # else it may have lost its last digits
                self._mac(item, word[1] if word else None, True)

    def _inet(self, line: str, item: Interface) -> None:
        self.lists_addresses = True
        item.addresses = item.addresses or []
        found = _INET6.search(line) or _OLD_INET6.search(line)
        address = None
        if found is not None:
            address = address_of(found["address"], found["prefix"])
        else:
            old, new = _OLD_INET.search(line), _INET.search(line)
            mask = _NETMASK.search(line)
            if old is not None:
                address = address_of(old["address"], old["mask"])
            elif new is not None and mask is not None:
                address = address_of(new["address"], mask["mask"])
        if address is None:
            self.found.warn(f"{item.name}: an address is cut: {line.strip()[:60]}")
        elif address not in item.addresses:
            item.addresses.append(address)

    def _mac(self, item: Interface, word: str | None, told: bool) -> None:
        item.mac = mac_of(word)
        if told and item.mac is None:
            self.found.warn(f"{item.name}: its hardware address is cut")
