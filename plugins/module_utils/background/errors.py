# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ends a worker's work, for a person to read."""

from __future__ import annotations


class WorkError(Exception):
    """Work that cannot go on.

    path: what it is about, such as ``Qwen/Qwen2.5-7B-Instruct`` or a directory. value: what was found there, or None.
    rule: what is wrong. fix: what to do about it.
    """

    def __init__(self, path: str, value: str | None, rule: str, fix: str) -> None:
        self.path, self.value, self.rule, self.fix = path, value, rule, fix
        super().__init__(str(self))

    def __str__(self) -> str:
        shown = "" if self.value is None else f" = {self.value}"
        return f"{self.path}{shown}: {self.rule}. Fix: {self.fix}."
