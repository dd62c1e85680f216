# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small inventory and small hosts for the planner's tests."""

from __future__ import annotations

from ansible_collections.vllm.cluster.plugins.module_utils.planning import intent, plan
from ansible_collections.vllm.cluster.plugins.module_utils.planning.errors import PlanError

GROUPS = {
    "gpu": ["gpu1", "gpu2"],
    "gpu1": ["gpu1"],
    "gpu2": ["gpu2"],
    "cpu1": ["cpu1"],
    "all": ["gpu1", "gpu2", "cpu1"],
}
ADDRESSES = {"gpu1": "192.0.2.1", "gpu2": "192.0.2.2", "cpu1": "192.0.2.3"}


def select(pattern):
    return GROUPS.get(pattern, [])


def probe(gpus=0, cpus=16, listeners=(), paths=None):
    return {
        "machine": "x86_64",
        "cpus": cpus,
        "gpus": [{"index": index} for index in range(gpus)],
        "listeners": list(listeners),
        "paths": paths or {},
    }


PROBES = {"gpu1": probe(8), "gpu2": probe(8), "cpu1": probe(0)}


def parse_raw(services, **fleet):
    return intent.parse({"vllm_services": services, **fleet}, select)


def parse(*services, **fleet):
    return parse_raw(list(services), **fleet)


def make(*services, probes=None, **fleet):
    """The plan of these services."""
    return plan.plan(
        parse_raw(fleet.pop("vllm_services", list(services)), **fleet), {**PROBES, **(probes or {})}, ADDRESSES
    )


def refusals_of(*services, probes=None, **fleet):
    """What the planner refuses; [] for a good intent."""
    try:
        make(*services, probes=probes, **fleet)
    except PlanError as error:
        return error.refusals
    return []


def units(document):
    return {unit["name"]: unit for host in document["hosts"].values() for unit in host["units"]}


def assert_refused(services, fleet, probes, path, words):
    """The planner refuses, names the path, says the words and a fix, and tells no secret."""
    listed = services if isinstance(services, list) else []
    fleet = fleet if listed == services else {**fleet, "vllm_services": services}
    messages = {refusal.path: str(refusal) for refusal in refusals_of(*listed, probes=probes, **fleet)}
    assert path in messages, messages
    assert [word for word in words if word not in messages[path]] == []
    assert "Fix: " in messages[path]
    assert "hidden" not in messages[path]
