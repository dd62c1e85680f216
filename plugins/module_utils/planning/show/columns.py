# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows as columns of a terminal."""

from __future__ import annotations

import textwrap
import typing as t

#: A last column is never squeezed below this.
_LEAST = 24


def table(rows: t.Sequence[t.Sequence[str]], indent: str, width: int | None) -> list[str]:
    """Columns as wide as they must be; the last one is wrapped, to end at width where it can (None: not at all)."""
    if not rows:
        return []
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    room = 10**6 if width is None else max(_LEAST, width - len(indent) - sum(item + 2 for item in widths))
    lines = []
    for row in rows:
        cells = "".join(f"{cell:<{size}}  " for cell, size in zip(row, widths))
        last = textwrap.wrap(row[-1], room, break_long_words=False, break_on_hyphens=False) or [""]
        lines.append(indent + cells + last[0])
        lines += [indent + " " * len(cells) + line for line in last[1:]]
    return lines


def clip(text: str, width: int) -> str:
    """The text, cut where it is longer."""
    return text if len(text) <= width else text[: width - 1] + "…"
