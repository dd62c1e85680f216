# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.units import texts
from ansible_collections.vllm.cluster.plugins.module_utils.units.errors import UnitError
from ansible_collections.vllm.cluster.plugins.module_utils.units.transaction import Found, Wanted, decide
from hypothesis import given
from hypothesis import strategies as st

DIR = "/etc/systemd/system"
A, B, C = "vllm-a-0.service", "vllm-b-0.service", "vllm-c-0.service"


def service(name, exec_="/bin/x", environment='A="1"\n', restart_with=(), stop=60):
    text = f"[Service]\nExecStart={exec_}\nTimeoutStopSec={stop}\n"
    return Wanted(name, texts.stamp(name, text), environment, tuple(restart_with))


def target():
    return Wanted(texts.TARGET, texts.stamp(texts.TARGET, "[Unit]\n"), None)


def running(unit, **changes):
    """The host's state after ``unit`` was applied."""
    state = Found(
        text=unit.text,
        environment=unit.environment,
        record=None if unit.environment is None else texts.digest(unit.text, unit.environment),
        fragment=f"{DIR}/{unit.name}",
        active_state="active",
        enabled=True,
    )
    return dataclasses.replace(state, **changes)


def all_running(*units):
    return {unit.name: running(unit) for unit in units}


def operations(transaction):
    return {step.name: step.operations for step in transaction.steps}


def test_a_fresh_host_gets_everything_without_consent():
    wanted = [target(), service(A), service(B)]
    transaction = decide(wanted, {}, DIR)
    assert operations(transaction) == {
        texts.TARGET: ["write unit", "enable", "start"],
        A: ["write unit", "write environment", "enable", "start"],
        B: ["write unit", "write environment", "enable", "start"],
    }
    assert transaction.reloads
    assert transaction.names("needs_consent") == []
    assert transaction.names("renews") == [A, B]


def test_a_host_as_wanted_needs_nothing():
    wanted = [target(), service(A), service(B)]
    transaction = decide(wanted, all_running(*wanted), DIR)
    assert transaction.steps == ()
    assert not transaction.reloads
    assert not transaction.changes


def test_a_changed_argument_restarts_its_unit_only():
    found = all_running(target(), service(A), service(B))
    transaction = decide([target(), service(A, exec_="/bin/y"), service(B)], found, DIR)
    assert operations(transaction) == {A: ["write unit", "restart"]}
    assert transaction.reloads
    assert transaction.names("needs_consent") == [A]
    assert transaction.steps[0].reasons == ("the unit file changes",)


def test_a_unit_that_serves_nobody_restarts_without_consent():
    changed = dataclasses.replace(service(A, exec_="/bin/y"), freely=True)
    transaction = decide([changed], all_running(service(A)), DIR)
    assert operations(transaction) == {A: ["write unit", "restart"]}
    assert transaction.names("needs_consent") == []


def test_a_changed_variable_restarts_without_a_reload():
    found = all_running(service(A))
    transaction = decide([service(A, environment='A="2"\n')], found, DIR)
    assert operations(transaction) == {A: ["write environment", "restart"]}
    assert not transaction.reloads


def test_what_systemd_takes_on_reload_interrupts_nobody():
    transaction = decide([service(A, stop=90)], all_running(service(A)), DIR)
    assert operations(transaction) == {A: ["write unit"]}
    assert transaction.reloads
    assert transaction.names("needs_consent") == []


def test_a_comment_in_the_environment_interrupts_nobody():
    transaction = decide([service(A, environment='# new\nA="1"\n')], all_running(service(A)), DIR)
    assert operations(transaction) == {A: ["write environment"]}


@pytest.mark.parametrize("record", [None, "0" * 64])
def test_an_interrupted_run_is_gone_on_with(record):
    unit = service(A)
    transaction = decide([unit], {A: running(unit, record=record)}, DIR)
    assert operations(transaction) == {A: ["restart"]}
    assert transaction.steps[0].reasons == ("an earlier run ended before its restart",)
    assert transaction.names("needs_consent") == [A]


@pytest.mark.parametrize("state", ["inactive", "failed", "deactivating"])
def test_a_unit_that_is_down_is_started_without_consent(state):
    unit = service(A)
    transaction = decide([unit], {A: running(unit, active_state=state)}, DIR)
    assert operations(transaction) == {A: ["start"]}
    assert transaction.steps[0].reasons == (state,)
    assert transaction.names("needs_consent") == transaction.names("renews") == []


def test_a_unit_that_keeps_failing_is_mended_without_consent():
    found = {A: running(service(A), active_state="activating")}
    transaction = decide([service(A, exec_="/bin/y")], found, DIR)
    assert operations(transaction) == {A: ["write unit", "restart"]}
    assert transaction.names("needs_consent") == []


def test_a_unit_that_systemd_is_starting_is_left_to_it():
    unit = service(A)
    assert decide([unit], {A: running(unit, active_state="activating")}, DIR).steps == ()


def test_a_changed_unit_that_is_down_is_started_and_recorded():
    found = {A: running(service(A), active_state="failed")}
    transaction = decide([service(A, exec_="/bin/y")], found, DIR)
    assert operations(transaction) == {A: ["write unit", "start"]}
    assert transaction.names("renews") == [A]


