# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Beats and views as the messages that carry them."""

from __future__ import annotations

import math
from typing import Any

from .model import DEAD, DOWN, STOPPING, UP, Beat, View


def of_beat(beat: Beat, number: int) -> dict[str, Any]:
    """number: the head's answer repeats it, so that the worker knows how fresh the answer is."""
    return {"beat": number, **beat._asdict()}


def to_beat(message: dict[str, Any]) -> tuple[int, Beat] | None:
    """A message of a worker; None where it is not one."""
    number, state = message.get("beat"), message.get("state")
    units, epoch, served = (message.get(key) for key in ("units", "epoch", "served"))
    if not _number(number) or not isinstance(units, str) or state not in (UP, DEAD, DOWN, STOPPING):
        return None
    if not _text_or_none(epoch) or not _text_or_none(served):
        return None
    gone = message.get("gone")
    missed = float(message["gone"]) if _number(gone) else None
    return int(message["beat"]), Beat(epoch, units, served, state, message.get("leaving") is True, missed)


def of_view(view: View, number: int) -> dict[str, Any]:
    """number: the beat that this answers."""
    return {"answer": number, **view._asdict()}


def to_view(message: dict[str, Any]) -> tuple[int, View] | None:
    """A message of the head; None where it is not one."""
    answer, number, age, proved = (message.get(key) for key in ("answer", "number", "age", "proved"))
    epoch, phase, past = (message.get(key) for key in ("epoch", "phase", "past"))
    if not all(map(_number, (answer, number, age))) or not (proved is None or _number(proved)):
        return None
    if not _text_or_none(epoch) or not _text_or_none(past) or not isinstance(phase, str):
        return None
    since = None if proved is None else float(message["proved"])
    ordered = message.get("ordered") is True
    return int(message["answer"]), View(
        epoch, int(message["number"]), float(message["age"]), since, phase, past, ordered
    )


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _text_or_none(value: Any) -> bool:
    return value is None or isinstance(value, str)
