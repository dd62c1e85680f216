# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a worker's guard does: its units follow the head's epoch. It never acts without hearing the head."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

from . import flight as flights
from . import ranks as rank
from .model import (
    AGE_MARGIN_S,
    DEAD,
    DOWN,
    STOPPING,
    UP,
    Action,
    Beat,
    Own,
    Restart,
    Rules,
    Say,
    Unit,
    View,
    together,
)


@dataclasses.dataclass
class Record:
    """Which invocations belong to which epoch.

    joined: they lived long enough to have reached the rendezvous; proved: they took part in a token of this epoch, so
    they can never belong to another one.
    """

    epoch: str
    number: int
    units: str
    joined: bool = False
    proved: bool = False


@dataclasses.dataclass
class Heard:
    """An epoch that the units do not follow yet, and when it was first heard of."""

    epoch: str
    since: float


@dataclasses.dataclass
class Gone:
    """Invocations that lived long enough to join an epoch, and when they were seen to run last."""

    units: str
    at: float


@dataclasses.dataclass
class Worker:
    """The state. record outlives the guard (docs/guard.md), the rest does not."""

    record: Record | None = None
    own: Own | None = None
    heard: Heard | None = None
    gone: Gone | None = None
    up_at: float = 0.0
    up_age: float = 0.0
    flight: flights.Flight | None = None
    view: View | None = None
    linked: bool = False
    ranks: rank.Ranks = dataclasses.field(default_factory=rank.Ranks)
    missing: float | None = None


def kept(state: Worker) -> dict[str, Any]:
    """What of the state is written to the file."""
    return {"record": dataclasses.asdict(state.record) if state.record else None}


def restored(document: Any) -> Worker:
    """The state that a file tells of. Anything that is not as ``kept`` writes it raises ValueError."""
    try:
        found = document["record"]
        if found is None:
            return Worker()
        record = Record(**found)
        kinds = [(record.epoch, str), (record.units, str), (record.number, int)]
        kinds += [(record.joined, bool), (record.proved, bool)]
        if not all(isinstance(value, kind) for value, kind in kinds):
            raise ValueError("a value of the wrong kind")
    except (TypeError, KeyError) as error:
        raise ValueError(str(error)) from None
    return Worker(record=record)


def beat(state: Worker, leaving: bool = False) -> Beat | None:
    """What to tell the head; None before systemd was asked once."""
    if state.own is None:
        return None
    record = state.record
    return Beat(
        record.epoch if record else None,
        state.own.ids,
        record.units if record and record.joined else None,
        state.own.state,
        leaving,
        state.missing,
    )


def decide(
    before: Worker, units: tuple[Unit, ...] | None, view: View | None, now: float, rules: Rules, head: str = "the head"
) -> tuple[Worker, list[Action]]:
    """One tick. units: None when systemd gave no answer; view: None while the head is not heard."""
    state = copy.deepcopy(before)
    actions: list[Action] = []
    if units is not None:
        _see(state, together(units), now, rules)
        rank.see(state.ranks, state.own or together(units), now)
        state.missing = None if state.ranks.gone is None else now - state.ranks.gone
    _link(state, view, actions, head)
    own = state.own
    if own is None or units is None:
        return state, actions
    if state.flight is not None:
        if not flights.over(state.flight, own, now, rules, actions):
            return state, actions
        state.flight = None
    same = state.record is not None and view is not None and state.record.epoch == view.epoch
    if state.record is not None:
        _keep(state.record, own, view if same else None, rules)
    if view is None or view.epoch is None or same:
        state.heard = None
        return state, actions
    if state.heard is None or state.heard.epoch != view.epoch:
        state.heard = Heard(view.epoch, now)
    _follow(state, own, view, now, rules, actions, head)
    return state, actions


def _see(state: Worker, fresh: Own, now: float, rules: Rules) -> None:
    """Note what goes. Units that were replaced while no guard looked may have lived long enough for anything."""
    if state.own is None:
        if state.record is not None and state.record.units != fresh.ids:
            state.record.joined = True
            state.gone = Gone(state.record.units, now)
    elif state.own.ids != fresh.ids and state.up_age >= rules.join_s:
        state.gone = Gone(state.own.ids, state.up_at)  # units that are stopping join nothing any more
    if fresh.state == UP or state.own is None or state.own.ids != fresh.ids:
        state.up_at, state.up_age = now, fresh.age
    state.own = fresh


def _link(state: Worker, view: View | None, actions: list[Action], head: str) -> None:
    if view is None and state.linked:
        actions.append(Say(f"{head} is not heard any more: nothing is done here until it is back", warning=True))
    elif view is not None and not state.linked:
        actions.append(Say(f"{head} is heard: epoch {view.number}, {view.phase}"))
    state.linked = view is not None
    state.view = view


def _keep(record: Record, own: Own, view: View | None, rules: Rules) -> None:
    """view: of the record's epoch. Those that joined stay on record: the head sees others in their place."""
    if view is not None and own.ids != record.units and not record.joined:
        record.units = own.ids
    if own.ids == record.units and own.state == UP:
        record.joined = record.joined or own.age >= rules.join_s
        record.proved = record.proved or (view is not None and _took_part(own, view, rules))


def _took_part(own: Own, view: View, rules: Rules) -> bool:
    """Whether the units that run now ran already when a token was made that needed every member."""
    return rules.lockstep and view.proved is not None and own.state == UP and own.age > view.proved + AGE_MARGIN_S


def _follow(state: Worker, own: Own, view: View, now: float, rules: Rules, actions: list[Action], head: str) -> None:
    record, heard = state.record, state.heard
    if own.state in (DOWN, STOPPING) or heard is None or view.epoch is None:
        return
    if not _older(record, own, view, rules):
        if own.state == DEAD:
            return
        if record is not None or view.number > 1:
            actions.append(Say(f"units belong to epoch {view.number} of {head}: nothing to do"))
        state.record = _adopted(state, own, view, now, rules)
        _keep(state.record, own, view, rules)
        state.heard = None
    elif view.ordered or now - heard.since >= rules.gather_s:
        served = f"these served epoch {record.number}" if record else "these began before it"
        actions.append(Restart("followed", f"units restarted: {head} began epoch {view.number}, {served}"))
        state.flight = flights.Flight(now, own.ids)
        state.heard = None


def _older(record: Record | None, own: Own, view: View, rules: Rules) -> bool:
    """Whether the units that run now belong to an older epoch than the head's.

    A token that needed every member, made while these units ran already, proves that they belong to it. What the
    record knows of an older epoch goes. Others go when they began so long before the epoch that they may have joined
    an older one; but where neither the record nor the head knows of a time before, the guard is new here, and nothing
    is touched.
    """
    if _took_part(own, view, rules):
        return False
    if record is not None and own.ids == record.units:
        return True
    may_have_joined = own.age > view.age + max(AGE_MARGIN_S, rules.join_s - AGE_MARGIN_S)
    return (record is not None or view.past is not None) and may_have_joined


def _adopted(state: Worker, own: Own, view: View, now: float, rules: Rules) -> Record:
    """The record of units that belong to the head's epoch.

    Others may have joined it before them, unseen by the head's guard. They are put on record then: the head must learn
    that they are gone, since their place in its group stays taken.
    """
    gone, record, epoch = state.gone, state.record, view.epoch or ""
    bound_before = gone is None or (record is not None and record.proved and gone.units == record.units)
    if gone is None or bound_before or _took_part(own, view, rules) or view.age - (now - gone.at) <= rules.young_s:
        return Record(epoch, view.number, own.ids)
    return Record(epoch, view.number, gone.units, joined=True)
