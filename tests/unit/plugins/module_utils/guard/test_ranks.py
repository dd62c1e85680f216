# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rank that died while its unit lives on: who misses it, and what comes of it."""

from __future__ import annotations

import json

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.guard import head, model, ranks, says, worker
from ansible_collections.vllm.cluster.plugins.module_utils.guard.model import DEAD, STOPPING, UP


def processes(folder, **names):
    """A control group of processes, by id and name. Gives what ``running`` takes."""
    group = folder / "cgroup" / "systemd" / "system.slice" / "e.service"
    group.mkdir(parents=True)
    (group / "cgroup.procs").write_text("".join(f"{pid[1:]}\n" for pid in names))
    for pid, name in names.items():
        (folder / "proc" / pid[1:]).mkdir(parents=True)
        (folder / "proc" / pid[1:] / "comm").write_text(name + "\n")
    roots = (str(folder / "cgroup"), str(folder / "cgroup" / "systemd"))
    return {"roots": roots, "proc": str(folder / "proc")}


def test_ranks_are_known_by_their_names(tmp_path):
    names = {
        "p10": "vllm",
        "p11": "VLLM::EngineCor",
        "p12": "VLLM::Worker_PP",
        "p13": "ray::RayWorkerP",
        "p14": "ray::IDLE",
    }
    place = processes(tmp_path, **names)
    assert ranks.running("/system.slice/e.service", **place) == {11, 12, 13}
    (tmp_path / "proc" / "12" / "comm").unlink()  # it ended between the two looks
    assert ranks.running("/system.slice/e.service", **place) == {11, 13}
    assert ranks.running("", **place) == ranks.running("/other", **place) == frozenset()


def seen(*steps):
    """The moment from which a rank is missed after these steps: (seconds, invocation, state, ranks)."""
    made = ranks.Ranks()
    for now, ids, state, pids in steps:
        ranks.see(made, model.Own(ids, state, 100.0, frozenset(pids)), float(now))
    return made.gone


@pytest.mark.parametrize(
    ("steps", "gone"),
    [
        ([(0, "a", UP, [1, 2]), (20, "a", UP, [1, 2]), (21, "a", UP, [1])], 21.0),
        ([(0, "a", UP, [1, 2]), (21, "a", UP, [1]), (30, "a", UP, [1, 3])], 21.0),
        ([(0, "a", UP, [1]), (1, "a", UP, [1, 2]), (4, "a", UP, [1]), (40, "a", UP, [1])], None),  # a helper
        ([(0, "a", UP, [1]), (20, "b", UP, [])], None),  # another life of the unit
        ([(0, "a", UP, [1]), (20, "a", STOPPING, []), (21, "a", UP, [])], None),
        ([(0, "a", UP, [1]), (20, "a", DEAD, [])], None),
        ([(0, "a", UP, []), (100, "a", UP, [])], None),  # an engine that names none
    ],
)
def test_who_is_missed(steps, gone):
    assert seen(*steps) == gone


class Driver:
    """A head that serves with one member; each second both say which ranks they have."""

    def __init__(self, **rules):
        self.rules = model.Rules(**rules)
        self.state, self.worker = head.new(("w",)), worker.Worker()
        self.now, self.own, self.other, self.answers, self.canary = 1000.0, {1, 2}, {7}, True, None
        self.actions = []

    def tick(self):
        self.now += 1
        age = self.now - 1000.0
        view = head.view(self.state, "w", self.now) if self.state.epoch else None
        units = (model.Unit("w1", UP, age, frozenset(self.other)),)
        self.worker, _actions = worker.decide(self.worker, units, view, self.now, self.rules)
        told = says.to_beat(json.loads(json.dumps(says.of_beat(worker.beat(self.worker), 1))))
        api = model.Api("ok", {"0": model.Page((0.0,), 0.0)}, self.canary)
        units = (model.Unit("h1", UP, age, frozenset(self.own)),)
        self.state, actions = head.decide(
            self.state, units, {"w": told[1]}, frozenset(["w"]), api, self.now, self.rules
        )
        asked = any(isinstance(action, model.Ask) for action in actions)
        self.canary = model.Canary("token", self.now, 0.1) if asked and self.answers else None
        self.actions += [(self.now, action) for action in actions]
        return self

    def run(self, seconds):
        for _second in range(seconds):
            self.tick()
        return self

    def restarts(self):
        return [(when, action.text) for when, action in self.actions if isinstance(action, model.Restart)]


@pytest.mark.parametrize(
    ("left", "who"), [({"other": set()}, "member w"), ({"own": {1}}, "the head")], ids=["worker", "head"]
)
def test_a_rank_that_died_takes_the_group_with_it_where_no_token_comes(left, who):
    made = Driver().run(30)
    assert made.state.phase == "serving"
    began, made.answers = made.now, False
    vars(made).update(left)
    made.run(10)
    ((when, text),) = made.restarts()
    assert 5 <= when - began <= 7
    assert text == f"group restart: a rank of {who} died; epoch 1 -> 2"


def test_tokens_prove_that_nobody_is_missed():
    made = Driver().run(30)
    made.other = set()
    assert not made.run(60).restarts()


def test_without_lockstep_and_while_it_loads_nobody_is_missed():
    for made in (Driver(lockstep=False), Driver()):
        made.answers = made.rules.lockstep is False
        made.run(30)
        made.answers, made.other = False, set()
        assert not made.run(20).restarts()
