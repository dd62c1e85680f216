# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong with a host's units."""

from __future__ import annotations

import typing as t


class UnitError(Exception):
    """A unit that cannot be written or brought to its wanted state.

    The message never holds the value of an environment variable.
    unit: its name, or empty when the host as a whole is meant. step: what was being done (``write``, ``restart`` ...).
    """

    def __init__(self, message: str, *, unit: str = "", step: str = "") -> None:
        self.unit = unit
        self.step = step
        super().__init__(": ".join(part for part in (unit, step, message) if part))

    def as_result(self) -> dict[str, t.Any]:
        return {"msg": str(self), "failed_unit": self.unit or None, "failed_step": self.step or None}
