# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What NCCL's debug output (NCCL_DEBUG=INFO, 2.18 to 2.30) tells of the way that data takes."""

from __future__ import annotations

import dataclasses
import re
import typing as t

_LINE = re.compile(r"NCCL (INFO|WARN) (.*)")
_VERSION = re.compile(r"NCCL version ([0-9]+\.[0-9]+\.[0-9]+)")
_NETWORK = re.compile(r"(?:Using network|(?:Initialized|Assigned) NET plugin) (\S+)")
_SOCKETS = re.compile(r"NET/Socket ?: Using (.*)")
_SOCKET = re.compile(r"\[[0-9]+\]([^\s:]+):(\[?[0-9A-Fa-f:.]*[0-9A-Fa-f]\]?)(?:%\w+)?<[0-9]+>")
_DEVICES = re.compile(r"NET/IB ?: Using (.*)")
_DEVICE = re.compile(r"\[[0-9]+\]([^\s:]+):([0-9]+)/(IB|RoCE|Ethernet|InfiniBand)", re.IGNORECASE)
_BOOTSTRAP = re.compile(r"Bootstrap ?: Using (?:\[[0-9]+\])?([^\s:]+):(\S+?)(?:%\w+)?<[0-9]+>")
_CHANNEL = re.compile(
    r"Channel [0-9]+(?:/[0-9]+)? ?: ([0-9]+)\[[0-9a-f]+\] -> ([0-9]+)\[[0-9a-f]+\]"
    r"(?: \[(send|receive)\])? via (NET/[^/\n]+|[A-Z0-9]+)(/\S+)?"
)
_SET = re.compile(r"(NCCL_[A-Z0-9_]+) (?:set by environment to|set to) (\S+?)\.?$")
#: Why InfiniBand or RoCE is not used, in NCCL's words and in ours.
_REASONS = (
    (re.compile(r"NET/IB ?: No device found"), "NCCL finds no usable InfiniBand or RoCE device"),
    (re.compile(r"(?:Failed to open|could not load) libibverbs\.so", re.IGNORECASE), "libibverbs is not installed"),
    (re.compile(r"NET/IB ?: .*(?:No .*GID|GID.*(?:invalid|not found))", re.IGNORECASE), "no GID of the port fits"),
    (re.compile(r"Failed to initialize NET plugin IB"), "NCCL's InfiniBand part does not start"),
)
_OFF = re.compile(r"NCCL_IB_DISABLE set by environment to [1-9]")
_NAMED = re.compile(r"NCCL_NET set by environment to Socket", re.IGNORECASE)


@dataclasses.dataclass
class Transport:
    """What one or more ranks told. Lists hold each value once, in the order of the text.

    version: of NCCL. networks: what NCCL says it uses between hosts (``Socket``, ``IB`` …). interfaces: ``[name,
    address]`` of NET/Socket. devices: ``mlx5_0:1`` of NET/IB, with links (``IB``, ``RoCE``). bootstrap: ``[name,
    address]`` of the first contact. channels: how many by way, as ``NET/IB``, ``NET/IB/GDRDMA``, ``NET/Socket``,
    ``P2P``, ``SHM``. settings: NCCL_* variables that it reports. reasons: why RDMA is not used.
    warnings: its WARN lines.
    """

    version: str | None = None
    networks: list[str] = dataclasses.field(default_factory=list)
    interfaces: list[list[str]] = dataclasses.field(default_factory=list)
    devices: list[str] = dataclasses.field(default_factory=list)
    links: list[str] = dataclasses.field(default_factory=list)
    bootstrap: list[list[str]] = dataclasses.field(default_factory=list)
    channels: dict[str, int] = dataclasses.field(default_factory=dict)
    settings: dict[str, str] = dataclasses.field(default_factory=dict)
    reasons: list[str] = dataclasses.field(default_factory=list)
    warnings: list[str] = dataclasses.field(default_factory=list)

    def as_dict(self) -> dict[str, t.Any]:
        return dataclasses.asdict(self)


_WARNINGS = 20


def read_debug(text: str) -> Transport:
    """The transport in NCCL's output; lines of anything else are passed over. Interleaved ranks are understood."""
    found = Transport()
    for line in text.splitlines():
        version = _VERSION.search(line)
        if version:
            found.version = found.version or version[1]
        match = _LINE.search(line)
        if match is None:
            continue
        if match[1] == "WARN" and match[2] not in found.warnings and len(found.warnings) < _WARNINGS:
            found.warnings.append(match[2][:300])
        _read(match[2].strip(), found)
    return found


def _read(words: str, found: Transport) -> None:
    channel = _CHANNEL.search(words)
    if channel:
        way = channel[4] + ("/GDRDMA" if "/GDRDMA" in (channel[5] or "") else "")
        found.channels[way] = found.channels.get(way, 0) + 1
        return
    network = _NETWORK.search(words)
    if network:
        _add(found.networks, network[1])
    sockets = _SOCKETS.search(words)
    if sockets:
        for name, address in _SOCKET.findall(sockets[1]):
            _add(found.interfaces, [name, address.strip("[]")])
    devices = _DEVICES.search(words)
    if devices:
        for name, port, link in _DEVICE.findall(devices[1].partition("; OOB")[0]):
            _add(found.devices, f"{name}:{port}")
            _add(found.links, link)
    bootstrap = _BOOTSTRAP.search(words)
    if bootstrap:
        _add(found.bootstrap, [bootstrap[1], bootstrap[2].strip("[]")])
    setting = _SET.search(words)
    if setting:
        found.settings.setdefault(setting[1], setting[2])
    for pattern, reason in (*_REASONS, (_OFF, "NCCL_IB_DISABLE switches it off"), (_NAMED, "NCCL_NET=Socket")):
        if pattern.search(words):
            _add(found.reasons, reason)


def _add(items: list[t.Any], item: t.Any) -> None:
    if item not in items:
        items.append(item)


def is_tcp(transport: t.Mapping[str, t.Any]) -> bool | None:
    """Whether data between hosts went by TCP; None where nothing tells. transport: Transport.as_dict().

    Channels count before what NCCL says it would use: a plugin may be loaded and fall back.
    """
    ways = [way for way in transport["channels"] if way.startswith("NET/")]
    if ways:
        return any(way.startswith("NET/Socket") for way in ways)
    return "Socket" in transport["networks"] if transport["networks"] else None


def on_purpose(transport: t.Mapping[str, t.Any], environment: t.Mapping[str, str]) -> str | None:
    """The variable by which a person switched RDMA off, as ``NAME=value``; None where nobody did."""
    settings = {**transport["settings"], **environment}
    if settings.get("NCCL_IB_DISABLE", "0") not in ("0", ""):
        return f"NCCL_IB_DISABLE={settings['NCCL_IB_DISABLE']}"
    if settings.get("NCCL_NET", "").lower() == "socket":
        return f"NCCL_NET={settings['NCCL_NET']}"
    return None
