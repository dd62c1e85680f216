# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings as plain values."""

from __future__ import annotations

from ansible_collections.vllm.cluster.plugins.module_utils.diagnosis import phases, report, systemd


def state(invocation, active="active", sub="running"):
    return systemd.UnitState("x.service", "loaded", active, sub, "success", 3, 77, invocation, "", 10_000_000)


def test_unit_words():
    assert report.unit_words(state(""), 22.25) == {
        "active_state": "active", "sub_state": "running", "result": "success", "restarts": 3, "pid": 77, "uptime": 12.2,
    }  # fmt: skip


def test_a_running_start_shows_its_own_progress_and_the_last_failure(units):
    running = units[-1]
    found = report.findings(units, state(running.invocation), 8000, running.lines[-1].time + 5)
    assert found["progress"]["phase"] == phases.SERVING
    assert 5 <= found["progress"]["seconds"] < 60
    assert found["progress"]["since"].startswith("2026-11-21T01:4")
    assert found["reason"]["code"] == "process_died"
    assert found["hint"] is None


def test_a_unit_that_waits_to_be_restarted_shows_how_far_it_came(units):
    unknown_flag = units[:1]
    found = report.findings(unknown_flag, state(unknown_flag[0].invocation, "activating", "auto-restart"), 8000, 0)
    assert found["progress"]["phase"] == phases.STARTING
    assert found["progress"]["seconds"] == 0.0
    assert (found["reason"]["code"], found["reason"]["permanent"]) == ("unknown_flag", True)


def test_an_empty_journal_tells_nothing():
    assert report.findings([], state("a"), 8000, 0) == {"progress": None, "reason": None, "hint": None}


def engine(**changes):
    rungs = {"http": {"detail": "connection refused"}}
    return {"name": "chat-0", "failed_rung": "http", "rungs": rungs, "reason": None, "progress": None, **changes}


def test_sentences():
    reason = {"summary": "the disk is full", "evidence": "[Errno 28].", "fix": "free space"}
    assert report.describe(engine()) == "chat-0: http: connection refused"
    assert report.describe(engine(progress={"phase": "compiling"})).endswith(". It is at: compiling")
    assert report.describe(engine(reason=reason)) == (
        "chat-0: http: connection refused. Reason: the disk is full. Evidence: [Errno 28]. Fix: free space"
    )
    assert report.describe(engine(failed_rung=None)) == "chat-0: no rung could be tried"
