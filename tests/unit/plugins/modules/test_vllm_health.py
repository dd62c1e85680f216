# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module against a real HTTP server and recorded systemctl and journalctl."""

from __future__ import annotations

import json
import os
import time

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.vllm.cluster.plugins.modules import vllm_health

KEY = "sk-right-1234567890"


@pytest.fixture
def run(capsys):
    def call(engines, **options):
        with patch_module_args({"engines": engines, **options}), pytest.raises(SystemExit) as ended:
            vllm_health.main()
        result = json.loads(capsys.readouterr().out)
        assert bool(result.get("failed")) == bool(ended.value.code)
        return result

    return call


def engine(fake_vllm, **changes):
    return {"name": "chat-0", "url": fake_vllm.url, "model": "tiny", "token_timeout": 0.5, **changes}


def test_a_healthy_engine_costs_one_systemctl_and_no_journal(run, fake_vllm, systemd):
    systemd.units({"Id": "a.service"})
    result = run([engine(fake_vllm, unit="a.service")])
    found = result["engines"][0]
    assert (result["changed"], found["ok"], found["failed_rung"]) == (False, True, None)
    assert found["unit"]["pid"] == 77
    assert found["progress"] == {"phase": "serving"}
    assert [call.split()[0] for call in systemd.calls()] == ["systemctl"]
    assert len(fake_vllm.seen) == 3


def test_many_engines_are_asked_in_one_call(run, fake_vllm, systemd):
    systemd.units({"Id": "a.service"}, {"Id": "b.service", "ActiveState": "failed", "SubState": "failed"})
    items = [engine(fake_vllm, name=name, unit=f"{name}.service") for name in "ab"]
    result = run([items[0], engine(fake_vllm, name="no unit"), items[1]], fail_when_unhealthy=False)
    assert [(item["name"], item["ok"]) for item in result["engines"]] == [("a", True), ("no unit", True), ("b", False)]
    assert systemd.calls()[0].endswith("-- a.service b.service")


def test_a_wedged_engine_fails_its_token_rung_in_time(run, fake_vllm):
    fake_vllm.faults["/v1/completions"] = "hang"
    result = run([engine(fake_vllm)])
    found = result["engines"][0]
    assert result["failed"]
    assert [rung["ok"] for rung in found["rungs"].values()] == [None, True, True, False]
    assert 0.4 < found["rungs"]["token"]["seconds"] < 2


def test_a_failed_start_is_explained(run, fake_vllm, systemd):
    systemd.units({"Id": "a.service", "ActiveState": "activating", "SubState": "auto-restart", "InvocationID": "b"})
    systemd.journal(
        ("a", "INFO:     Application startup complete."),
        ("b", "vllm: error: unrecognized arguments: --frobnicate 3"),
        ("b", "a.service: Main process exited, code=exited, status=2/INVALIDARGUMENT"),
    )
    result = run([engine(fake_vllm, unit="a.service")])
    found = result["engines"][0]
    assert found["failed_rung"] == "unit"
    assert found["reason"]["code"] == "unknown_flag"
    assert "chat-0: unit: it ended" in result["msg"]
    assert "does not know --frobnicate" in result["msg"]
    assert fake_vllm.seen == []


def test_a_start_under_way_shows_its_progress(run, fake_vllm, systemd):
    fake_vllm.faults["/health"] = "close"
    systemd.units({"Id": "a.service", "InvocationID": "b"})
    systemd.journal(
        ("a", "torch.OutOfMemoryError: CUDA out of memory."),
        ("a", "a.service: Main process exited, code=exited, status=1/FAILURE"),
        ("b", "Loading safetensors checkpoint shards:  50% Completed | 2/4 [00:02<00:02,  1.10s/it]"),
    )
    found = run([engine(fake_vllm, unit="a.service")], fail_when_unhealthy=False)["engines"][0]
    assert (found["progress"]["phase"], found["progress"]["detail"]) == ("loading weights", "2/4 shards (50 %)")
    assert found["reason"]["code"] == "cuda_out_of_memory"
    assert found["hint"] is None


