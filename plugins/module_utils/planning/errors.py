# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the planner says when it refuses."""

from __future__ import annotations

import dataclasses
import typing as t


@dataclasses.dataclass(frozen=True)
class Refusal:
    """One thing the planner will not do.

    path: where the person wrote it, such as ``vllm_services[0].port``.
    value: what was found there (never a secret).
    rule: what it breaks.
    fix: what to write instead.
    """

    path: str
    value: t.Any
    rule: str
    fix: str

    def __str__(self) -> str:
        shown = "" if self.value is None else f" = {self.value!r}"
        return f"{self.path}{shown}: {self.rule}. Fix: {self.fix}"

    def as_dict(self) -> dict[str, t.Any]:
        return dataclasses.asdict(self)


class PlanError(Exception):
    """The intent, or what the hosts are, cannot become a plan. Carries every refusal found, in order."""

    def __init__(self, *refusals: Refusal) -> None:
        self.refusals = list(refusals)
        super().__init__("\n".join(str(refusal) for refusal in refusals))


class Refusals:
    """Collects refusals, so that a person sees all of a stage's mistakes in one run."""

    def __init__(self) -> None:
        self._found: list[Refusal] = []

    def add(self, path: str, value: t.Any, rule: str, fix: str) -> None:
        self._found.append(Refusal(path, value, rule, fix))

    def __bool__(self) -> bool:
        return bool(self._found)

    def raise_if_any(self) -> None:
        if self._found:
            raise PlanError(*self._found)
