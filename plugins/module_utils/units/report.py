# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person gets to see of a transaction; no secret value is ever part of it."""

from __future__ import annotations

import typing as t

from . import changes, texts
from .host_files import HostFiles
from .transaction import Found, Step, Transaction, Wanted


def result(
    transaction: Transaction, wanted: t.Sequence[Wanted], found: t.Mapping[str, Found], files: HostFiles
) -> dict[str, t.Any]:
    """The keys that the module returns."""
    return {
        "changed": transaction.changes,
        "actions": [
            {
                "unit": step.name,
                "operations": step.operations,
                "reasons": list(step.reasons),
                "changes": _changes(step, wanted, found, files),
            }
            for step in transaction.steps
        ],
        "restarted": transaction.names("restarts"),
        "started": transaction.names("starts"),
        "removed": transaction.names("removes"),
        "reloaded": transaction.reloads,
        "consent_needed": transaction.names("needs_consent"),
    }


def diffs(
    transaction: Transaction, wanted: t.Sequence[Wanted], found: t.Mapping[str, Found], files: HostFiles
) -> list[dict[str, str]]:
    """One item a changed file, as Ansible shows them."""
    shown = []
    for step in transaction.steps:
        for path, before, after in _versions(step.name, wanted, found, files):
            if before != after:
                shown.append({"before": before, "after": after, "before_header": path, "after_header": path})
    return shown


def refusal(
    transaction: Transaction, wanted: t.Sequence[Wanted], found: t.Mapping[str, Found], files: HostFiles
) -> str:
    """Empty when nothing that serves would be disturbed; else what would be, and why, a unit a paragraph."""
    steps = [step for step in transaction.steps if step.needs_consent]
    if not steps:
        return ""
    lines = [
        f"{len(steps)} running unit(s) would be restarted or removed, and the consent for it is missing; nothing was "
        "touched. To consent, set vllm_allow_restart: true (option allow_restart) for this run."
    ]
    for step in steps:
        act = "remove" if step.removes else "restart"
        lines.append(f"{act} {step.name}: {', '.join(step.reasons)}")
        if step.writes_text and found[step.name].text is None:
            continue  # every line would be a new one
        for _path, before, after in _versions(step.name, wanted, found, files):
            if not step.removes:
                lines += [f"    {line}" for line in texts.changed_lines(before, after)]
    return "\n".join(lines)


def _changes(step: Step, wanted: t.Sequence[Wanted], found: t.Mapping[str, Found], files: HostFiles) -> list[str]:
    """Of a unit that has a process and stays: what its process would notice."""
    if step.removes or found.get(step.name, Found()).text is None:
        return []
    (_unit, *unit), (_environment, *environment) = _versions(step.name, wanted, found, files)
    return changes.changes(unit[0], unit[1], environment[0], environment[1])


def _versions(
    name: str, wanted: t.Sequence[Wanted], found: t.Mapping[str, Found], files: HostFiles
) -> list[tuple[str, str, str]]:
    """Path, text before and text after of the unit's two files."""
    before = found.get(name, Found())
    after = next((unit for unit in wanted if unit.name == name), None)
    shown_before, shown_after = texts.masked(before.environment, after.environment if after else None)
    return [
        (files.unit_path(name), before.text or "", after.text if after else ""),
        (files.environment_path(name), shown_before, shown_after),
    ]
