# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of a rolling restart and their judge, by the real ansible-playbook."""

from __future__ import annotations

import json

import pytest

from tests.unit.plugins.module_utils.restart.test_steps import planned, reports

RESULTS = ["led_past", "restarted", "waited", "led_back"]


@pytest.fixture
def here():
    """A plan whose engines and front door are on the host of the test."""
    plan = planned("replicas")
    told = reports(plan)
    text = json.dumps({"plan": plan, "told": told}).replace('"gpu1"', '"host1"').replace('"gpu2"', '"host1"')
    found = json.loads(text)
    found["plan"]["hosts"] = {"host1": plan["hosts"]["gpu1"]}
    shares = [share for report in told.values() for share in report["engines"]]
    for engine in found["plan"]["engines"]:
        units = [unit for host in plan["hosts"].values() for unit in host["units"] if unit["engine"] == engine["name"]]
        found["plan"]["hosts"]["host1"]["units"] += [
            unit for unit in units if unit not in found["plan"]["hosts"]["host1"]["units"]
        ]
    return found["plan"], {**told["gpu1"], "engines": shares}


def given(**variables):
    return ["-e", json.dumps(variables)]


def test_steps_are_shown_and_told(play, here):
    plan, told = here
    rc, output, result = play("rolling_restart", {"plan": plan, "services": "qwen"}, options=given(vllm_status=told))
    assert rc == 0, output
    assert [step["engine"] for step in result["roll"]["engines"]] == ["qwen-0", "qwen-1", "qwen-2", "qwen-3"]
    assert result["roll"]["hosts"] == ["host1"]
    assert "  1.  qwen-0  host1  out of the front door on host1; qwen-1" in output


def test_a_refusal_names_all_reasons_and_no_traceback(play, here):
    plan, told = here
    told["engines"][1]["ok"] = False
    for share in told["engines"][1:]:
        share.update(ok=False, failed_rung="token")
        share["rungs"]["token"] = {"ok": False, "detail": "no answer"}
    rc, output, result = play("rolling_restart", {"plan": plan}, options=[*given(vllm_status=told), "-vvv"])
    assert rc == 2
    assert len(result["refusals"]) == 1
    assert result["msg"].startswith(
        "The restart is refused; no host was changed: qwen-0: no other engine of qwen serves"
    )
    assert "Traceback" not in output
    names = {"services": ["a", "b"]}
    result = play("rolling_restart", {"plan": plan, **names}, options=given(vllm_status=told))[2]
    assert result["msg"].startswith(
        "The restart is refused for 2 reasons; no host was changed:\n  vllm_restart_services[0]"
    )
    rc, output, _result = play("rolling_restart", {"plan": plan, "sides": "middle"}, options=given(vllm_status=told))
    assert rc == 2
    assert "value of sides must be one or more of: prefill, decode" in output


@pytest.mark.parametrize(
    ("results", "told"),
    [
        ({}, None),
        ({"led_past": {"skipped": True}, "waited": {"failed": False}}, None),
        ({"led_past": {"failed": True, "msg": "2 left"}}, "on host1: 2 left. qwen-0 was not restarted and serves"),
        ({"restarted": {"failed": True, "msg": "Job failed"}}, "on host1: Job failed. qwen-0 is down or not ready"),
        ({"restarted": {"changed": True}, "waited": {"unreachable": True, "msg": "ssh"}}, "ssh. qwen-0 is down or not"),
    ],
)
def test_the_next_step_follows_only_a_good_one(play, here, results, told):
    plan, status = here
    roll = play("rolling_restart", {"plan": plan}, options=given(vllm_status=status))[2]["roll"]
    skipped = {name: {"skipped": True} for name in RESULTS}
    arguments = {"stage": "judge", "roll": roll, "engine": "qwen-0", "results": RESULTS, "restart": "restarted"}
    rc, output, result = play("rolling_restart", arguments, options=given(**{**skipped, **results}))
    assert rc == (2 if told else 0), output
    assert (told or "") in result.get("msg", "")
