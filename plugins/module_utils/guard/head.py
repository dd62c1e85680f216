# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The head's state, and how it takes in what its own units and the other members show. causes.py judges it."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping
from typing import Any

from . import causes
from . import ranks as rank
from . import watch as watching
from .flight import Flight, over
from .model import (
    ASLEEP_S,
    CRASHED,
    DEAD,
    DOWN,
    LEAVE_S,
    STOPPING,
    UP,
    Action,
    Api,
    Ask,
    Beat,
    Own,
    Restart,
    Rules,
    Say,
    Unit,
    View,
    together,
)
from .watch import Watch

#: What units of a member did that joined and do not run. Only a crash is surely nobody's plan.
_FAULTS = {DEAD: CRASHED, DOWN: "stopped", STOPPING: "are stopping"}


@dataclasses.dataclass
class Epoch:
    """One life of the head's units. number: counts up, for people; begun: when the youngest of them began.

    ordered: whether this guard restarted them.
    """

    id: str
    number: int
    begun: float
    ordered: bool = False


@dataclasses.dataclass
class Member:
    """What is known of another member. heard: its last word, None before the first in this guard's life.

    joined: the invocations that joined the head's epoch; past: those that joined the one before; units: those seen last
    in this epoch, since when; fault: what it told against itself, for causes.py; gone: since when it misses a rank.
    """

    heard: float | None = None
    linked: bool = False
    linked_since: float = 0.0
    leaving: bool = False
    joined: str | None = None
    past: str | None = None
    units: str | None = None
    units_since: float = 0.0
    fault: str = ""
    gone: float | None = None
    silent: bool = False


@dataclasses.dataclass
class Head:
    """The state. epoch, the members' joined, and the row of restarts outlive the guard; the rest does not."""

    members: dict[str, Member]
    epoch: Epoch | None = None
    settled: bool = False
    own: Own | None = None
    flight: Flight | None = None
    cause: causes.Cause | None = None
    row: int = 0
    last_restart: float | None = None
    begun: float | None = None
    tick: float | None = None
    watch: Watch = dataclasses.field(default_factory=Watch)
    ranks: rank.Ranks = dataclasses.field(default_factory=rank.Ranks)
    suspect: bool = False

    @property
    def phase(self) -> str:
        """stopped, restarting, loading, serving."""
        if self.own is None or self.own.state == DOWN:
            return "stopped"
        if not self.settled:
            return "restarting"
        return "loading" if self.watch.ready is None else "serving"


def new(members: tuple[str, ...]) -> Head:
    """The state of a guard that knows nothing yet."""
    return Head({name: Member() for name in members})


def kept(state: Head) -> dict[str, Any]:
    """What of the state is written to the file; the times are of this boot's clock."""
    return {
        "epoch": dataclasses.asdict(state.epoch) if state.epoch else None,
        "ready": state.watch.ready is not None,
        "members": {
            name: {key: getattr(member, key) for key in ("joined", "past", "units", "units_since")}
            for name, member in state.members.items()
        },
        "row": state.row,
        "last_restart": state.last_restart,
    }


def restored(document: Any, members: tuple[str, ...], now: float) -> Head:
    """The state that a file tells of. Anything that is not as ``kept`` writes it raises ValueError."""
    state = new(members)
    try:
        if document["epoch"] is not None:
            state.epoch = Epoch(**document["epoch"])
            state.epoch.begun = float(state.epoch.begun)
            state.epoch.number = int(state.epoch.number)
            state.epoch.ordered = bool(state.epoch.ordered)
            if not isinstance(state.epoch.id, str):
                raise ValueError("the epoch's id is no text")
        if document["ready"]:
            state.watch = Watch(ready=now, moved=now)
        for name, found in document["members"].items():
            if name in state.members:
                state.members[name] = _member(found, now)
        state.row = int(document["row"])
        state.last_restart = None if document["last_restart"] is None else float(document["last_restart"])
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(str(error)) from None
    return state


def _member(found: Any, now: float) -> Member:
    texts = [found[key] for key in ("joined", "past", "units")]
    if not all(text is None or isinstance(text, str) for text in texts):
        raise ValueError("a member's invocations are no text")
    # One that had joined has some time to be heard by this guard before its silence counts.
    heard = None if texts[0] is None else now + LEAVE_S
    member = Member(heard=heard, joined=texts[0], past=texts[1], units=texts[2])
    member.units_since = float(found["units_since"])
    return member


def view(state: Head, member: str, now: float) -> View:
    """What to tell a worker."""
    if state.epoch is None or not state.settled:
        return View(None, state.epoch.number if state.epoch else 0, 0.0, None, state.phase)
    past = state.members[member].past
    proof = state.watch.proof
    proved = None if proof is None else max(0.0, now - proof)
    epoch = state.epoch
    return View(epoch.id, epoch.number, max(0.0, now - epoch.begun), proved, state.phase, past, epoch.ordered)


