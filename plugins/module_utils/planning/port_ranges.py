# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports and ranges of them: (first, last), and in plans [first, last]."""

from __future__ import annotations

import typing as t

from .ports import Port


def every(port: Port | t.Sequence[int]) -> set[int]:
    """All ports of it."""
    first, last = both_ends(port)
    return set(range(first, last + 1))


def both_ends(port: Port | t.Sequence[int]) -> tuple[int, int]:
    """(first, last)."""
    return (port, port) if isinstance(port, int) else (port[0], port[1])


def shown(port: Port | t.Sequence[int]) -> int | list[int]:
    """As plans have it."""
    first, last = both_ends(port)
    return first if first == last else [first, last]


def without(ranges: t.Iterable[tuple[int, int]], ports: t.Iterable[int]) -> list[Port]:
    """The ranges with holes where the ports are."""
    found: list[Port] = []
    for first, last in ranges:
        start = first
        for hole in sorted(port for port in ports if first <= port <= last):
            if hole > start:
                found.append((start, hole - 1))
            start = hole + 1
        if start <= last:
            found.append((start, last))
    return found
