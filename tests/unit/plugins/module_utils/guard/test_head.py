# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The head's decisions one by one: thresholds, back-off, what is said, what is kept."""

from __future__ import annotations

import json

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.guard import head, model
from ansible_collections.vllm.cluster.plugins.module_utils.guard.model import DEAD, DOWN, STOPPING, UP


class Driver:
    """A head, ticked each second, with one member that beats as it should; an engine that answers as told."""

    def __init__(self, **rules):
        self.rules = model.Rules(**rules)
        self.state = head.new(("w",))
        self.now, self.unit, self.born, self.unit_state = 1000.0, "h1", 1000.0, UP
        self.api = model.Api(health="refused")
        self.beats = True
        self.answers = True
        self.worker = ("w1", UP)
        self.actions = []
        self.asked = None
        self.obeys = True

    def tick(self, seconds=1.0):
        self.now += seconds
        api = self.api
        if self.asked is not None and self.answers:
            api, self.asked = api._replace(canary=model.Canary("token", self.asked, 0.1)), None
        epoch = self.state.epoch.id if self.state.epoch else None
        units, state = self.worker
        beats = {"w": model.Beat(epoch, units, units, state)} if self.beats else {}
        linked = frozenset(["w"]) if self.beats else frozenset()
        own = (model.Unit(self.unit, self.unit_state, self.now - self.born),)
        self.state, actions = head.decide(self.state, own, beats, linked, api, self.now, self.rules)
        for action in actions:
            self.actions.append((self.now, action))
            if isinstance(action, model.Ask):
                self.asked = self.now
            if isinstance(action, model.Restart) and self.obeys:
                self.unit, self.born = self.unit + "'", self.now + 0.5
                self.worker = (self.worker[0] + "'", UP)
        return actions

    def run(self, seconds):
        for _tick in range(int(seconds)):
            self.tick()
        return self

    def serve(self):
        self.api = model.Api("ok", {"0": model.Page((0.0,), 0.0)})
        return self.run(5)

    def restarts(self):
        return [(when, action.reason) for when, action in self.actions if isinstance(action, model.Restart)]

    def texts(self):
        return [action.text for _when, action in self.actions if hasattr(action, "text")]


def test_readiness_needs_health_and_a_token():
    made = Driver()
    made.run(60)
    assert made.state.phase == "loading"
    made.api, made.answers = model.Api("ok", {}), False
    made.run(60)
    assert made.state.phase == "loading"
    made.answers = True
    made.run(2)
    assert made.state.phase == "serving"
    assert not made.restarts()


def test_the_first_canary_may_take_as_long_as_the_start():
    made = Driver()
    made.api, made.answers = model.Api("ok", {}), False
    made.run(3000)
    assert not made.restarts()
    assert sum(isinstance(action, model.Ask) for _when, action in made.actions) == 1


@pytest.mark.parametrize(("health", "word"), [("failing", "the engine is dead"), ("refused", "refuses connections")])
def test_a_health_that_stays_bad_while_the_unit_runs(health, word):
    made = Driver().serve()
    bad = made.now
    made.api = model.Api(health=health)
    made.run(10)
    assert not made.restarts()
    made.run(3)
    assert [reason for _when, reason in made.restarts()] == ["unhealthy"]
    assert made.restarts()[0][0] - bad <= 12
    assert word in made.texts()[-1]


def test_a_bad_health_before_the_engine_was_ready_is_a_load():
    made = Driver()
    made.api = model.Api(health="failing")
    assert not made.run(300).restarts()


def test_an_api_without_any_answer_is_a_hang_after_the_limit():
    made = Driver().serve()
    for waited in range(1, 46):
        made.api = model.Api(waiting=float(waited))
        assert not made.restarts()
        made.tick()
    assert [reason for _when, reason in made.restarts()] == ["stalled"]
    assert any("suspect" in text and "API does not answer" in text for text in made.texts())


def busy(count, tokens=0.0):
    return model.Api("ok", {"0": model.Page((tokens,), float(count))})