def test_who_holds_a_port_that_is_in_use_is_named(run, fake_vllm, systemd):
    systemd.units({"Id": "a.service", "ActiveState": "failed", "SubState": "failed", "InvocationID": "a"})
    systemd.journal(("a", "OSError: [Errno 98] Address already in use"))
    found = run([engine(fake_vllm, unit="a.service")], fail_when_unhealthy=False)["engines"][0]
    assert found["reason"]["summary"] == f"port {fake_vllm.port} is already in use, by {_holder(fake_vllm)}"


def test_a_stranger_on_the_port_is_not_asked(run, fake_vllm, systemd, monkeypatch):
    systemd.units({"Id": "a.service", "ControlGroup": "/system.slice/a.service"})
    monkeypatch.setattr(vllm_health.engines.listeners, "group_pids", lambda _group: [1])
    found = run([engine(fake_vllm, unit="a.service")], fail_when_unhealthy=False)["engines"][0]
    assert found["failed_rung"] == "http"
    assert found["port_holder"]["pid"] == os.getpid()
    assert found["rungs"]["http"]["detail"] == f"{_holder(fake_vllm)} holds the port, not this unit"
    assert fake_vllm.seen == []


def test_an_unreadable_journal_leaves_progress_and_reason_out(run, fake_vllm, systemd):
    systemd.units({"Id": "a.service", "ActiveState": "failed", "SubState": "failed"})
    (systemd.folder / "journalctl").write_text("#!/bin/sh\nexit 1\n")
    found = run([engine(fake_vllm, unit="a.service")], fail_when_unhealthy=False)["engines"][0]
    assert (found["progress"], found["reason"]) == (None, None)


def test_the_key_is_sent_and_never_shown(run, fake_vllm):
    fake_vllm.key = KEY
    result = run([engine(fake_vllm)], api_keys={"chat-0": KEY})
    assert result["engines"][0]["ok"]
    assert KEY not in json.dumps(result)


def test_a_wrong_key_is_told(run, fake_vllm):
    fake_vllm.key = KEY
    result = run([engine(fake_vllm), engine(fake_vllm, name="none")], api_keys={"chat-0": "sk-wrong"})
    assert result["msg"] == (
        "chat-0: model: 401: the API key is refused; none: model: 401: it wants an API key and none was given"
    )


def test_a_unit_alone(run, systemd):
    systemd.units({"Id": "a.service"})
    assert run([{"name": "follower", "unit": "a.service"}])["engines"][0]["ok"]


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ([{"name": "x"}], "one of the following is required: url, unit"),
        ([{"url": "http://a"}], "missing required arguments: name"),
        ([{"name": "x", "url": "host:8000"}], "engine x: url: it must begin with http"),
        ([{"name": "x", "url": "http://u:sk-secret@host"}], "user name or password"),
        ([{"name": "x", "url": "https://127.0.0.1:1", "ca_path": "/no/such/file"}], "ca_path cannot be used"),
    ],
)
def test_wrong_options(run, items, words):
    result = run(items)
    assert result["failed"]
    assert words in result["msg"]
    assert "sk-secret" not in result["msg"]


def test_check_mode_asks_as_well(run, fake_vllm):
    assert run([engine(fake_vllm)], _ansible_check_mode=True)["engines"][0]["ok"]


def _holder(fake_vllm):
    return str(vllm_health.engines.listeners.holder(fake_vllm.port))


@pytest.mark.parametrize(("phase", "ok"), [("serving", True), ("loading", False)])
def test_a_member_without_an_address_is_as_well_as_its_guard_says(run, systemd, tmp_path, phase, ok):
    systemd.units({"Id": "a.service"})
    status = tmp_path / "r1-0.status.json"
    written = {"role": "worker", "phase": phase, "epoch": 1, "head_epoch": 1, "written": time.time()}
    status.write_text(json.dumps(written))
    item = {"name": "r1-0", "unit": "a.service", "guard": str(status)}
    (found,) = run([item], fail_when_unhealthy=False)["engines"]
    assert (found["ok"], found["failed_rung"]) == (ok, None if ok else "token")
    assert [found["rungs"][rung]["ok"] for rung in ("unit", "http", "model", "token")] == [True, None, None, ok]
