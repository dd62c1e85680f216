# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""RDMA devices as ``ibdev2netdev``, ``ibv_devinfo``, ``ibstat``, ``ibstatus``, ``rdma link`` and sysfs tell of them."""

from __future__ import annotations

import re

from .model import DOWN, UP, Found, Interface, RdmaPort
from .text import START, plain

_STATES = {"nop": "nop", "down": "down", "init": "init", "initializing": "init", "armed": "armed", "active": "active"}
_STATES["activedefer"] = "active_defer"
_PHYSICAL = frozenset(
    ("linkup", "polling", "sleep", "disabled", "linkerrorrecovery", "portconfigurationtraining", "phytest")
)
_LAYERS = {"infiniband": "infiniband", "ethernet": "ethernet"}

_MAPPED = re.compile(rf"{START}(?P<device>[A-Za-z][\w.-]*)\s+port\s+(?P<port>[0-9]{{1,3}})\s*==>(?P<right>.*)")
_MAPPED_LONG = re.compile(
    r"[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-9a-f]\s+(?P<device>[A-Za-z][\w.-]*)\s.*?"
    r"\bport\s+(?P<port>[0-9]{1,3})\s+\((?P<state>[A-Z_ ]+)\)\s*==>(?P<right>.*)"
)
_NETDEV = re.compile(r"\s*(?P<name>[^\s()]+)?\s*\((?P<state>Up|Down)\s*\)")
_LINK = re.compile(rf"{START}link\s+(?P<device>[A-Za-z][\w.-]*)/(?P<port>[0-9]{{1,3}})\s(?P<rest>.*)")
_DEVICE = re.compile(rf"{START}(?:hca_id:\s+(?P<verbs>[\w.-]+)|CA '(?P<umad>[\w.-]+)')\s*$")
_STATUS = re.compile(r"Infiniband device '(?P<device>[\w.-]+)' port (?P<port>[0-9]{1,3}) status:")
_PORT = re.compile(rf"{START}(?:port:\s+([0-9]{{1,3}})|Port ([0-9]{{1,3}}):)\s*$")
_VALUE = re.compile(rf"{START}(?P<key>[A-Za-z][A-Za-z_ ]*):\s+(?P<value>\S.*)$")
_NO_DEVICE = "No IB devices found"
_NOTHING = re.compile(
    rf"{_NO_DEVICE}|Failed to get IB devices list.*|"
    r"(?:ibv_devinfo|ibdev2netdev|ibstat|ibstatus): (?:command )?not found"
)
_WARNING = re.compile(r"libibverbs: Warning:.*")


def port_state(text: str) -> str | None:
    """active, armed, init, down or nop from ``4: ACTIVE``, ``PORT_ACTIVE (4)`` or ``Active``, else None."""
    return _STATES.get(_letters(text, r"PORT_"))


def physical_state(text: str) -> str | None:
    """linkup, polling, disabled and so on from ``5: LinkUp`` or ``LINK_UP (5)``; None for anything else."""
    word = _letters(text).replace("trainning", "training")  # as ibv_devinfo spells it
    return word if word in _PHYSICAL else None


def link_layer(text: str) -> str | None:
    """infiniband or ethernet; None for anything else."""
    return _LAYERS.get(text.strip().lower())


def rate_gbits(text: str) -> float | None:
    """Gigabits a second of ``200 Gb/sec (4X HDR)`` or ``200``."""
    found = re.match(r"\s*([0-9]{1,5}(?:\.[0-9]{1,3})?)(?=\s|$)", text)
    return _whole(float(found[1])) if found else None


def read_rdma(text: str) -> Found:
    """Ports, and the interfaces that belong to them, of any of the formats. Never raises."""
    reader = _Reader()
    for line in plain(text).split("\n"):
        reader.line(line)
    reader.end()
    return reader.found


def _letters(text: str, *prefixes: str) -> str:
    text = re.sub(r"^\s*[0-9]+:|\([0-9]+\)\s*$", "", text).strip()
    for prefix in prefixes:
        text = re.sub(rf"\A{prefix}", "", text)
    return re.sub(r"[ _-]", "", text).lower()


def _whole(value: float) -> float:
    return int(value) if value == int(value) else value


