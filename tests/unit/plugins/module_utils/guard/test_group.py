# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A group's life under the guards' decisions: each fault brings it back, nothing else touches it."""

from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.guard import model
from hypothesis import given, settings
from hypothesis import strategies as st

from . import world

SERVING = 60.0  # by then every world of these tests serves
SEEDS = st.integers(0, 10_000)


def served(seed=0, **options):
    made = world.World(seed, **options).run(SERVING)
    assert made.works()
    assert not made.restarts()
    return made


def healed(made, since, restarts):
    """It serves again, all in one epoch, with so many head restarts at most, and comes to rest."""
    made.run(since + 200)
    assert made.works(), made.log
    assert made.one_epoch()
    assert len(made.restarts(world.HEAD, since)) <= restarts, made.restarts()
    assert not made.restarts(since=since + 120)
    return made


# nothing to do


@settings(max_examples=15, deadline=None)
@given(SEEDS, st.booleans())
def test_a_healthy_group_is_never_restarted(seed, busy):
    made = served(seed, workers=("w1", "w2"))
    made.busy = busy
    made.run(SERVING + 300)
    assert not made.restarts()


@settings(max_examples=15, deadline=None)
@given(SEEDS, st.floats(0, 40), st.floats(0, 40), st.floats(0, 40), st.floats(0, 40), st.floats(20, 300))
def test_boots_in_any_order_and_slow_loads_restart_nothing(seed, head_up, worker_up, head_guard, worker_guard, load):
    units, guards = {"h": head_up, "w1": worker_up}, {"h": head_guard, "w1": worker_guard}
    made = world.World(seed, load_s=load, units_from=units, guard_from=guards).run(load + 100)
    assert made.works()
    assert not made.restarts()
    assert made.one_epoch()


@settings(max_examples=15, deadline=None)
@given(SEEDS, st.sampled_from(["h", "w1"]), st.floats(1, 30), st.booleans())
def test_a_pause_of_thirty_seconds_restarts_nothing(seed, who, seconds, busy):
    made = served(seed)
    made.busy = busy
    made.hosts[who].paused = True
    made.run(made.now + seconds)
    made.hosts[who].paused = False
    made.run(made.now + 120)
    assert not made.restarts()


@settings(max_examples=15, deadline=None)
@given(SEEDS, st.sampled_from(["h", "w1"]), st.floats(0, 120), st.booleans(), st.booleans())
def test_a_guard_that_is_gone_for_a_while_changes_nothing(seed, who, seconds, forget, busy):
    made = served(seed)
    made.busy = busy
    made.guard_again(who, seconds, forget)
    made.run(made.now + seconds + 100)
    assert not made.restarts()


@settings(max_examples=10, deadline=None)
@given(SEEDS, st.floats(1, 100), st.booleans())
def test_a_firewall_between_the_guards_alone_restarts_nothing(seed, seconds, busy):
    made = served(seed)
    made.busy = busy
    made.fenced.add("w1")
    made.run(made.now + seconds)
    made.fenced.clear()
    made.run(made.now + 60)
    assert not made.restarts()


def test_units_that_somebody_stopped_stay_stopped():
    made = served()
    made.stop("h")
    made.run(made.now + 60)
    assert not made.restarts()
    made.start("h")
    healed(made, made.now, restarts=0)


# faults


@settings(max_examples=15, deadline=None)
@given(SEEDS, st.booleans(), st.booleans())
def test_a_dead_head_brings_the_workers_with_it(seed, notices, busy):
    made = served(seed, workers=("w1", "w2"), notices=notices)
    made.busy = busy
    since = made.now
    made.kill("h")
    healed(made, since, restarts=1 if notices else 0)
    assert notices or made.restarts("w1", since)


@settings(max_examples=15, deadline=None)
@given(SEEDS, st.booleans(), st.booleans())
def test_a_dead_worker_is_told_and_the_head_restarts(seed, notices, busy):
    made = served(seed, workers=("w1", "w2"), notices=notices)
    made.busy = busy
    since = made.now
    made.kill("w1")
    made.run(since + 10)
    head_at = [when for when, _host, _text in made.restarts("h", since)]
    assert notices or (head_at and head_at[0] - since <= 6)
    healed(made, since, restarts=2 if notices else 1)


@settings(max_examples=15, deadline=None)
@given(SEEDS, st.floats(20, 100), st.booleans())
def test_a_worker_host_without_power(seed, seconds, busy):
    made = served(seed, workers=("w1", "w2"))
    made.busy = busy
    since = made.now
    made.off("w1", seconds)
    made.run(since + 10)
    assert [when - since <= 8 for when, _host, _text in made.restarts("h", since)] == [True]
    healed(made, since + seconds, restarts=0)
    assert "member w1 lost" in made.restarts("h")[0][2]


