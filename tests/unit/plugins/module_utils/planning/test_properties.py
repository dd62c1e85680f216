# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for every cluster, looked at on thousands of random ones. Each finding names the seed that makes it."""

from __future__ import annotations

import collections
import copy
import traceback

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.planning.errors import PlanError
from ansible_collections.vllm.cluster.plugins.module_utils.planning.show import document

from . import properties
from .clusters import random_cluster

BATCH = 100
BATCHES = 20


def planned(cluster, variables=None):
    """(plan, None), or (None, the error); anything but a PlanError is a finding."""
    try:
        return cluster.plan(variables), None
    except PlanError as error:
        return None, error


def findings(seed):
    """All that is wrong with what the planner makes of one cluster."""
    cluster = random_cluster(seed)
    untouched = copy.deepcopy(cluster)
    plan, error = planned(cluster)
    if cluster != untouched:
        yield "the planner changed what it was given"
    if error is not None:
        yield from properties.of_refusals(error)
        again = planned(random_cluster(seed).shuffled())[1]
        if again is None or str(again) != str(error):
            yield "equal input is refused in other words"
        return
    yield from properties.of_plan(cluster, plan)
    if document.as_json(random_cluster(seed).shuffled().plan()) != document.as_json(plan):
        yield "equal input gives another plan"
    yield from explicit(cluster, plan)


def explicit(cluster, plan):
    """What the planner chose must be good when a person writes it."""
    variables, whole = properties.written_out(cluster, plan)
    again, error = planned(cluster, variables)
    if error is not None:
        yield f"its own plan is refused when written out: {error}"
    elif whole and used(again) != used(plan):
        yield f"its own plan written out gives other units: {difference(used(plan), used(again))}"
    elif [engine["parallel"] for engine in again["engines"]] != [engine["parallel"] for engine in plan["engines"]]:
        yield "its own plan written out gives other sizes"


def used(plan):
    """What the hosts get that get anything."""
    return {host: item for host, item in plan["hosts"].items() if item["units"]}


def difference(one, other, path=""):
    """Where two documents differ first."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted({*one, *other}):
            if one.get(key) != other.get(key):
                return difference(one.get(key), other.get(key), f"{path}.{key}")
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (left, right) in enumerate(zip(one, other)):
            if left != right:
                return difference(left, right, f"{path}[{index}]")
    return f"{path}: {one!r}, then {other!r}"


def findings_or_traceback(seed):
    try:
        yield from findings(seed)
    except Exception:
        yield "raises " + traceback.format_exc(limit=-3)


@pytest.mark.parametrize("batch", range(BATCHES))
def test_random_clusters(batch):
    seeds = range(batch * BATCH, (batch + 1) * BATCH)
    assert [f"seed {seed}: {text}" for seed in seeds for text in findings_or_traceback(seed)] == []


def test_the_clusters_are_of_all_kinds():
    """Properties of nothing but refusals, or of nothing but easy plans, would say little."""
    plans, refused, engines = 0, collections.Counter(), []
    for seed in range(600):
        plan, error = planned(random_cluster(seed))
        if error is not None:
            refused.update({refusal.id for refusal in error.refusals})
        else:
            plans += 1
            engines += plan["engines"]
    assert 0.3 * 600 < plans < 0.7 * 600
    assert len(refused) >= 12
    assert sum(len(engine["members"]) > 1 for engine in engines) > 50
    assert {engine["executor"] for engine in engines} == {"uni", "mp", "ray"}
    assert {engine["accelerator"] for engine in engines} == {"cuda", "cpu"}
    for key in ("tensor", "pipeline", "data"):
        assert sum(engine["parallel"][key] > 1 for engine in engines) > 20, key
    assert sum(engine["parallel"]["expert"] for engine in engines) > 20
    assert any(engine["executor"] == "ray" and len(engine["members"]) > 1 for engine in engines)
