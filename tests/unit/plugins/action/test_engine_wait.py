# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting, by the real ansible-playbook: round trips, live lines, early failure, secrets."""

from __future__ import annotations

import re
import threading
import time

import pytest

KEY = "sk-right-1234567890"
SERVICES = [{"name": "chat", "model": "/srv/models/chat", "api_key": KEY}]


@pytest.fixture
def unit(fake_vllm):
    fake_vllm.key = KEY
    return {
        "name": "vllm-chat-0.service",
        "kind": "engine",
        "engine": "chat-0",
        "secrets": {"VLLM_API_KEY": "chat.api_key"},
        "start_timeout_s": 60,
        "health_url": fake_vllm.url,
        "served_model_name": "tiny",
    }


def health_calls(fake_vllm):
    return [path for _method, path, _key, _body in fake_vllm.seen].count("/health")


def test_healthy_engines_cost_one_round_trip_and_no_key_is_shown(play, fake_vllm, systemd, unit):
    systemd.units({"Id": unit["name"]})
    units = [unit, {"name": "g.service", "kind": "guard"}]
    rc, output, result = play("engine_wait", {"units": units}, SERVICES, ["-vvvv"])
    assert rc == 0
    (engine,) = result["engines"]
    assert (engine["engine"], engine["unit"], engine["ok"], result["changed"]) == ("chat-0", unit["name"], True, False)
    assert health_calls(fake_vllm) == 1
    assert [call.split()[0] for call in systemd.calls()] == ["systemctl"]
    assert KEY not in output
    assert "ready after" not in output


def heal_when_asked(fake_vllm, times):
    """The engine is ready when its health was asked so often."""
    end = time.monotonic() + 60
    while health_calls(fake_vllm) < times and time.monotonic() < end:
        time.sleep(0.05)
    fake_vllm.faults.clear()


def test_progress_is_shown_until_it_is_ready(play, fake_vllm, systemd, unit):
    fake_vllm.faults["/health"] = "503"
    systemd.units({"Id": unit["name"]})
    systemd.journal(("now", "(Worker pid=1) INFO 11-21 01:10:28 [x.py:68] Starting to load model /srv/models/chat..."))
    healed = threading.Thread(target=heal_when_asked, args=[fake_vllm, 4])
    healed.start()
    rc, output, result = play("engine_wait", {"units": [unit], "interval": 0.5}, SERVICES, ["-v"])
    healed.join()
    assert rc == 0, output
    told = r"  host1 vllm-chat-0\.service: loading weights, [0-9]+ s \| Starting to load model /srv/models/chat\.\.\."
    assert re.search(told, output)
    assert "  host1 vllm-chat-0.service: ready after" in output
    assert output.count("loading weights") == 1  # not each poll
    assert health_calls(fake_vllm) > 2
    assert 0 < result["engines"][0]["waited"] <= result["seconds"]
    assert KEY not in output


def test_progress_can_be_kept_quiet(play, fake_vllm, systemd, unit):
    fake_vllm.faults["/health"] = "503"
    systemd.units({"Id": unit["name"]})
    arguments = {"units": [{**unit, "start_timeout_s": 1}], "interval": 0.5, "show_progress": False}
    rc, output, result = play("engine_wait", arguments, SERVICES)
    assert rc != 0
    assert "  host1 vllm-chat-0.service:" not in output
    assert re.search(r"vllm-chat-0\.service is not ready after [0-9]+ s", result["msg"])


def test_a_start_that_cannot_succeed_fails_at_once(play, fake_vllm, systemd, unit):
    systemd.units({"Id": unit["name"], "ActiveState": "activating", "SubState": "auto-restart", "InvocationID": "a"})
    systemd.journal(("a", "vllm: error: unrecognized arguments: --frobnicate"))
    rc, output, result = play("engine_wait", {"units": [unit], "interval": 30}, SERVICES)
    assert rc != 0
    assert result["msg"] == (
        "on host1 vllm-chat-0.service cannot start: this vLLM release does not know --frobnicate."
        " Evidence: vllm: error: unrecognized arguments: --frobnicate."
        " Fix: remove it from the service's args, or write the name that this release takes."
        " More: journalctl -u vllm-chat-0.service -n 200 --no-pager"
    )
    assert result["engines"][0]["reason"]["permanent"] is True
    assert result["msg"] in output
    assert fake_vllm.seen == []


