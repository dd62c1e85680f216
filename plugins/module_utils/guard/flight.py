# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A restart that was asked for and is not over."""

from __future__ import annotations

import dataclasses

from .model import DEAD, DOWN, STOPPING, UP, Action, Kill, Own, Rules, Say


@dataclasses.dataclass
class Flight:
    """since: when it was asked for; ids: the invocations that shall go; stopping: since when they are at it."""

    since: float
    ids: str
    stopping: float | None = None
    killed: bool = False


def over(flight: Flight, own: Own, now: float, rules: Rules, actions: list[Action]) -> bool:
    """True when every unit has a new invocation, or when nothing more is to be waited for.

    A unit that hangs in its stop would hold the whole group up for systemd's stop time-out; it was ended for cause.
    """
    fresh = all(old != new for old, new in zip(flight.ids.split("+"), own.ids.split("+")))
    if own.state in (UP, DEAD) and fresh:
        return True
    if own.state == DOWN and now - flight.since > rules.gather_s + rules.join_s:
        actions.append(Say("the restart ended with stopped units: somebody stops them, so they stay stopped"))
        return True
    if own.state == STOPPING and flight.stopping is None:
        flight.stopping = now
    if own.state != STOPPING:
        flight.stopping = None
    elif rules.kill_after_s is not None and not flight.killed and now - (flight.stopping or now) >= rules.kill_after_s:
        flight.killed = True
        actions.append(Kill(f"units killed: still stopping {rules.kill_after_s:g} s after they were asked to end"))
    if now - flight.since >= rules.patience_s:
        actions.append(Say(f"systemd has not restarted the units within {rules.patience_s:g} s", warning=True))
        return True
    return False