def test_running_requests_without_a_token_are_a_hang_and_with_one_now_and_then_are_not():
    made = Driver().serve()
    for second in range(400):
        made.api = busy(3, second // 40)
        made.tick()
    assert not made.restarts()
    assert any("suspicion over" in text for text in made.texts())
    made.run(50)
    assert [reason for _when, reason in made.restarts()] == ["stalled"]


def test_one_core_of_several_that_hangs_is_seen():
    made = Driver().serve()
    for second in range(50):
        pages = {"0": model.Page((float(second),), 1.0), "1": model.Page((7.0,), 1.0)}
        made.api = model.Api("ok", pages)
        made.tick()
    assert [reason for _when, reason in made.restarts()] == ["stalled"]
    assert any("on engine core 1" in text for text in made.texts())


def test_a_canary_is_sent_when_idle_and_never_beside_requests():
    made = Driver().serve()
    made.actions.clear()
    made.run(60)
    idle = sum(isinstance(action, model.Ask) for _when, action in made.actions)
    assert 13 <= idle <= 17
    made.actions.clear()
    for second in range(60):
        made.api = busy(1, second)
        made.tick()
    assert not any(isinstance(action, model.Ask) for _when, action in made.actions)


def test_a_refused_canary_is_said_and_health_alone_makes_ready():
    made = Driver()
    made.answers = False
    made.api = model.Api("ok", {}, model.Canary("refused", made.now + 1, 0.1, "/v1/completions answers 401"))
    made.run(3)
    assert made.state.phase == "serving"
    assert [text for text in made.texts() if "no canary is possible" in text and "401" in text]


def test_a_sleeping_engine_is_not_a_hanging_one():
    made = Driver().serve()
    made.api = model.Api("ok", {"0": model.Page((0.0,), 1.0, asleep=True)})
    assert not made.run(200).restarts()


def test_a_freeze_of_the_whole_host_restarts_nothing():
    made = Driver().serve()
    made.answers = False
    made.run(10)
    made.tick(600)
    made.answers = True
    assert not made.run(30).restarts()


def test_backoff_grows_and_a_calm_time_ends_the_row():
    made = Driver(start_timeout_s=5).serve()
    times = []
    for _fault in range(7):
        made.run(4)
        made.worker = (made.worker[0] + "x", UP)
        until = len(made.restarts()) + 1
        while len(made.restarts()) < until:
            made.tick()
        times.append(made.now)
    gaps = [after - before for before, after in zip(times, times[1:])]
    assert gaps[0] < 10
    assert gaps[1:] == pytest.approx([15, 30, 60, 60, 60], abs=2)
    assert any("back-off after" in text for text in made.texts())
    made.run(700)
    made.worker = ("again", UP)
    began = made.now
    until = len(made.restarts()) + 1
    while len(made.restarts()) < until:
        made.tick()
    assert made.now - began <= 5


def test_not_ready_in_time_is_restarted_only_with_all_members_there():
    made = Driver(start_timeout_s=100)
    made.beats = False
    assert not made.run(500).restarts()
    made.beats = True
    made.run(110)
    assert [reason for _when, reason in made.restarts()] == ["start-timeout"]


def test_a_leaving_guard_has_half_a_minute_even_while_the_engine_loads():
    made = Driver().run(10)
    beat = model.Beat(made.state.epoch.id, "w1", "w1", UP, leaving=True)
    made.now += 1
    own = (model.Unit("h1", UP, 5.0),)
    made.state, _actions = head.decide(made.state, own, {"w": beat}, frozenset(), made.api, made.now, made.rules)
    made.beats = False
    assert not made.run(30).restarts()
    made.run(12)
    assert [reason for _when, reason in made.restarts()] == ["member-lost"]


# A crash is acted on at once; what may be the begin of a planned restart of all members waits for the others.
@pytest.mark.parametrize(
    ("state", "word", "seconds"), [(DEAD, "died", 1), (DOWN, "stopped", 3), (STOPPING, "are stopping", 3)]
)
def test_a_members_dead_units(state, word, seconds):
    made = Driver().serve()
    made.worker = ("w1", state)
    began = made.now
    made.run(4)
    assert made.restarts() == [(began + seconds, "member-died")]
    assert f"group restart: units of member w {word}; epoch 1 -> 2" in made.texts()


def test_workers_are_told_whether_the_guard_began_the_epoch():
    made = Driver().serve()
    assert not head.view(made.state, "w", made.now).ordered
    made.worker = ("w1", DEAD)
    made.run(4)
    told = head.view(made.state, "w", made.now)
    assert (told.number, told.ordered) == (2, True)
    assert head.restored(json.loads(json.dumps(head.kept(made.state))), ("w",), made.now).epoch.ordered
    made.unit, made.born = "h3", made.now
    made.run(2)
    assert not head.view(made.state, "w", made.now).ordered


@pytest.mark.parametrize("state", [DOWN, STOPPING, DEAD])
def test_while_the_heads_own_units_change_nothing_is_judged(state):
    made = Driver().serve()
    made.unit_state = state
    made.beats = False
    assert not made.run(100).restarts()
    assert head.view(made.state, "w", made.now).epoch is None


def test_an_order_that_systemd_does_not_carry_out_is_given_again():
    made = Driver(patience_s=30).serve()
    made.obeys = False
    made.worker = ("w1", DEAD)
    made.run(80)
    assert len(made.restarts()) >= 2
    assert any("has not restarted the units within 30 s" in text for text in made.texts())


def test_a_canary_of_the_epoch_before_makes_nothing_ready():
    made = Driver().serve()
    made.unit, made.born = "h2", made.now + 0.5
    made.answers = False
    made.api = model.Api("ok", {}, model.Canary("token", made.now - 1, 2.0))
    made.run(10)
    assert made.state.phase == "loading"


def test_what_is_kept_comes_back():
    made = Driver().serve()
    made.worker = ("w2", UP)
    made.run(10)
    document = json.loads(json.dumps(head.kept(made.state)))
    back = head.restored(document, ("w",), made.now)
    assert head.kept(back) == document
    assert back.epoch == made.state.epoch
    assert back.watch.ready is not None


@pytest.mark.parametrize("key", ["epoch", "members", "row", "last_restart"])
@pytest.mark.parametrize("value", ["x", [1], {"w": {"joined": 3}}])
def test_a_damaged_record_is_refused(key, value):
    document = head.kept(Driver().serve().state)
    with pytest.raises(ValueError, match=r"."):
        head.restored({**document, key: value}, ("w",), 1.0)


def test_decisions_do_not_change_the_state_they_were_given():
    made = Driver().serve()
    before = repr(made.state)
    head.decide(made.state, None, {}, frozenset(), model.Api(waiting=50.0), made.now + 100, made.rules)
    assert repr(made.state) == before


def ray(engine, state=UP):
    return (model.Unit("ray1", UP, 60.0), model.Unit(engine, state, 1.0))


def test_a_ray_heads_engine_that_restarts_alone_begins_an_epoch_and_is_not_restarted_again():
    state, said = head.new(("w",)), []
    sights = [ray("e1"), ray("e1"), ray("e1", DEAD), ray("e1", DEAD), ray("e2"), ray("e2")]
    epochs = []
    for second, units in enumerate(sights):
        state, actions = head.decide(state, units, {}, frozenset(), model.Api(), 100.0 + second, model.Rules())
        epochs.append(head.view(state, "w", 100.0 + second).epoch)
        said += actions
    assert epochs == ["ray1+e1", "ray1+e1", None, None, "ray1+e2", "ray1+e2"]
    assert [action.text for action in said] == ["units were restarted, not by the guard; epoch 1 -> 2"]
    assert head.view(state, "w", 105.0).age == pytest.approx(2.0)


def test_requests_that_hang_get_no_canary_beside_them():
    made = Driver().serve()
    made.api = busy(1)
    made.tick()
    made.actions.clear()
    made.run(20)
    assert not any(isinstance(action, model.Ask) for _when, action in made.actions)


@pytest.mark.parametrize(("silence", "restarts"), [(1, 0), (30, 1)])
def test_a_member_that_may_have_joined_unseen_and_is_another_now(silence, restarts):
    made = Driver().run(2)
    made.run(2)
    made.state.members["w"].joined = None
    made.beats = False
    made.run(silence)
    epoch = made.state.epoch.id
    for _tick in range(8):
        made.now += 1
        beats = {"w": model.Beat(epoch, "other", None, UP)}
        own = (model.Unit("h1", UP, made.now - made.born),)
        sight = own, beats, frozenset(["w"]), made.api, made.now, made.rules
        made.state, actions = head.decide(made.state, *sight)
        made.actions += [(made.now, action) for action in actions]
    assert [reason for _when, reason in made.restarts()] == ["member-restarted"] * restarts


def test_the_head_remembers_who_joined_the_epoch_before():
    made = Driver().serve()
    assert head.view(made.state, "w", made.now).past is None
    made.unit, made.born = "h2", made.now
    made.tick()
    assert head.view(made.state, "w", made.now).past == "w1"
