# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the model package says when it cannot trust what it reads."""

from __future__ import annotations

import typing as t


class ModelError(Exception):
    """A model's files that cannot be understood, or sizes that cannot work.

    path: where, such as ``config.json: text_config.hidden_size``.
    value: what was found there.
    rule: what it breaks.
    fix: what to do about it.
    """

    def __init__(self, path: str, value: t.Any, rule: str, fix: str) -> None:
        self.path = path
        self.value = value
        self.rule = rule
        self.fix = fix
        super().__init__(str(self))

    def __str__(self) -> str:
        shown = "" if self.value is None else f" = {_short(self.value)}"
        return f"{self.path}{shown}: {self.rule}. Fix: {self.fix}"

    def as_dict(self) -> dict[str, t.Any]:
        return {"path": self.path, "value": _short(self.value), "rule": self.rule, "fix": self.fix}


def _short(value: t.Any) -> str:
    try:
        text = repr(value)
    except RecursionError:
        text = "..."
    return text if len(text) <= 80 else text[:77] + "..."
