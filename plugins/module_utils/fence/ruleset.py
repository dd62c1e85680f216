# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fence as an nftables table of our own. No other table is read, changed or flushed."""

from __future__ import annotations

import typing as t

from . import items
from .items import Item, Range

TABLE = "vllm_cluster"

_HEAD = """\
# Written by vllm.cluster; changes here are lost. docs/network.md of the collection tells what it is.
# The first two lines make it a replacement: nft loads the file as one transaction, so that there is no gap.
table inet {table}
delete table inet {table}
table inet {table} {{
    chain input {{
        # Before other filters, which still see what passes here: "accept" ends this chain alone.
        type filter hook input priority -10; policy accept;
        iifname "lo" accept
        # Only who opens a connection is judged. Answers and connections that stand are never touched.
        tcp flags & (fin | syn | rst | ack) == syn jump strangers
    }}
    chain strangers {{
"""
_TAIL = "    }\n}\n"


def text(fence: t.Sequence[Item], never: t.Sequence[int]) -> str:
    """The file for ``nft -f``; empty where the fence closes nothing. never: ports that must not be closed.

    Raises FenceError rather than close one of these.
    """
    ranges = items.closed(fence)
    items.check_open(ranges, never)
    if not ranges:
        return ""
    lines = []
    for item in fence:
        for keyword, version in (("ip", 4), ("ip6", 6)):
            sources = item.of_family(version)
            if item.ports and sources:
                lines.append(_accept(item, f"{keyword} saddr {_set(sources)}"))
    lines.append(f"tcp dport {_set(map(_shown, ranges))} counter reject with tcp reset")
    return _HEAD.format(table=TABLE) + "".join(f"        {line}\n" for line in lines) + _TAIL


def _accept(item: Item, sources: str) -> str:
    interface = f'iifname "{item.interface}" ' if item.interface else ""
    why = item.why.replace('"', "'").replace("\\", "/")[:120]
    return f'{interface}{sources} tcp dport {_set(map(_shown, item.ports or ()))} accept comment "{why}"'


def _shown(ports: Range) -> str:
    return str(ports[0]) if ports[0] == ports[1] else f"{ports[0]}-{ports[1]}"


def _set(words: t.Iterable[str]) -> str:
    return f"{{ {', '.join(words)} }}"
