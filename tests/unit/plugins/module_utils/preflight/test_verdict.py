# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The judgement of a round, and the report of all of them."""

from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.preflight import verdict

from tests.unit.plugins.module_utils.preflight.test_collective import Run


@pytest.fixture
def run(fleet):
    """Three members of engine r1-0, and what both modules returned on them."""
    return Run(fleet, 3)


def a_round(members, why=None):
    items = [
        {
            "name": member.name,
            "address": member.address,
            "interface": member.interface,
            "hostname": None,
            "ports": list(member.ports),
        }
        for member in members
    ]
    engine = {"members": items, "collective_members": items, "why_no_collective": why}
    return {"hosts": {member.name: "r1-0" for member in members}, "engines": {"r1-0": engine}}


def judged(run, results=None, why=None):
    peers = {name: {"report": report} for name, report in run.fleet.reports.items()}
    return verdict.judge_round(a_round(run.members, why), {**peers, **(results or {})})


def summed(run, results=None):
    sums = {name: {"report": report} for name, report in run.reports.items()}
    return verdict.judge_sums(a_round(run.members), ["r1-0"], {**sums, **(results or {})})


def test_members_that_meet_go_on_to_the_collective(run):
    run.fleet.way("gpu2", "gpu3")["latency_ms"]["median"] = 0.9
    run.fleet.way("gpu3", "gpu1")["throughput"]["mbits"] = 800.0
    answer = judged(run)
    assert (answer["collective"], answer["findings"]) == (["r1-0"], {"r1-0": []})
    assert answer["told"] == [
        "r1-0: 6 ways between 3 members are open, the slowest answers in 0.90 ms (gpu2 -> gpu3), "
        "the thinnest carries 800 Mb/s (gpu3 -> gpu1)."
    ]


def test_members_that_do_not_meet_run_no_collective(run):
    run.fleet.lose("gpu1", "gpu2")
    answer = judged(run)
    assert [item["id"] for item in answer["findings"]["r1-0"]] == ["path-blocked"]
    assert answer["collective"] == []
    assert answer["told"] == ["r1-0: no collective is run: the network between its members is not fit."]


def test_a_collective_that_must_not_run_is_said(run):
    answer = judged(run, why="the engine runs on gpu1")
    assert answer["collective"] == []
    assert answer["told"][1] == "r1-0: no collective is run: the engine runs on gpu1."


@pytest.mark.parametrize("result", [None, {"unreachable": True, "msg": "Failed to connect to the host via ssh "}])
def test_a_host_without_a_report_is_absent_with_ansibles_reason(run, result):
    del run.fleet.reports["gpu3"]
    for name in ("gpu1", "gpu2"):
        run.fleet.reports[name]["peers"]["gpu3"].update(state="timeout")
    (finding,) = judged(run, {"gpu3": result})["findings"]["r1-0"]
    assert (finding["id"], finding["from"]) == ("member-absent", "gpu3")
    assert finding["what"].endswith(": Failed to connect to the host via ssh" if result else "waited for it")


def test_sums_are_told_with_their_way(run):
    answer = summed(run)
    assert answer["findings"] == {"r1-0": []}
    assert answer["told"] == ["r1-0: 3 ranks sum rightly by nccl, 1.6 GB/s of bus bandwidth, NET/IB/GDRDMA."]


def test_wrong_sums_are_not_told_as_right(run):
    run.reports["gpu2"]["sizes"][0]["right"] = False
    answer = summed(run)
    assert [item["id"] for item in answer["findings"]["r1-0"]] == ["collective-wrong"]
    assert answer["told"] == []


def test_a_module_that_failed_on_a_host_is_named(run):
    answer = summed(run, {"gpu2": {"failed": True, "msg": "python = []: does not begin with a path"}})
    (finding,) = [item for item in answer["findings"]["r1-0"] if item["from"] == "gpu2"]
    assert finding["id"] == "member-absent"
    assert "does not begin with a path" in finding["what"]


def finding(level="error", **changes):
    return {"id": "mtu", "level": level, "from": "a", "to": "b", "what": "a -> b: small", "fix": "one MTU", **changes}


def test_what_is_found_for_several_engines_is_said_once():
    results = [
        {"told": ["one"], "findings": {"r1-0": [finding("warning", id="slow")], "r2-0": [finding()]}},
        {"told": ["two"], "findings": {"r1-0": [finding()]}},
    ]
    found, told = verdict.merge(results)
    assert [(item["id"], item["engines"]) for item in found] == [("mtu", ["r2-0", "r1-0"]), ("slow", ["r1-0"])]
    assert told == ["one", "two"]
    assert verdict.failure(found) == (
        "Preflight found 1 error; the engines would fail or hang:\n  mtu (r2-0, r1-0): a -> b: small. Fix: one MTU"
    )


def test_every_error_is_in_the_message_and_no_warning():
    found, _told = verdict.merge(
        [{"told": [], "findings": {"r1-0": [finding(), finding("warning", id="slow"), finding(id="clock")]}}]
    )
    message = verdict.failure(found)
    assert "2 errors" in message
    assert "mtu (" in message
    assert "clock (" in message
    assert "slow (" not in message


def test_warnings_alone_are_no_failure():
    found, _told = verdict.merge([{"told": [], "findings": {"r1-0": [finding("warning")]}}])
    assert verdict.failure(found) == ""
