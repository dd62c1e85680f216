# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows as the table of docs/faults.md."""

from __future__ import annotations

import typing as t

from .measure import Row

_HEAD = (
    "| fault | noticed after | serves again after | of it the engine's start | starts on head, worker "
    "| requests sent | lost | broken | late |"
)


def table(rows: t.Sequence[Row]) -> str:
    """One Markdown table: first what must heal, then what must change nothing."""
    lines = [_HEAD, "|" + " --- |" * (_HEAD.count("|") - 1)]
    for row in sorted(rows, key=lambda item: not item.heals):
        noticed = "-" if row.noticed_s is None else f"{row.noticed_s:.1f} s ({row.noticed_by})"
        serving = (
            ("not at all" if row.serving_s is None else f"{row.serving_s:.0f} s") if row.heals else "never stopped"
        )
        load = "-" if row.load_s is None else f"{row.load_s:.0f} s"
        starts = f"{row.starts[0]}, {row.starts[1]}"
        wrong = f" **{'; '.join(row.faults)}**" if row.faults else ""
        cells = [row.text + wrong, noticed, serving, load, starts, row.sent, row.lost, row.broken, row.late]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines) + "\n"
