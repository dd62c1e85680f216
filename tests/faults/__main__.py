# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Break an engine of two lab hosts in every way we know, and write down what came of it.

Usage: python -m tests.faults [--executor mp|ray] [--case NAME...] [--out FILE] [--keep] [--soak MINUTES]
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import json
import os
import sys
import traceback
from pathlib import Path

from tests.testinfra.lab import ROOT, Lab

from .cases import CASES
from .group import Group
from .measure import OVER_S, Row, measure
from .soak import soak
from .table import table

INVENTORY = ROOT / "molecule" / "faults" / "inventory"


def say(text: str) -> None:
    print(text, flush=True)


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    known = [case.name for case in CASES]
    parser = argparse.ArgumentParser(prog="tests.faults", description="Break the engine of molecule/faults.")
    parser.add_argument("--executor", choices=["mp", "ray"], default="mp")
    parser.add_argument("--case", nargs="+", choices=known, metavar="NAME", help=f"of: {' '.join(known)}")
    parser.add_argument(
        "--soak", type=float, metavar="MINUTES", help="no faults: load and idle in turn; nothing may restart"
    )
    parser.add_argument("--out", type=Path, help="where the table goes, and beside it the rows as JSON")
    parser.add_argument("--keep", action="store_true", help="use the lab as it is, and leave it there")
    parser.add_argument("--margin", type=float, default=1.0, help="times the goals, on a busy machine")
    return parser.parse_args(argv)


def main() -> int:
    chosen = arguments()
    os.environ["VLLM_FAULTS_EXECUTOR"] = chosen.executor
    lab = Lab(INVENTORY)
    try:
        for playbook in ("lab_up.yml", "site.yml"):
            if lab.playbook(playbook, extra={"vllm_allow_restart": True}).status:
                return 1
        group = Group.of(lab, "group-0", chosen.executor)
        group.wait()
        if chosen.soak:
            return int(bool(soak(group, chosen.soak * 60, say)))
        return faults(group, chosen)
    finally:
        if not chosen.keep:
            lab.playbook("lab_down.yml")


def faults(group: Group, chosen: argparse.Namespace) -> int:
    start_s = group.start_s()
    say(f"the engine's own start: {start_s:.1f} s")
    rows: list[Row] = []
    failed = []
    for case in CASES:
        if group.executor not in case.executors or (chosen.case and case.name not in chosen.case):
            continue
        say(f"{case.name}: {case.text}")
        try:
            rows.append(measure(group, case, start_s, chosen.margin, say))
        except Exception:
            traceback.print_exc()
            failed.append(case.name)
            continue
        say(f"  {rows[-1]}")
        write(chosen, rows, start_s)
    wrong = [f"{row.case}: {fault}" for row in rows for fault in row.faults]
    wrong += [f"{name}: could not be measured" for name in failed]
    say(table(rows))
    say("\n".join(wrong) or f"{len(rows)} faults: every goal is met")
    return int(bool(wrong) or not rows)


def write(chosen: argparse.Namespace, rows: list[Row], start_s: float) -> None:
    """The table as far as it is, so that a run that ends early has not been for nothing."""
    if chosen.out is None:
        return
    today = datetime.datetime.now(datetime.timezone.utc).date()
    text = (
        f"{rows[0].executor}, {today}, {os.cpu_count()} cores; the engine starts in {start_s:.0f} s, so that it is to "
    )
    text += f"serve again within {start_s + OVER_S:.0f} s.\n\n{table(rows)}"
    chosen.out.write_text(text)
    chosen.out.with_suffix(".json").write_text(json.dumps([dataclasses.asdict(row) for row in rows], indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
