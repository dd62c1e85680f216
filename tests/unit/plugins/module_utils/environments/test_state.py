# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.environments.state import (
    Environment,
    EnvironmentFailure,
    Found,
    Record,
    decide,
    differences,
)

ITEM = {
    "name": "e",
    "path": "/opt/e",
    "python": "/usr/bin/python3",
    "requirements": ["b==1", "a==2"],
    "excludes": ["Torch_Vision", "c"],
    "aliases": {"vLLM": "0.32.0+cpu"},
    "torch_backend": "cpu",
}
PACKAGES = {"a": "2", "b": "1", "vllm": "0.32.0+cpu"}
PYTHON = "/usr/bin/python3.11"


@pytest.fixture
def environment():
    return Environment.from_plan(ITEM)


@pytest.fixture
def found(environment):
    record = Record(True, environment.request.digest(), PYTHON, PACKAGES)
    return Found(record=record, recorded=True, occupied=True, runnable=True, packages=PACKAGES)


def test_order_and_spelling_of_the_lists_mean_nothing(environment):
    other = {**ITEM, "requirements": ["a==2", "b==1"], "excludes": ["c", "torch-vision"]}
    assert Environment.from_plan(other) == environment


def test_what_is_as_planned_is_left_alone(environment, found):
    assert decide(environment, found, PYTHON).action == "none"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"occupied": False, "record": None, "recorded": False}, "not there"),
        ({"occupied": False}, "not there"),
        ({"record": None}, "did not finish"),
        ({"runnable": False}, "damaged"),
    ],
)
def test_what_is_not_whole_is_built(environment, found, change, reason):
    decision = decide(environment, replace(found, **change), PYTHON)
    assert decision.action == "build"
    assert reason in decision.reason


def test_what_was_cut_off_is_built(environment, found):
    record = replace(found.record, complete=False)
    assert decide(environment, replace(found, record=record), PYTHON).action == "build"


def test_another_interpreter_is_built(environment, found):
    decision = decide(environment, found, "/usr/bin/python3.13")
    assert decision.action == "build"
    assert "/usr/bin/python3.11" in decision.reason
    assert "/usr/bin/python3.13" in decision.reason


@pytest.mark.parametrize(
    "change",
    [
        {"requirements": ["a==3", "b==1"]},
        {"excludes": []},
        {"aliases": {}},
        {"torch_backend": None},
    ],
)
def test_another_request_is_installed_without_a_lock(found, change):
    decision = decide(Environment.from_plan({**ITEM, **change}), found, PYTHON)
    assert (decision.action, decision.lock) == ("install", {})


@pytest.mark.parametrize(
    ("packages", "told"),
    [
        ({**PACKAGES, "x": "9"}, "+x==9"),
        ({"a": "2", "b": "1"}, "-vllm==0.32.0+cpu"),
        ({**PACKAGES, "a": "1"}, "a 2 -> 1"),
    ],
)
def test_drift_is_put_back_to_the_recorded_versions(environment, found, packages, told):
    decision = decide(environment, replace(found, packages=packages), PYTHON)
    assert (decision.action, decision.lock) == ("install", PACKAGES)
    assert told in decision.reason


def test_a_directory_of_somebody_else_is_refused(environment, found):
    with pytest.raises(EnvironmentFailure, match=r"/opt/e is there but was not made by this collection.*Fix:"):
        decide(environment, replace(found, record=None, recorded=False), PYTHON)


def test_a_record_survives_writing_and_reading(found):
    assert Record.from_json(found.record.to_json()) == found.record


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"schema_version": 1}', '{"schema_version": 2}'])
def test_what_is_no_record_is_none(text):
    assert Record.from_json(text) is None


def test_differences_are_in_order_of_names():
    assert differences({"b": "1", "c": "1", "a": "1"}, {"c": "2", "a": "1", "d": "1"}) == ["-b==1", "c 1 -> 2", "+d==1"]
