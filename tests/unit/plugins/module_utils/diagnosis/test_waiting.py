# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a wait shows a line and when it gives up."""

from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.diagnosis import waiting

REASON = {"summary": "no such flag", "evidence": "unrecognized", "fix": "remove it", "permanent": True}
PASSING = {**REASON, "summary": "port 8000 is in use", "permanent": False}


def finding(
    ok=False, active="active", sub="running", restarts=0, phase="loading weights", detail="", line="Loading", **changes
):
    rung = None if ok else "http" if active == "active" else "unit"
    return {
        "ok": ok,
        "failed_rung": rung,
        "rungs": {
            "unit": {"detail": f"it is {active}"},
            "http": {"ok": False, "detail": "connection refused"},
            "model": {"detail": ""},
            "token": {"detail": "no token within 30 s"},
        },
        "unit": {"active_state": active, "sub_state": sub, "restarts": restarts},
        "port_holder": None,
        "progress": {"phase": phase, "detail": detail, "line": line, "seconds": 7.0},
        "reason": None,
        "hint": None,
        **changes,
    }


@pytest.fixture
def watch():
    return waiting.Watch("x.service", timeout=100, max_restarts=2, report_interval=10)


def test_a_healthy_engine_is_ready_without_a_word(watch):
    assert watch.feed(finding(ok=True), 0.4) is None
    assert (watch.ready, watch.failure, watch.waited) == (True, None, 0.4)


def test_lines_come_at_a_new_phase_and_every_interval(watch):
    assert watch.feed(finding(), 0) == "loading weights, 0 s | Loading"
    assert watch.feed(finding(), 3) is None
    assert watch.feed(finding(detail="1/4 shards (25 %)"), 6) == "loading weights 1/4 shards (25 %), 6 s | Loading"
    assert watch.feed(finding(detail="1/4 shards (25 %)"), 9) is None
    assert watch.feed(finding(detail="1/4 shards (25 %)"), 16) is not None
    assert watch.feed(finding(phase="compiling", line=""), 19) == "compiling, 19 s"
    assert watch.feed(finding(ok=True), 75) == "ready after 1 min 15 s"
    assert watch.feed(finding(ok=True), 78) is None
    assert watch.waited == 75


def test_a_reason_that_cannot_pass_ends_the_wait_at_once(watch):
    watch.feed(finding(), 0)
    assert watch.failure is None
    assert watch.feed(finding(active="activating", sub="auto-restart", reason=REASON), 3) is None
    assert watch.failure == (
        "x.service cannot start: no such flag. Evidence: unrecognized. Fix: remove it."
        " More: journalctl -u x.service -n 200 --no-pager"
    )


def test_a_crash_between_two_polls_is_seen_by_the_restarts(watch):
    watch.feed(finding(restarts=5), 0)
    watch.feed(finding(restarts=6, reason=REASON), 3)
    assert "cannot start: no such flag" in watch.failure


def test_an_old_reason_of_a_unit_that_runs_is_not_held_against_it(watch):
    watch.feed(finding(restarts=5, reason=REASON), 0)
    watch.feed(finding(restarts=5, reason=REASON), 3)
    assert watch.failure is None


def test_a_reason_that_may_pass_is_borne_for_some_restarts(watch):
    watch.feed(finding(restarts=0), 0)
    watch.feed(finding(restarts=1, reason=PASSING), 3)
    assert watch.failure is None
    watch.feed(finding(restarts=2, reason=PASSING), 6)
    assert "x.service ended 2 times while it was waited for: port 8000 is in use" in watch.failure


def test_a_failed_unit_ends_the_wait_at_once(watch):
    watch.feed(finding(active="failed", sub="failed"), 0)
    assert watch.failure.startswith("x.service does not run: it is failed")


def test_an_inactive_unit_is_looked_at_twice(watch):
    watch.feed(finding(active="inactive", sub="dead"), 0)
    assert watch.failure is None
    watch.feed(finding(active="inactive", sub="dead"), 3)
    assert "does not run: it is inactive" in watch.failure


def test_between_stop_and_start_nothing_is_lost(watch):
    watch.feed(finding(active="inactive", sub="dead"), 0)
    watch.feed(finding(), 3)
    watch.feed(finding(active="inactive", sub="dead"), 6)
    assert watch.failure is None


def test_a_stranger_on_the_port_is_looked_at_twice(watch):
    taken = {"port_holder": {"pid": 5, "command": "nginx"}}
    assert "but http: connection refused" in watch.feed(finding(**taken), 0)
    watch.feed(finding(**taken), 3)
    assert watch.failure.startswith("x.service cannot listen: connection refused. Fix: end that process")


def test_a_refused_key_or_model_is_looked_at_three_times(watch):
    refused = finding(phase="serving", failed_rung="model")
    refused["rungs"]["model"]["detail"] = "401: the API key is refused"
    watch.feed(refused, 0)
    watch.feed(refused, 3)
    assert watch.failure is None
    watch.feed(refused, 6)
    assert watch.failure.startswith("x.service runs, but 401: the API key is refused. Fix: compare the API key")


def test_the_time_out_says_where_it_is_stuck(watch):
    hint = {"summary": "the Ray head cannot be reached", "evidence": "Failed to connect", "fix": "start Ray"}
    watch.feed(finding(phase="joining ranks", hint=hint), 101)
    assert watch.failure.startswith(
        "x.service is not ready after 1 min 41 s; it is at: joining ranks (for 7 s). Last line: Loading."
        " It may be held up: the Ray head cannot be reached (Failed to connect). Fix: start Ray."
    )


def test_a_wedged_engine_is_told_from_one_that_starts(watch):
    wedged = finding(phase="serving", failed_rung="token")
    assert watch.feed(wedged, 0) == "serving, but token: no token within 30 s, 0 s | Loading"
    watch.feed(wedged, 100)
    assert "it is at: serving, but token: no token within 30 s (for 7 s)" in watch.failure
    assert "wedged or overloaded. Fix: systemctl restart x.service" in watch.failure


def test_without_a_journal_it_still_tells_something(watch):
    assert watch.feed({**finding(), "progress": None}, 0) == "starting Python, 0 s"
    watch.feed({**finding(), "progress": None}, 100)
    assert "it is at: starting Python. More:" in watch.failure


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.9, "0 s"), (59.9, "59 s"), (60, "1 min 00 s"), (3725, "62 min 05 s")]
)
def test_durations(seconds, words):
    assert waiting.duration(seconds) == words


def test_long_lines_are_cut():
    assert waiting.shorten("a\n b" + "x" * 200) == ("a b" + "x" * 200)[:99] + "…"


def test_a_member_that_serves_no_http_is_told_by_its_guard(watch):
    rungs = finding()["rungs"]
    rungs["http"]["ok"], rungs["token"]["detail"] = None, "its guard says: loading"
    member = finding(failed_rung="token", rungs=rungs)
    assert watch.feed(member, 0) == "loading weights; its guard says: loading, 0 s | Loading"
    watch.feed(member, 101)
    assert "It answers and makes no token" not in watch.failure
    assert "loading weights; its guard says: loading" in watch.failure