def test_a_failure_names_the_way_back(play, fake_vllm, systemd, unit):  # noqa: ARG001 - nobody may be asked
    systemd.units({"Id": unit["name"], "ActiveState": "failed", "SubState": "failed"})
    arguments = {"units": [unit], "former_envs": ["/opt/vllm/envs/vllm-0.31.0-cpu"]}
    rc, _output, result = play("engine_wait", arguments, SERVICES)
    assert rc != 0
    assert "To go back, run site.yml with -e vllm_version=0.31.0 -e vllm_allow_restart=true" in result["msg"]
    assert "To go back" not in play("engine_wait", {"units": [unit]}, SERVICES)[2]["msg"]


def test_one_failed_engine_ends_the_wait_for_the_others(play, fake_vllm, systemd, unit):
    fake_vllm.faults["/health"] = "503"
    other = {**unit, "name": "vllm-chat-1.service", "engine": "chat-1"}
    systemd.units({"Id": unit["name"]}, {"Id": other["name"], "ActiveState": "failed", "SubState": "failed"})
    result = play("engine_wait", {"units": [unit, other], "interval": 30}, SERVICES)[2]
    assert result["failed"]
    assert "vllm-chat-1.service does not run: it is failed" in result["msg"]
    assert "Not waited for any longer: vllm-chat-0.service (starting Python)" in result["msg"]


def test_check_mode_does_not_wait_and_says_so(play, fake_vllm, systemd, unit):
    rc, _output, result = play("engine_wait", {"units": [unit]}, SERVICES, ["--check"])
    assert rc == 0
    assert result["skipped"]
    assert result["msg"] == "check mode: not waited for vllm-chat-0.service"
    assert fake_vllm.seen == []
    assert systemd.calls() == []


@pytest.mark.parametrize(
    ("changes", "services", "words"),
    [
        ({"secrets": {"VLLM_API_KEY": "gone.api_key"}}, SERVICES, "no service is called 'gone'"),
        ({"health_url": None, "kind": "engine", "served_model_name": None}, SERVICES, None),
    ],
)
def test_references_and_followers(play, systemd, unit, changes, services, words):
    systemd.units({"Id": unit["name"]})
    result = play("engine_wait", {"units": [{**unit, **changes}]}, services)[2]
    assert bool(result.get("failed")) == (words is not None)
    if words is None:
        assert result["engines"][0]["ok"]  # a follower of a multi-host engine: its unit is all there is
    else:
        assert words in result["msg"]


def test_a_unit_that_is_no_plan_unit_is_refused(play, unit):
    del unit["health_url"]
    result = play("engine_wait", {"units": [unit]}, SERVICES)[2]
    assert "units: vllm-chat-0.service lacks health_url" in result["msg"]


def test_no_engine_no_wait(play, systemd):
    result = play("engine_wait", {"units": [{"name": "g.service", "kind": "guard"}]})[2]
    assert result["msg"] == "none of the units is an engine"
    assert systemd.calls() == []


@pytest.mark.parametrize("kind", ["engine", "ray"])
def test_a_member_without_http_is_waited_for_by_its_guard(play, systemd, unit, kind):
    systemd.units({"Id": unit["name"]})
    member = {
        **unit,
        "kind": kind,
        "engine": "no-such-engine-0",
        "health_url": None,
        "secrets": {},
        "start_timeout_s": 1,
    }
    guard = {"name": "vllm-no-such-engine-0-guard.service", "kind": "guard", "engine": "no-such-engine-0"}
    rc, _output, result = play("engine_wait", {"units": [member, guard], "interval": 0.2}, SERVICES)
    assert rc != 0
    assert "its guard has not said anything yet" in result["msg"]
    rc, _output, result = play("engine_wait", {"units": [member], "interval": 0.2}, SERVICES)
    assert rc == 0, "without a guard its unit is all there is to see"
