# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the planner says when it refuses, and when it only warns."""

from __future__ import annotations

import dataclasses
import typing as t


@dataclasses.dataclass(frozen=True)
class Refusal:
    """One thing the planner will not do.

    id: the rule's stable name (rules.py).
    path: where the person wrote it, such as ``vllm_services[0].port``.
    value: what was found there (never a secret).
    rule: what it breaks.
    fix: what to write instead.
    """

    id: str
    path: str
    value: t.Any
    rule: str
    fix: str

    def __str__(self) -> str:
        shown = "" if self.value is None else f" = {self.value!r}"
        return f"{self.path}{shown}: {self.rule} [{self.id}]. Fix: {self.fix}"

    def as_dict(self) -> dict[str, t.Any]:
        return dataclasses.asdict(self)


class PlanError(Exception):
    """The intent, or what the hosts are, cannot become a plan. Carries every refusal found, in order."""

    def __init__(self, *refusals: Refusal) -> None:
        self.refusals = list(refusals)
        super().__init__("\n".join(str(refusal) for refusal in refusals))


class Refusals:
    """Collects refusals, so that a person sees all of a stage's mistakes in one run, and warnings beside them.

    locate: turns a path that the planner reckons with into the one that the person wrote.
    """

    def __init__(self, locate: t.Callable[[str], str] = str) -> None:
        self._locate = locate
        self._found: dict[tuple[str, str, str], Refusal] = {}
        self._warnings: dict[tuple[str, str, str], dict[str, str]] = {}

    def add(self, rule_id: str, path: str, value: t.Any, rule: str, fix: str) -> None:
        """Refuse; the same twice counts once."""
        path = self._locate(path)
        self._found.setdefault((rule_id, path, rule), Refusal(rule_id, path, value, rule, fix))

    def warn(self, rule_id: str, path: str, message: str, fix: str) -> None:
        """Say what may go wrong, and plan on."""
        path = self._locate(path)
        warning = {"id": rule_id, "path": path, "message": message, "fix": fix}
        self._warnings.setdefault((rule_id, path, message), warning)

    def __bool__(self) -> bool:
        return bool(self._found)

    @property
    def refusals(self) -> list[Refusal]:
        return list(self._found.values())

    @property
    def warnings(self) -> list[dict[str, str]]:
        return list(self._warnings.values())

    def raise_if_any(self) -> None:
        if self._found:
            raise PlanError(*self._found.values())
