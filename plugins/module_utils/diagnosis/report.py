# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings about a unit as plain values: what vllm_health returns and engine_wait reads."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from .journal import Attempt
from .phases import Progress, progress
from .reasons import hint, last_failed, reason
from .systemd import UnitState


def unit_words(state: UnitState, monotonic: float) -> dict[str, Any]:
    """A unit's state; ``uptime``: seconds that its main process runs, seen at ``monotonic``, or None."""
    uptime = monotonic - state.started_us / 1e6 if state.pid and state.started_us else None
    return {
        "active_state": state.active,
        "sub_state": state.sub,
        "result": state.result,
        "restarts": state.restarts,
        "pid": state.pid,
        "uptime": None if uptime is None else round(uptime, 1),
    }


def findings(attempts: list[Attempt], state: UnitState, port: int | None, now: float) -> dict[str, Any]:
    """What the journal says about a unit that is not healthy: ``progress``, ``reason`` and ``hint``, each or None.

    attempts: the unit's last start attempts. port: the engine's, for texts. now: epoch seconds.
    Progress is that of the running start, or of the one that failed.
    """
    current = next((item for item in attempts if state.running and item.invocation == state.invocation), None)
    failed = last_failed(attempts, state.invocation, state.running)
    shown = current or failed
    cause = reason(failed.lines, port) if failed else None
    held_up = hint(current.lines, port) if current else None
    return {
        "progress": progress_words(progress(shown.lines), now) if shown else None,
        "reason": cause._asdict() if cause else None,
        "hint": held_up._asdict() if held_up else None,
    }


def progress_words(where: Progress, now: float) -> dict[str, Any]:
    """A phase with its begin as a UTC time stamp and as seconds before ``now``."""
    since = datetime.datetime.fromtimestamp(where.since, datetime.timezone.utc)
    return {
        "phase": where.phase,
        "detail": where.detail,
        "line": where.line,
        "since": since.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "seconds": round(max(0.0, now - where.since), 1),
    }


def describe(engine: Mapping[str, Any]) -> str:
    """One sentence about an unhealthy item of vllm_health's ``engines``."""
    rung, reason_found, where = engine["failed_rung"], engine["reason"], engine["progress"]
    text = f"{rung}: {engine['rungs'][rung]['detail']}" if rung else "no rung could be tried"
    if reason_found:
        text += f". Reason: {reason_text(reason_found)}"
    elif where:
        text += f". It is at: {where['phase']}"
    return f"{engine['name']}: {text}"


def reason_text(found: Mapping[str, Any]) -> str:
    """A reason (see reasons.Reason) as one line."""
    return f"{found['summary']}. Evidence: {found['evidence'].rstrip('.')}. Fix: {found['fix']}"
