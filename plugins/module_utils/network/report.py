# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that outputs of network tools tell of a host's interfaces, as one document of plain values."""

from __future__ import annotations

import dataclasses
import typing as t

from . import kinds
from .ifconfig import read_ifconfig
from .ip_json import read_ip_json
from .ip_text import read_ip_text
from .model import Found, Interface, RdmaPort
from .rdma import read_rdma

_READERS = (read_ip_json, read_ip_text, read_ifconfig, read_rdma)


def read_network(text: str) -> dict[str, t.Any]:
    """The document of one host from outputs of ip, ifconfig and the RDMA tools, one or several. Never raises.

    Keys: interfaces, rdma_devices (lists, as in the probe document), routes (by destination), warnings (what cannot be
    trusted). What the text does not tell is null.
    """
    found = collect(text)
    guessed = [item.name for item in found.interfaces if item.type is None and kinds.type_by_name(item.name)]
    for item in found.interfaces:
        item.kind = item.kind or kinds.by_name(item.name)
        item.type = item.type or kinds.type_by_name(item.name)
    if guessed:
        found.warn(f"the type of {', '.join(guessed[:8])}{', …' * (len(guessed) > 8)} is taken from the name")
    if text.strip() and not found.understood:
        found.warn("the text holds no output of ip, ifconfig, ibdev2netdev or ibv_devinfo that is understood")
    return {
        "interfaces": [item.as_dict() for item in found.interfaces],
        "rdma_devices": [item.as_dict() for item in found.ports],
        "routes": {name: route.as_dict() for name, route in found.routes.items()},
        "warnings": found.warnings,
    }


def collect(text: str) -> Found:
    """What the readers of all formats find in the text, joined by the names of interfaces and devices."""
    found = Found()
    for reader in _READERS:
        part = reader(text)
        found.understood = found.understood or part.understood
        for warning in part.warnings:
            found.warn(warning)
        for interface in part.interfaces:
            _join(found, found.interfaces, interface)
        for port in part.ports:
            _join(found, found.ports, port)
        found.routes.update(part.routes)
    attach_rdma(found.interfaces, found.ports)
    return found


_Item = t.TypeVar("_Item", Interface, RdmaPort)


def _join(found: Found, known: list[_Item], new: _Item) -> None:
    """Adds an item, or what it tells to the one of the same title."""
    same = next((item for item in known if item.title == new.title), None)
    if same is None:
        known.append(new)
        return
    for field in dataclasses.fields(new):
        old, value = getattr(same, field.name), getattr(new, field.name)
        if old is None:
            setattr(same, field.name, value)
        elif value not in (None, old) and field.name not in ("rdma", "interface"):
            found.warn(f"{new.title}: its {field.name} is {old} and {value}; taken as {old}")


def attach_rdma(interfaces: t.Sequence[Interface], ports: t.Sequence[RdmaPort]) -> None:
    """Gives each interface its RDMA device: its own, that of what it stands on, or that of a bond's first member."""
    known = {item.name: item for item in interfaces}
    for port in ports:
        item = known.get(port.interface or "")
        if item is not None and item.rdma is None:
            item.rdma = port.name
    for item in interfaces:
        if item.rdma is None and item.kind in (kinds.BOND, kinds.TEAM):
            members = [other.rdma for other in interfaces if other.master == item.name and other.rdma]
            item.rdma = members[0] if members else None
    for item in interfaces:
        if item.rdma is None and item.lower in known:
            item.rdma = known[item.lower].rdma