class _Reader:
    """Goes through the lines; device, port, count and values are those of the block that the line stands in."""

    def __init__(self) -> None:
        self.found = Found()
        self.device: str | None = None
        self.port: RdmaPort | None = None
        self.count: int | None = None
        self.read = 0
        self.values: dict[str, str] = {}

    def line(self, line: str) -> None:
        if "==>" in line:
            self._mapped(line)
            return
        link, device, status, port = (pattern.search(line) for pattern in (_LINK, _DEVICE, _STATUS, _PORT))
        if link is not None and "state" in link["rest"]:
            self._link(link)
        elif device is not None:
            self.end()
            self.device, self.found.understood = device["verbs"] or device["umad"], True
        elif status is not None:
            self.end()
            self.device, self.found.understood = status["device"], True
            self.port = RdmaPort(status["device"], int(status["port"]))
        elif port is not None and self.device is not None:
            self._end_port()
            self.port = RdmaPort(self.device, int(port[1] or port[2]))
        else:
            self._other(line)

    def _other(self, line: str) -> None:
        value = _VALUE.search(line)
        if value is not None and self.device is not None:
            key = value["key"].strip().lower().replace(" ", "_")
            if self.port is not None:
                self.values.setdefault(key, value["value"].strip())
            elif key in ("phys_port_cnt", "number_of_ports") and value["value"].strip().isdigit():
                self.count = int(value["value"][:9])
            return
        nothing, warning = _NOTHING.search(line), _WARNING.search(line)
        if nothing is not None or warning is not None:
            self.found.understood = True
            if nothing is None or nothing[0] != _NO_DEVICE:
                self.found.warn(line.strip()[:200])

    def end(self) -> None:
        """The device is over."""
        self._end_port()
        if self.count is not None and self.count != self.read:
            self.found.warn(f"{self.device}: {self.read} of {self.count} ports are told")
        elif self.device is not None and not self.read:
            self.found.warn(f"{self.device}: no port is told")
        self.device, self.count, self.read = None, None, 0

    def _end_port(self) -> None:
        port, values = self.port, self.values
        self.port, self.values = None, {}
        if port is None:
            return
        self.read += 1
        port.state = port_state(values.get("state", ""))
        port.physical_state = physical_state(values.get("phys_state") or values.get("physical_state", ""))
        port.link_layer = link_layer(values.get("link_layer", ""))
        width, speed = values.get("active_width", ""), values.get("active_speed", "")
        lanes, lane = re.match(r"([0-9]{1,2})X\b", width), re.match(r"([0-9]{1,4}\.[0-9]) Gbps\b", speed)
        if port.state == "active":
            port.rate_gbits = rate_gbits(values.get("rate", ""))
            if lanes is not None and lane is not None:
                port.rate_gbits = _whole(int(lanes[1]) * float(lane[1]))
        for name, value in (("state", port.state), ("link layer", port.link_layer)):
            if value is None:
                self.found.warn(f"{port.name} port {port.port}: its {name} is not told")
        self.found.ports.append(port)

    def _mapped(self, line: str) -> None:
        match = _MAPPED_LONG.search(line) or _MAPPED.search(line)
        if match is None:
            return
        self.found.understood = True
        state = match.groupdict().get("state")
        port = RdmaPort(match["device"], int(match["port"]), port_state(state) if state else None)
        netdev = _NETDEV.match(match["right"])
        if netdev is None:
            self.found.warn(f"{port.name} port {port.port}: its interface is cut off")
        elif netdev["name"]:
            port.interface = netdev["name"]
            # The script behind the command prints Up for the operational state up, and Down for every other one.
            up = UP if netdev["state"] == "Up" else DOWN
            self.found.interfaces.append(Interface(port.interface, state=up, rdma=port.name))
        self.found.ports.append(port)

    def _link(self, match: re.Match[str]) -> None:
        """``rdma link``: every value after its name."""
        self.found.understood = True
        words = match["rest"].split()
        values = dict(zip(words, words[1:]))
        port = RdmaPort(match["device"], int(match["port"]), port_state(values.get("state", "")))
        port.physical_state = physical_state(values.get("physical_state", ""))
        if port.state is None or port.physical_state is None:
            self.found.warn(f"{port.name} port {port.port}: its line is cut")
        if "netdev" in values:
            port.interface = values["netdev"]
            self.found.interfaces.append(Interface(values["netdev"], rdma=port.name))
        self.found.ports.append(port)
