# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network interfaces of a host: what ip says, and what sysfs adds to it."""

from __future__ import annotations

import re

from ..network import kinds
from ..network.model import Found, Interface, RdmaPort, state_of
from ..network.report import attach_rdma, collect
from .commands import Commands
from .files import Files

_CLASS = "/sys/class/net"
_PCI = re.compile(r"[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-9a-f]")
_KINDS = {"bond": kinds.BOND, "bridge": kinds.BRIDGE, "vlan": kinds.VLAN}
#: ARPHRD_ETHER, ARPHRD_INFINIBAND, ARPHRD_LOOPBACK.
_TYPES = {1: "ethernet", 32: "infiniband"}
_LOOPBACK = 772
_UP = 0x1  # IFF_UP
_MOST_MBITS = 10_000_000  # drivers print 2^32-1 for an unknown speed


def read_interfaces(files: Files, commands: Commands, ports: list[RdmaPort]) -> Found:
    """All interfaces of this host. Without ip, ifconfig tells the addresses; without both they are not known."""
    found = Found()
    for name, words in (("ip", ("-j", "-d", "addr")), ("ip", ("-d", "addr")), ("ifconfig", ("-a",))):
        program = commands.find(name)
        if program is None:
            continue
        answer = commands.run(program, *words)
        found = collect(answer.out) if answer.ok else Found()
        if found.interfaces or answer.stopped:
            break
    known = {item.name for item in found.interfaces}
    others = [name for name in files.names(_CLASS) if files.exists(f"{_CLASS}/{name}/ifindex")]
    found.interfaces += [Interface(name) for name in others if name not in known]
    for item in found.interfaces:
        complete(item, files)
    attach_rdma(found.interfaces, ports)
    rates = {port.interface: port.rate_gbits for port in ports if port.rate_gbits}
    for item in found.interfaces:
        if item.speed_mbits is None and item.type == "infiniband" and item.name in rates:
            item.speed_mbits = int(rates[item.name] * 1000)
    return found


def complete(item: Interface, files: Files) -> None:
    """Adds what sysfs tells. Hardware is what has a device behind it."""
    folder = f"{_CLASS}/{item.name}"
    if not files.exists(folder):
        return
    link = files.number(f"{folder}/type")
    item.type = item.type or (_TYPES.get(link, "other") if link is not None else None)
    item.mac = item.mac or files.word(f"{folder}/address")
    item.mtu = item.mtu or files.number(f"{folder}/mtu")
    item.state = item.state or state_of((files.word(f"{folder}/operstate") or "").upper())
    if item.carrier is None and (_flags(files, folder) & _UP):
        carrier = files.number(f"{folder}/carrier")
        item.carrier = None if carrier is None else bool(carrier)
    speed = files.number(f"{folder}/speed")
    item.speed_mbits = speed if speed is not None and 0 < speed < _MOST_MBITS else None
    device = files.target(f"{folder}/device")
    found = _PCI.findall(device) if device else []
    if found:
        item.pci = found[-1]
        item.numa = files.number(f"/sys/bus/pci/devices/{item.pci}/numa_node")
    driver = files.target(f"{folder}/device/driver")
    item.driver = driver.rpartition("/")[2] if driver else None
    master = files.target(f"{folder}/master")
    item.master = item.master or (master.rpartition("/")[2] if master else None)
    if item.kind in (None, kinds.PHYSICAL, kinds.VIRTUAL):
        item.kind = _kind(item, files, folder, link, device)


def _kind(item: Interface, files: Files, folder: str, link: int | None, device: str | None) -> str:
    devtype = re.search(r"^DEVTYPE=(\w+)", files.text(f"{folder}/uevent"), re.MULTILINE)
    if link == _LOOPBACK:
        return kinds.LOOPBACK
    if devtype is not None and devtype[1] in _KINDS:
        return _KINDS[devtype[1]]
    if device is not None:
        return kinds.PHYSICAL
    return kinds.TEAM if kinds.by_name(item.name) == kinds.TEAM else kinds.VIRTUAL


def _flags(files: Files, folder: str) -> int:
    word = files.text(f"{folder}/flags").strip()
    return int(word, 16) if re.fullmatch(r"0x[0-9a-fA-F]{1,8}", word) else 0
