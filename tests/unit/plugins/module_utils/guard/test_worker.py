# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker's decisions one by one: which units belong to which epoch."""

from __future__ import annotations

import json

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.guard import model, worker
from ansible_collections.vllm.cluster.plugins.module_utils.guard.model import DEAD, DOWN, STOPPING, UP, View
from ansible_collections.vllm.cluster.plugins.module_utils.guard.worker import Gone, Record, Worker

RULES = model.Rules()


def follow(state, own, view, seconds=4):
    """Some ticks with the same sight; the restarts, and the state after them."""
    restarts = []
    for second in range(seconds):
        unit = own._replace(age=own.age + second)
        seen = view and view._replace(age=view.age + second)
        state, actions = worker.decide(state, (unit,), seen, 100.0 + second, RULES)
        restarts += [action.text for action in actions if isinstance(action, model.Restart)]
    return restarts, state


def unit(invocation="w1", age=100.0, state=UP):
    return model.Unit(invocation, state, age)


def epoch(name="E2", age=1.0, proved=None, past=None, number=2):
    return View(name, number, age, proved, "loading", past)


SERVED = Worker(record=Record("E1", 1, "w1", joined=True, proved=True))


def test_units_that_served_the_epoch_before_are_restarted_once():
    restarts, _state = follow(SERVED, unit(), epoch())
    assert restarts == ["units restarted: the head began epoch 2, these served epoch 1"]


@pytest.mark.parametrize(
    ("state", "own", "view"),
    [
        (Worker(), unit(), epoch()),  # a guard that is new here
        (SERVED, unit(), None),  # no head
        (SERVED, unit(), epoch(None)),  # a head whose units change
        (SERVED, unit(), epoch("E1")),  # the same epoch
        (SERVED, unit(age=0.5, invocation="w2"), epoch(age=3)),  # units that began after it
        (SERVED, unit(age=6.0, invocation="w2"), epoch(age=3)),  # too young for the rendezvous before the epoch
        (SERVED, unit(), epoch(proved=2.0)),  # a token was made with them
        (SERVED, unit(state=DOWN), epoch()),  # stopped by somebody
        (SERVED, unit(state=STOPPING), epoch()),  # at it already
    ],
)
def test_nothing_else_is(state, own, view):
    assert follow(state, own, view)[0] == []


@pytest.mark.parametrize(
    ("state", "own", "view"),
    [
        (Worker(), unit(), epoch(past="w1")),  # the head remembers what the lost record held
        (Worker(), unit("w9"), epoch(past="w1")),  # older than the epoch, and the guard was here before
        (SERVED, unit("w9"), epoch(age=50)),
        (SERVED, unit("w9", age=7.0), epoch(age=3)),  # old enough to have joined the one before
        (SERVED, unit(state=DEAD), epoch()),  # systemd would wait longer
        (SERVED, unit(), epoch(proved=200.0)),  # the token is older than these units
    ],
)
def test_older_units_are_restarted_without_a_record_of_them_too(state, own, view):
    assert len(follow(state, own, view)[0]) == 1


def test_without_lockstep_a_token_proves_nothing():
    state = SERVED
    for second in range(4):
        view = epoch(proved=2.0, age=1.0 + second)
        state, _actions = worker.decide(state, (unit(),), view, 100.0 + second, model.Rules(lockstep=False))
    assert state.flight is not None


def test_a_planned_restart_that_comes_with_the_epoch_is_not_doubled():
    restarts, state = follow(SERVED, unit(), epoch(age=0.5), seconds=2)
    assert restarts == []
    restarts, state = follow(state, unit("w2", age=0.2), epoch(age=2.0))
    assert restarts == []
    assert state.record.units == "w2"


def test_an_epoch_that_the_guard_began_is_followed_at_once():
    view = epoch(age=0.5)
    assert follow(SERVED, unit(), view, seconds=1)[0] == []
    assert len(follow(SERVED, unit(), view._replace(ordered=True), seconds=1)[0]) == 1


def test_units_that_were_replaced_while_no_guard_looked_may_have_joined():
    state = worker.restored(worker.kept(Worker(record=Record("E2", 2, "w1"))))
    state, _actions = worker.decide(state, (unit("w2", age=1.0),), epoch(), 100.0, RULES)
    assert worker.beat(state) == model.Beat("E2", "w2", "w1", UP)


def test_units_that_died_young_leave_no_trace():
    state = Worker(record=Record("E2", 2, "w1"))
    state, _actions = worker.decide(state, (unit("w1", age=1.0),), epoch(), 99.0, RULES)
    state, _actions = worker.decide(state, (unit("w2", age=1.0),), epoch(), 100.0, RULES)
    assert worker.beat(state) == model.Beat("E2", "w2", None, UP)


def test_units_that_joined_stay_on_record():
    state = Worker(record=Record("E2", 2, "w1"))
    state, _actions = worker.decide(state, (unit("w1", age=6.0),), None, 100.0, RULES)
    state, _actions = worker.decide(state, (unit("w2", age=0.3),), epoch(), 101.0, RULES)
    assert worker.beat(state) == model.Beat("E2", "w2", "w1", UP)


def test_units_that_may_have_joined_unseen_are_told_of():
    state = Worker(
        record=Record("E1", 1, "w1", joined=True, proved=True), gone=Gone("w2", 99.0), own=model.Own("w3", UP, 0.1)
    )
    _restarts, state = follow(state, unit("w3", age=0.5), epoch(age=60.0), seconds=1)
    assert worker.beat(state).served == "w2"
    state = Worker(
        record=Record("E1", 1, "w1", joined=True, proved=True), gone=Gone("w1", 99.0), own=model.Own("w3", UP, 0.1)
    )
    _restarts, state = follow(state, unit("w3", age=0.5), epoch(age=60.0), seconds=1)
    assert worker.beat(state).served is None


def test_head_lost_and_back_is_said_once_each():
    said = []
    state = Worker()
    for second, view in enumerate([epoch("E1")] * 3 + [None] * 3 + [epoch("E1")] * 2):
        state, actions = worker.decide(state, (unit(),), view, 100.0 + second, RULES, "gpu1")
        said += [action.text for action in actions]
    assert [text for text in said if "gpu1 is" in text] == [
        "gpu1 is heard: epoch 2, loading",
        "gpu1 is not heard any more: nothing is done here until it is back",
        "gpu1 is heard: epoch 2, loading",
    ]


def test_the_record_comes_back():
    for state in (SERVED, Worker()):
        document = json.loads(json.dumps(worker.kept(state)))
        assert worker.restored(document).record == state.record


@pytest.mark.parametrize(
    "record", [3, [], {"epoch": "E"}, {"epoch": 1, "number": 1, "units": "w", "joined": True, "proved": True}]
)
def test_a_damaged_record_is_refused(record):
    with pytest.raises(ValueError, match=r"."):
        worker.restored({"record": record})
    with pytest.raises(ValueError, match=r"."):
        worker.restored([])