@settings(max_examples=15, deadline=None)
@given(SEEDS, st.floats(5, 100), st.booleans())
def test_a_head_host_without_power(seed, seconds, busy):
    made = served(seed)
    made.busy = busy
    since = made.now
    made.off("h", seconds)
    healed(made, since + seconds, restarts=0)
    assert len(made.restarts("w1", since)) == 1


@settings(max_examples=15, deadline=None)
@given(SEEDS, st.floats(10, 100), st.booleans(), st.booleans())
def test_a_cut_network_that_heals(seed, seconds, busy, notices):
    made = served(seed, workers=("w1", "w2"), notices=notices)
    made.busy = busy
    since = made.now
    made.cut.add("w1")
    made.run(since + seconds)
    assert len(made.restarts("h", since)) == 1
    assert not made.restarts("w1", since)
    made.cut.clear()
    healed(made, made.now, restarts=0 if not notices else 1)


@settings(max_examples=15, deadline=None)
@given(SEEDS, st.floats(1, 40), st.floats(1, 40), st.floats(0, 5))
def test_all_hosts_reboot_in_any_order(seed, head_s, worker_s, between):
    made = served(seed)
    made.off("h", head_s)
    made.at(made.now + between, lambda: made.off("w1", worker_s))
    healed(made, made.now + max(head_s, worker_s + between) + 10, restarts=1)


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.floats(0, 4), st.floats(0, 4), st.booleans())
def test_a_planned_restart_of_all_hosts_at_once_costs_one_more_at_most(seed, head_at, worker_at, busy):
    made = served(seed)
    made.busy = busy
    since = made.now
    made.at(since + head_at, lambda: made.restart("h"))
    made.at(since + worker_at, lambda: made.restart("w1"))
    healed(made, since, restarts=1)
    assert len(made.restarts("h", since)) + len(made.restarts("w1", since)) <= 2


@settings(max_examples=10, deadline=None)
@given(SEEDS, st.sampled_from(["h", "w1"]), st.booleans())
def test_a_wedged_member_is_restarted_after_the_limit(seed, who, busy):
    made = served(seed)
    made.busy = busy
    since = made.now
    made.hosts[who].paused = True
    made.run(since + 44)
    assert not made.restarts()
    assert made.said("suspect")[0][0] - since <= 10
    made.run(since + 60)
    assert len(made.restarts("h")) == 1
    made.hosts[who].paused = False
    healed(made, made.now, restarts=0)


def test_units_that_hang_in_their_stop_are_killed():
    made = served()
    made.hosts["h"].stop_s = 60
    since = made.now
    made.kill("w1")
    healed(made, since, restarts=1)
    assert len(made.said("killed")) == 1


@pytest.mark.parametrize("lockstep", [True, False])
def test_without_lockstep_a_token_proves_nothing(lockstep):
    made = world.World(rules=model.Rules(lockstep=lockstep)).run(SERVING)
    made.fenced.add("w1")
    made.run(SERVING + 10)
    assert len(made.restarts()) == (0 if lockstep else 1)


# anything, in any order

FAULT = st.tuples(
    st.sampled_from(["kill", "restart", "off", "cut", "fence", "pause", "guard", "forget"]),
    st.sampled_from(["h", "w1", "w2"]),
    st.floats(0, 60),
    st.floats(1, 50),
)


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.lists(FAULT, min_size=1, max_size=6), st.booleans(), st.booleans())
def test_after_the_last_fault_the_group_comes_to_rest(seed, faults, notices, busy):
    # The time-out is what is left when records are lost in the very seconds of a fault.
    rules = model.Rules(start_timeout_s=150)
    made = world.World(seed, workers=("w1", "w2"), notices=notices, rules=rules).run(SERVING)
    made.busy = busy
    last = made.now
    for kind, who, after, seconds in faults:
        begin, end = SERVING + after, SERVING + after + seconds
        last = max(last, end)
        other = who if who != "h" else "w1"
        host = made.hosts[who]
        acts = {
            "kill": (lambda who=who: made.kill(who), None),
            "restart": (lambda who=who: made.restart(who), None),
            "off": (lambda who=who, seconds=seconds: made.off(who, seconds) if made.hosts[who].powered else None, None),
            "cut": (lambda other=other: made.cut.add(other), lambda other=other: made.cut.discard(other)),
            "fence": (lambda other=other: made.fenced.add(other), lambda other=other: made.fenced.discard(other)),
            "pause": (
                lambda host=host: setattr(host, "paused", True),
                lambda host=host: setattr(host, "paused", False),
            ),
            "guard": (lambda who=who, seconds=seconds: made.guard_again(who, seconds), None),
            "forget": (lambda who=who, seconds=seconds: made.guard_again(who, seconds, True), None),
        }[kind]
        made.at(begin, acts[0])
        if acts[1]:
            made.at(end, acts[1])
    made.run(last + 500)
    assert made.works(), made.log[-30:]
    assert made.one_epoch()
    assert not made.restarts(since=last + 400)