def decide(
    before: Head,
    units: tuple[Unit, ...] | None,
    beats: Mapping[str, Beat],
    linked: frozenset[str],
    api: Api,
    now: float,
    rules: Rules,
) -> tuple[Head, list[Action]]:
    """One tick. units: None when systemd gave no answer; beats: the newest of each member since the last tick."""
    state = copy.deepcopy(before)
    actions: list[Action] = []
    _clock(state, now)
    _members(state, beats, linked, now, rules)
    if units is not None:
        state.own = together(units)
        rank.see(state.ranks, state.own, now)
        _epoch(state, state.own, now, actions)
    _api(state, api, now, actions)
    if units is None or state.own is None:
        return state, actions
    if state.flight is not None:
        if not over(state.flight, state.own, now, rules, actions):
            return state, actions
        state.flight = None
    if not state.settled:
        state.cause = None
        return state, actions
    doubt = rules.lockstep and causes.doubtful(state, now)
    if watching.wants_canary(state.watch, now, rules, doubt):
        state.watch.asked = now
        actions.append(Ask())
    restart = causes.judge(state, now, rules, actions)
    if restart is not None:
        actions.append(_begin(state, state.own, restart, now))
    return state, actions


def _clock(state: Head, now: float) -> None:
    """After a time in which this guard did not run (a frozen host), what waited starts to wait again."""
    if state.begun is None:
        state.begun = now
    late = 0.0 if state.tick is None else now - state.tick
    state.tick = now
    if late > ASLEEP_S:
        for member in state.members.values():
            member.heard = None if member.heard is None else member.heard + late
        watching.shift(state.watch, late)


def _members(state: Head, beats: Mapping[str, Beat], linked: frozenset[str], now: float, rules: Rules) -> None:
    for name, member in state.members.items():
        if name in linked and not member.linked:
            member.linked_since = now
        member.linked = name in linked
        said = beats.get(name)
        if said is None:
            continue
        member.heard = now + (LEAVE_S if said.leaving else 0.0)
        member.leaving = said.leaving
        if state.epoch is None or said.epoch != state.epoch.id:
            continue
        if member.units != said.units:
            if member.units is not None and now - member.units_since >= rules.join_s:
                member.joined = member.joined or member.units  # it may have joined unseen
            member.units, member.units_since = said.units, now
        member.joined = member.joined or said.served
        member.gone = None if said.gone is None else now - said.gone
        if member.joined is not None and said.units != member.joined:
            member.fault = "restarted"
        elif member.joined is not None and said.state != UP:
            member.fault = _FAULTS[said.state]


def _epoch(state: Head, own: Own, now: float, actions: list[Action]) -> None:
    """A new invocation of any of the head's units begins an epoch; while they change there is none."""
    state.settled = own.state == UP
    if not state.settled or (state.epoch is not None and state.epoch.id == own.ids):
        return
    number = state.epoch.number + 1 if state.epoch else 1
    if state.epoch is not None and state.flight is None:
        actions.append(Say(f"units were restarted, not by the guard; epoch {state.epoch.number} -> {number}"))
    state.epoch = Epoch(own.ids, number, now - own.age, state.flight is not None)
    state.watch = Watch(moved=now)
    state.suspect = False
    state.cause = None
    for member in state.members.values():
        member.past, member.joined = member.joined or member.past, None
        member.units, member.fault, member.gone = None, "", None


def _api(state: Head, api: Api, now: float, actions: list[Action]) -> None:
    if api.canary is not None and (state.epoch is None or api.canary.started < state.epoch.begun):
        api = api._replace(canary=None)  # asked of an engine that is gone
    watch = state.watch
    was_ready, was_usable = watch.ready, watch.usable
    watching.see(watch, api, now)
    if watch.usable != was_usable:
        text = "no canary is possible, a hang of the idle engine stays unseen: " + watch.refusal
        actions.append(Say("the canary works again" if watch.usable else text, warning=not watch.usable))
    if watch.ready is not None and was_ready is None and state.epoch is not None:
        actions.append(Say(f"serving: epoch {state.epoch.number}, {now - state.epoch.begun:.0f} s after it began"))


def _begin(state: Head, own: Own, restart: Restart, now: float) -> Restart:
    number = state.epoch.number if state.epoch else 0
    state.flight = Flight(now, own.ids)
    state.cause = None
    state.row += 1
    state.last_restart = now
    state.settled = False
    return Restart(restart.reason, f"{restart.text}; epoch {number} -> {number + 1}")
