# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON of iproute2: ``ip -j addr``, ``ip -j link``, with and without ``-d``, ``ip -j route get``, ``rdma -j link``."""

from __future__ import annotations

import json
import re
import typing as t

from ..topology.text import BLANKS
from . import kinds
from .model import Found, Interface, RdmaPort, Route, address_of, carrier_of, mac_of, state_of, type_of
from .rdma import physical_state, port_state
from .text import unescaped

_OBJECT = re.compile(r'\{\s*"\w+"\s*:')
_KEYS = re.compile(r'"(?:ifname|dst)\\*"')
_PCI = re.compile(r"[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-9a-f]\Z")
_NO_WAY = ("unreachable", "blackhole", "prohibit", "throw")
_MOST_FAILURES = 200  # of places that look like the start of an object; more is no output of ip


def read_ip_json(text: str) -> Found:
    """Interfaces, routes and RDMA ports of all JSON in the text. Never raises.

    Of a damaged document the objects that are whole are read, and a warning says that some are not.
    """
    text = unescaped(text)
    found = Found(understood=text.strip() == "[]")
    if not _KEYS.search(text):
        return found
    best: Found | None = None
    for form in _forms(text):
        again = Found()
        whole = _read(form, again)
        size = len(again.interfaces) + len(again.ports) + len(again.routes)
        if whole and size:
            return again
        if best is None or size > len(best.interfaces) + len(best.ports) + len(best.routes):
            best = again
    best = best or found
    best.understood = True
    best.warn("the JSON is cut or damaged; what is not whole in it is left out")
    return best


def _forms(text: str) -> t.Iterator[str]:
    """The text, and what it may have been before it was pasted."""
    yield text
    plain = BLANKS.sub(" ", re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text))
    if plain != text:  # it had colors, or other blanks than JSON's
        yield plain
    if '\\"' in text:  # cut out of a JSON string
        yield text.replace('\\"', '"').replace("\\n", "\n")
    first = next((line for line in text.split("\n") if re.search(r"[\[{]", line)), "")
    width = len(re.split(r"\[ *(?=[{\s]|$)|\{", first)[0])
    if width:  # of a log's prefix, which stands before every line
        yield "\n".join(line[width:] for line in text.split("\n"))


def _read(text: str, found: Found) -> bool:
    """Takes what can be read; tells whether that is all."""
    values, failures = _objects(text)
    for value in values:
        _take(value, found, 0)
    return not failures and text.count('"ifname"') <= len(found.interfaces) + len(found.ports)


def _objects(text: str) -> tuple[list[t.Any], int]:
    """The objects that are not part of another one, and how many cannot be read."""
    decoder, found, failures, at = json.JSONDecoder(), [], 0, 0
    match = _OBJECT.search(text)
    while match is not None and failures < _MOST_FAILURES:
        try:
            value, at = decoder.raw_decode(text, match.start())
            found.append(value)
        except (ValueError, RecursionError):
            failures, at = failures + 1, match.start() + 1
        match = _OBJECT.search(text, at)
    return found, failures


def _take(value: t.Any, found: Found, depth: int) -> None:
    if isinstance(value, str) and depth < 4 and _KEYS.search(value):
        inner = read_ip_json(value)
        found.warnings += inner.warnings
        found.interfaces += inner.interfaces
        found.ports += inner.ports
        found.routes.update(inner.routes)
        found.understood = found.understood or inner.understood
    elif isinstance(value, list) and depth < 4:
        for item in value:
            _take(item, found, depth + 1)
    elif isinstance(value, dict):
        name, port, device = value.get("ifname"), value.get("port"), value.get("dev")
        if isinstance(name, str) and name:
            found.understood = True
            if _count(port) and "physical_state" in value:
                found.ports.append(_rdma(name, t.cast(int, port), value))
            else:
                found.interfaces.append(_interface(name, value, found))
        elif isinstance(value.get("dst"), str) and isinstance(device, str) and device:
            found.understood = True
            source, metric = value.get("prefsrc"), value.get("metric")
            if value.get("type") in _NO_WAY:
                return
            # Of several ways to one destination the kernel takes the least metric, which is 0 where none is written.
            metric = t.cast(int, metric) if _count(metric) else 0
            if value["dst"] in found.routes and found.metrics.get(value["dst"], 0) <= metric:
                return
            found.metrics[value["dst"]] = metric
            found.routes[value["dst"]] = Route(device, source if isinstance(source, str) else None)
        elif depth < 4:
            for item in value.values():
                _take(item, found, depth + 1)


def _interface(name: str, item: dict[str, t.Any], found: Found) -> Interface:
    raw = item.get("flags")
    flags = [flag for flag in raw if isinstance(flag, str)] if isinstance(raw, list) else []
    link, lower, details = item.get("link_type"), item.get("link"), item.get("linkinfo")
    lower = lower if isinstance(lower, str) and lower != name else None
    info = details.get("info_kind") if isinstance(details, dict) else None
    if info is not None or "promiscuity" in item:  # -d
        kind = kinds.by_info(info, flags, link)
    else:
        kind = kinds.by_signs(name, flags, lower or ("another namespace's" if "link_index" in item else None))
    parent, master = item.get("parentdev"), item.get("master")
    return Interface(
        name=name,
        addresses=_addresses(name, item["addr_info"], found) if isinstance(item.get("addr_info"), list) else None,
        mac=mac_of(item.get("address")),
        mtu=item["mtu"] if _count(item.get("mtu")) else None,
        state=state_of(item.get("operstate")),
        carrier=carrier_of(flags) if isinstance(raw, list) else None,
        kind=kind,
        type=type_of(link),
        pci=parent if item.get("parentbus") == "pci" and isinstance(parent, str) and _PCI.match(parent) else None,
        master=master if isinstance(master, str) else None,
        lower=lower,
    )


def _addresses(name: str, items: list[t.Any], found: Found) -> list[str]:
    result = []
    for item in items:
        if not isinstance(item, dict) or item.get("family") not in ("inet", "inet6"):
            continue  # {} stands for addresses that a filter left out
        address = address_of(item.get("local"), item.get("prefixlen"))
        if address is None:
            found.warn(f"{name}: an address cannot be read: {str(item)[:80]}")
        elif item.get("dadfailed"):
            found.warn(f"{name}: {address} is used by another machine too (dadfailed), so it is left out")
        else:
            result.append(address)
    return result


def _rdma(name: str, port: int, item: dict[str, t.Any]) -> RdmaPort:
    device = item.get("netdev")
    return RdmaPort(
        name,
        port,
        port_state(str(item.get("state"))),
        physical_state(str(item.get("physical_state"))),
        interface=device if isinstance(device, str) else None,
    )


def _count(value: t.Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31
