# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why the head restarts the group, and when: the judgement over the state that head.py keeps."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from . import watch as watching
from .model import CRASHED, Action, Restart, Rules, Say

if TYPE_CHECKING:
    from .head import Head

#: A member that was not heard for so long is asked after by a canary.
_UNHEARD_S = 2.0


@dataclasses.dataclass
class Cause:
    """A reason that was found and waits: for others that come with it, or for the back-off."""

    reason: str
    text: str
    since: float
    said: bool = False


def doubtful(state: Head, now: float) -> bool:
    """Whether a member that was heard once in this guard's life is late, or a rank is missed."""
    late = any(member.heard is not None and now - member.heard > _UNHEARD_S for member in state.members.values())
    return late or _missed(state) is not None


def judge(state: Head, now: float, rules: Rules, actions: list[Action]) -> Restart | None:
    """The restart that is due now, or None. Only called while the head's units run undisturbed."""
    _calm(state, now, rules)
    _suspicion(state, now, rules, actions)
    told = _told(state)
    found = (
        _lost(state, now, rules, actions)
        or told
        or _halved(state, now, rules)
        or _hang(state, now, rules)
        or _late(state, now, rules)
    )
    if found is None:
        state.cause = None
        return None
    if state.cause is None or state.cause.reason != found[0]:
        state.cause = Cause(found[0], found[1], now)
    cause = state.cause
    # A member's units may be stopped by the same hand that restarts the head's a moment later.
    planned = found == told and not any(member.fault == CRASHED for member in state.members.values())
    ready = cause.since + (rules.gather_s if planned else 0.0)
    due = max(ready, _earliest(state, rules))
    if now >= due:
        return Restart(cause.reason, f"group restart: {found[1]}")
    if due > ready and not cause.said:
        cause.said = True
        actions.append(Say(f"{found[1]}: group restart in {due - now:.0f} s (back-off after {state.row} in a row)"))
    return None


def _earliest(state: Head, rules: Rules) -> float:
    if state.last_restart is None or not state.row:
        return float("-inf")
    return state.last_restart + rules.backoff_s[min(state.row, len(rules.backoff_s) - 1)]


def _calm(state: Head, now: float, rules: Rules) -> None:
    if state.row and state.watch.ready is not None and now - state.watch.ready >= rules.calm_s:
        state.row = 0


def _lost(state: Head, now: float, rules: Rules, actions: list[Action]) -> tuple[str, str] | None:
    """A member that joined this epoch is silent, and nothing proves that it works: no token since it was heard last."""
    limit = rules.lost_loading_after_s if state.watch.ready is None else rules.lost_after_s
    found = None
    for name, member in sorted(state.members.items()):
        if member.heard is None:
            continue
        silent = now - member.heard
        proof = state.watch.proof if rules.lockstep else None
        if silent < limit:
            if member.silent:
                actions.append(Say(f"member {name} is heard again"))
            member.silent = False
        elif member.joined is not None and now - max(member.heard, proof or member.heard) >= limit:
            found = found or ("member-lost", f"member {name} lost (silent {silent:.1f} s)")
        elif not member.silent:
            member.silent = True
            why = "tokens come, so it works" if member.joined else "it had not joined this epoch"
            actions.append(Say(f"member {name} is not heard: nothing is done, {why}", warning=True))
    return found


def _told(state: Head) -> tuple[str, str] | None:
    for name, member in sorted(state.members.items()):
        if member.fault == "restarted":
            return "member-restarted", f"units of member {name} were restarted"
        if member.fault:
            return "member-died", f"units of member {name} {member.fault}"
    return None


def _missed(state: Head) -> tuple[str, float] | None:
    """Who misses a rank without a token since, and since when."""
    found = [("the head", state.ranks.gone), *((f"member {name}", item.gone) for name, item in state.members.items())]
    proof = state.watch.proof
    late = [(who, gone) for who, gone in found if gone is not None and (proof is None or proof <= gone)]
    return late[0] if late and state.watch.ready is not None else None


def _halved(state: Head, now: float, rules: Rules) -> tuple[str, str] | None:
    """A rank is gone while its unit lives, and no token came since: with Ray nobody else would notice for long."""
    missed = _missed(state) if rules.lockstep else None
    if missed is None or now - missed[1] < rules.lost_after_s:
        return None
    return "member-died", f"a rank of {missed[0]} died"


def _hang(state: Head, now: float, rules: Rules) -> tuple[str, str] | None:
    if state.watch.ready is None or state.watch.asleep:
        return None
    seconds, what = watching.stalled(state.watch, now)
    if seconds >= rules.stalled_after_s:
        return "stalled", f"no progress for {seconds:.0f} s: {what}"
    failing = watching.failing_for(state.watch, now)
    if failing >= rules.failing_after_s:
        said = "refuses connections" if state.watch.failure == "refused" else "says that the engine is dead"
        return "unhealthy", f"/health {said} for {failing:.0f} s"
    return None


def _suspicion(state: Head, now: float, rules: Rules, actions: list[Action]) -> None:
    seconds, what = (0.0, "") if state.watch.ready is None or state.watch.asleep else watching.stalled(state.watch, now)
    suspect = seconds >= rules.suspect_after_s
    if suspect and not state.suspect:
        text = f"suspect: no progress for {seconds:.0f} s: {what}; group restart at {rules.stalled_after_s:g} s"
        actions.append(Say(text, warning=True))
    elif state.suspect and not suspect:
        actions.append(Say("suspicion over: the engine makes progress"))
    state.suspect = suspect


def _late(state: Head, now: float, rules: Rules) -> tuple[str, str] | None:
    """Not ready in time, though all members were there for all of it. While one is away, waiting for it is right."""
    if state.watch.ready is not None or state.epoch is None or state.begun is None:
        return None
    if not all(member.linked for member in state.members.values()):
        return None
    since = max([state.epoch.begun, state.begun, *(member.linked_since for member in state.members.values())])
    if now - since < rules.start_timeout_s:
        return None
    return "start-timeout", f"not ready {now - since:.0f} s after its start"
