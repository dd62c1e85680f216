# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's steps of a preflight, by the real ansible-playbook."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

GOLDEN = Path(__file__).resolve().parents[3] / "golden"
FINDING = {"id": "clock", "level": "error", "from": "gpu2", "to": None, "what": "the clock is late", "fix": "set it"}


@pytest.fixture
def plan():
    return json.loads((GOLDEN / "mp_two_nodes.plan.json").read_text())


def results(*findings):
    return [{"told": ["r1-0: all is open."], "findings": {"r1-0": list(findings)}}]


def test_engines_that_nobody_started_are_chosen_and_said(play, plan):
    rc, output, result = play("preflight", {"stage": "choose", "plan": plan, "variables": ["vllm_probe"]})
    assert rc == 0
    assert result["engines"] == ["r1-0"]
    assert "r1-0 (gpu1, gpu2) is checked: it does not run on gpu1, gpu2." in output


def test_a_plan_without_engines_of_several_hosts_says_so(play, plan):
    plan["engines"] = []
    arguments = {"stage": "choose", "plan": plan, "when": "always", "variables": ["vllm_probe"]}
    rc, output, result = play("preflight", arguments)
    assert (rc, result["engines"]) == (0, [])
    assert "No engine of the plan spans several hosts" in output


@pytest.mark.parametrize("options", [(), ("--check",)])
def test_errors_fail_with_all_of_them_and_warnings_are_shown(play, options):
    slow = {**FINDING, "id": "slow", "level": "warning", "what": "a cable is slow"}
    mtu = {**FINDING, "id": "mtu", "what": "packets are cut"}
    arguments = {"stage": "report", "results": results(FINDING, slow, mtu)}
    rc, output, result = play("preflight", arguments, options=options)
    assert rc != 0
    assert "2 errors" in result["msg"]
    assert "clock (r1-0): the clock is late. Fix: set it" in result["msg"]
    assert "mtu (r1-0): packets are cut. Fix: set it" in result["msg"]
    assert [item["id"] for item in result["findings"]] == ["clock", "mtu", "slow"]
    assert "[WARNING]: slow (r1-0): a cable is slow" in output
    assert "Traceback" not in output


def test_warnings_alone_fail_nothing(play):
    rc, output, result = play("preflight", {"stage": "report", "results": results({**FINDING, "level": "warning"})})
    assert (rc, result["changed"]) == (0, False)
    assert "r1-0: all is open." in output
    assert "Preflight found no error." in output


def test_nothing_wrong_is_said(play):
    rc, output, _result = play("preflight", {"stage": "report", "results": results()})
    assert rc == 0
    assert "Preflight found nothing wrong." in output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"stage": "choose"}, "plan, variables"),
        ({"stage": "peers", "variables": ["x"]}, "round"),
        ({"stage": "judge"}, "must be one of"),
        ({"stage": "report", "results": [], "when": "sometimes"}, "sometimes"),
    ],
)
def test_what_a_stage_needs_is_asked_for(play, arguments, told):
    rc, output, result = play("preflight", arguments)
    assert rc != 0
    assert told in result["msg"]
    assert "Traceback" not in output