@pytest.mark.parametrize(
    ("change", "expected", "reloads"),
    [
        ({"enabled": False}, {A: ["enable"]}, True),
        ({"modes_right": False}, {A: ["write unit", "write environment"]}, True),
        ({"environment": None}, {A: ["write environment", "restart"]}, False),
        ({"needs_reload": True}, {}, True),
        ({"text": None}, {A: ["write unit", "restart"]}, True),
    ],
)
def test_damage_is_mended(change, expected, reloads):
    unit = service(A)
    transaction = decide([unit], {A: running(unit, **change)}, DIR)
    assert operations(transaction) == expected
    assert transaction.reloads is reloads
    assert transaction.changes


def test_dependants_restart_too_however_far():
    chain = [service(A, restart_with=[B]), service(B, restart_with=[C]), service(C)]
    changed = [*chain[:2], service(C, exec_="/bin/y")]
    transaction = decide(changed, all_running(*chain), DIR)
    assert operations(transaction) == {A: ["restart"], B: ["restart"], C: ["write unit", "restart"]}
    assert transaction.steps[0].reasons == (f"restarts with {B}",)
    assert transaction.names("needs_consent") == [A, B, C]


def test_units_that_restart_with_each_other_do():
    pair = [service(A, restart_with=[B]), service(B, restart_with=[A])]
    transaction = decide([service(A, "/bin/y", restart_with=[B]), pair[1]], all_running(*pair), DIR)
    assert operations(transaction) == {A: ["write unit", "restart"], B: ["restart"]}


def test_a_mere_start_takes_nobody_along():
    pair = [service(A, restart_with=[B]), service(B)]
    found = {**all_running(*pair), B: running(pair[1], active_state="inactive")}
    assert operations(decide(pair, found, DIR)) == {B: ["start"]}


def test_what_the_plan_dropped_goes_first_and_needs_consent_when_it_runs():
    wanted = [target(), service(A)]
    found = all_running(*wanted, service(B), service(C))
    found[C] = dataclasses.replace(found[C], active_state="failed")
    transaction = decide(wanted, found, DIR)
    assert operations(transaction) == {B: ["remove"], C: ["remove"]}
    assert transaction.names("needs_consent") == [B]
    assert decide(wanted, found, DIR, prune=False).steps == ()


def test_nothing_wanted_removes_the_target_and_asks_only_for_the_services():
    transaction = decide([], all_running(target(), service(A)), DIR)
    assert operations(transaction) == {A: ["remove"], texts.TARGET: ["remove"]}
    assert transaction.names("needs_consent") == [A]


def test_the_target_never_restarts():
    changed = Wanted(texts.TARGET, texts.stamp(texts.TARGET, "[Unit]\nDescription=x\n[Service]\nA=b\n"), None)
    transaction = decide([changed], all_running(target()), DIR)
    assert operations(transaction) == {texts.TARGET: ["write unit"]}


FOREIGN = [
    ({"text": "[Service]\nExecStart=/bin/other\n"}, "was not written by vllm.cluster"),
    ({"text": texts.stamp(B, "[Service]\n")}, "was not written by vllm.cluster"),  # a copy of B under A's name
    ({"text": None, "link": True}, "is a link"),
    ({"text": None, "fragment": "/usr/lib/systemd/system/vllm-a-0.service"}, "from /usr/lib/systemd"),
    ({"text": None, "fragment": "/run/systemd/transient/vllm-a-0.service"}, "from /run/systemd"),
]


@pytest.mark.parametrize(("state", "told"), FOREIGN)
def test_a_unit_of_somebody_else_is_refused(state, told):
    with pytest.raises(UnitError, match=told) as caught:
        decide([service(A)], {A: Found(**{"fragment": f"{DIR}/{A}", **state})}, DIR)
    assert caught.value.unit == A


@pytest.mark.parametrize(("state", "told"), FOREIGN)
def test_a_unit_of_somebody_else_is_never_removed(state, told):
    found = {A: Found(**{"fragment": f"{DIR}/{A}", "active_state": "active", **state})}
    assert decide([], found, DIR).steps == (), told


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ([service(A), service(A)], "given twice"),
        ([service(A, restart_with=[B])], f"restart_with names {B}, which is no unit of this host"),
    ],
)
def test_lists_that_do_not_fit_together_are_refused(wanted, told):
    with pytest.raises(UnitError, match=told):
        decide(wanted, {}, DIR)


NAMES = [f"vllm-u-{number}.service" for number in range(4)]
UNITS = st.builds(
    lambda name, number, stop: service(name, f"/bin/{number}", f'A="{number}"\n', stop=stop),
    st.sampled_from(NAMES),
    st.integers(0, 2),
    st.sampled_from([60, 90]),
)
SETS = st.lists(UNITS, unique_by=lambda unit: unit.name)


@given(SETS, SETS, st.data())
def test_any_change_touches_what_differs_and_nothing_else(before, after, data):
    found = all_running(*before)
    for unit in before:
        if data.draw(st.booleans(), label=f"{unit.name} is down"):
            found[unit.name] = dataclasses.replace(found[unit.name], active_state="inactive")
    transaction = decide(after, found, DIR)
    old, new = {unit.name: unit for unit in before}, {unit.name: unit for unit in after}
    assert set(transaction.names("removes")) == set(old) - set(new)
    for name, unit in new.items():
        same_process = name in old and texts.digest(old[name].text, old[name].environment) == texts.digest(
            unit.text, unit.environment
        )
        up = name in old and not found[name].down
        assert (name in transaction.names("restarts")) == (up and not same_process)
        assert (name in transaction.names("starts")) == (not up)
        assert (name in transaction.names("writes_text")) == (name not in old or old[name].text != unit.text)
    applied = all_running(*after)
    assert not decide(after, applied, DIR).changes
