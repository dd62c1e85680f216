# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What firewalls that close everything must let in: the same items, told to ufw and firewalld."""

from __future__ import annotations

import dataclasses
import shlex
import typing as t
from xml.sax import saxutils

from .items import Item, Range

#: By this ufw's rules are ours; the name of firewalld's policy.
MARK = "vllm.cluster"
POLICY = "vllm-cluster"


@dataclasses.dataclass(frozen=True)
class Opening:
    """Who may come to what. ports: None is all. source: None is everyone. interface: None is any."""

    source: str | None
    ports: Range | None
    interface: str | None


def wanted(fence: t.Sequence[Item]) -> list[Opening]:
    """Each once, and none that another holds already."""
    whole = {(source, item.interface) for item in fence if item.ports is None for source in _sources(item)}
    found: dict[Opening, None] = {}
    for item in fence:
        for source in _sources(item):
            if item.ports is None:
                found[Opening(source, None, item.interface)] = None
            elif (source, item.interface) not in whole:
                found.update((Opening(source, ports, item.interface), None) for ports in item.ports)
    return list(found)


def _sources(item: Item) -> list[str | None]:
    """None for everyone; else addresses and networks."""
    return [None] if item.for_everyone else [*item.of_family(4), *item.of_family(6)]


def ufw_rule(opening: Opening) -> tuple[str, ...]:
    """The words after ``ufw``, without the comment: as ``ufw show added`` prints them."""
    words = ["allow"]
    if opening.interface:
        words += ["in", "on", opening.interface]
    if opening.source is None and opening.ports is not None and not opening.interface:
        return (*words, f"{_ufw_ports(opening.ports)}/tcp")
    words += ["from", opening.source or "any"]
    if opening.ports is not None:
        words += ["to", "any", "port", _ufw_ports(opening.ports)]
    return (*words, "proto", "tcp")


def ufw_ours(shown: str) -> list[tuple[str, ...]]:
    """Our rules in the output of ``ufw show added``."""
    found = []
    for line in shown.splitlines():
        words = shlex.split(line) if line.startswith("ufw ") else []
        if words[-2:] == ["comment", MARK]:
            found.append(tuple(words[1:-2]))
    return found


def _ufw_ports(ports: Range) -> str:
    return str(ports[0]) if ports[0] == ports[1] else f"{ports[0]}:{ports[1]}"


def firewalld_policy(openings: t.Sequence[Opening]) -> str:
    """The policy's file: what comes to this host, looked at before the zones. Empty where there are no openings."""
    if not openings:
        return ""
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        '<policy priority="-10" target="CONTINUE">',
        f"  <short>{POLICY}</short>",
        "  <description>Written by vllm.cluster; changes here are lost.</description>",
        '  <ingress-zone name="ANY"/>',
        '  <egress-zone name="HOST"/>',
    ]
    lines += dict.fromkeys(_rich_rule(opening) for opening in openings)
    return "\n".join([*lines, "</policy>", ""])


def _rich_rule(opening: Opening) -> str:
    """One rule. It names no interface: that is what the fence judges."""
    parts = []
    family = ""
    if opening.source is not None:
        family = f' family="{"ipv6" if ":" in opening.source else "ipv4"}"'
        parts.append(f"<source address={saxutils.quoteattr(opening.source)}/>")
    if opening.ports is None:
        parts.append('<protocol value="tcp"/>')
    else:
        first, last = opening.ports
        parts.append(f'<port port="{first if first == last else f"{first}-{last}"}" protocol="tcp"/>')
    return f"  <rule{family}>{''.join(parts)}<accept/></rule>"
