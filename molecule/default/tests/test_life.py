# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to a running service: re-runs, changes, faults, interruptions.

In order: a test may build on the state that the one before left.
"""

from __future__ import annotations

import copy
import json

import pytest

from tests.testinfra.lab import main_pid

UNITS = [("m1", "vllm-chat-0"), ("m1", "vllm-pair-0"), ("m2", "vllm-pair-1")]
TASKS_OF_A_RERUN = 44
BARE = (
    "systemctl stop vllm.target; rm -rf /etc/vllm /opt/vllm/envs /var/lib/vllm/models"
    " /etc/systemd/system/vllm-*.service; systemctl daemon-reload"
)


@pytest.fixture
def services(lab):
    return copy.deepcopy(lab.variables["vllm_services"])


@pytest.fixture(scope="module")
def key(lab):
    return lab.variables["vllm_services"][0]["api_key"]


def pids(lab):
    return {unit: main_pid(lab.host(name), unit) for name, unit in UNITS}


def test_a_second_run_changes_nothing_and_is_short(lab, key, tmp_path):
    before = pids(lab)
    cache = {"ANSIBLE_CACHE_PLUGIN": "ansible.builtin.jsonfile", "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(tmp_path)}
    run = lab.playbook("site.yml", "-vvv", "--diff", environment=cache)
    assert run.status == 0
    assert run.changed("m1", "m2") == {"m1": 0, "m2": 0}
    assert run.recap("m1", "ok") + run.recap("m1", "skipped") <= TASKS_OF_A_RERUN
    assert pids(lab) == before
    for text in [run.output, *(path.read_text() for path in tmp_path.iterdir())]:
        assert key not in text
        assert json.dumps(key)[1:-1] not in text


def test_check_mode_on_a_bare_host_tells_what_would_be_and_does_nothing(lab, services):
    services[0]["hosts"] = "m3"
    run = lab.playbook("site.yml", "--check", "--diff", "--limit", "m3", extra={"vllm_services": services[:1]})
    assert run.status == 0
    assert run.recap("m3", "changed") >= 3
    assert "vllm-chat-0.service" in run.output
    host = lab.host("m3")
    assert not host.file("/etc/vllm").exists
    assert not host.file("/opt/vllm/envs").exists
    assert not host.file("/var/lib/vllm").exists
    assert not host.user("vllm").exists


def test_a_changed_argument_needs_consent(lab, services):
    before = pids(lab)
    services[0]["args"] = {"max_model_len": 512, "enforce_eager": True, "kv_cache_memory_bytes": 67108864}
    run = lab.playbook("site.yml", extra={"vllm_services": services})
    assert run.status != 0
    assert "vllm-chat-0.service" in run.output
    assert "vllm_allow_restart" in run.output
    assert pids(lab) == before
    assert "1024" in lab.host("m1").file("/etc/systemd/system/vllm-chat-0.service").content_string


def test_check_mode_tells_what_the_change_would_do(lab, services):
    before = pids(lab)
    services[0]["args"] = {"max_model_len": 512, "enforce_eager": True, "kv_cache_memory_bytes": 67108864}
    run = lab.playbook("site.yml", "--check", "--diff", extra={"vllm_services": services})
    assert run.status == 0
    assert run.changed("m1", "m2") == {"m1": 1, "m2": 0}
    assert "512" in run.output
    assert pids(lab) == before


def test_a_changed_argument_restarts_one_engine_only(lab, services, key):
    before = pids(lab)
    services[0]["args"] = {"max_model_len": 512, "enforce_eager": True, "kv_cache_memory_bytes": 67108864}
    services[0]["api_key"] = key + "new"
    extra = {"vllm_services": services, "vllm_allow_restart": True}
    run = lab.playbook("site.yml", "-vvv", "--diff", extra=extra)
    assert run.status == 0
    assert run.changed("m1", "m2") == {"m1": 1, "m2": 0}
    after = pids(lab)
    assert {unit for unit in after if after[unit] != before[unit]} == {"vllm-chat-0"}
    assert lab.completion("m1", 8000, "chat", key)[0] == 401
    status, text = lab.ask("m1", 8000, "/v1/models", key=key + "new")
    assert status == 200
    assert json.loads(text)["data"][0]["max_model_len"] == 512
    assert key not in run.output
    assert json.dumps(key)[1:-1] not in run.output


def test_units_that_the_plan_drops_are_gone(lab, services, key):
    services[1]["replicas"] = 1
    extra = {"vllm_services": services, "vllm_allow_restart": True}
    assert lab.playbook("site.yml", extra=extra).status == 0
    host = lab.host("m2")
    assert lab.ask("m2", 8001, "/health")[0] == 0
    assert not host.file("/etc/systemd/system/vllm-pair-1.service").exists
    assert not host.file("/etc/systemd/system/vllm.target.wants/vllm-pair-1.service").exists
    assert not host.file("/etc/vllm/units/vllm-pair-1.env").exists
    assert host.run("pgrep -u vllm").stdout == ""
    lab.wait_for_token("m1", 8000, "chat", key)


def test_a_run_that_is_interrupted_thrice_can_be_run_again(lab):
    """In the environment, in the units, in the proof: each run meets what the one before it left half done."""
    host = lab.host("m2")
    host.run_expect([0], BARE)
    for moment in ("python_env : ", "engine : Apply the units", "verify : "):
        assert lab.playbook("site.yml", "--limit", "m2", interrupt_at=f"TASK [vllm.cluster.{moment}").status != 0
    assert lab.playbook("site.yml", "--limit", "m2").status == 0
    assert lab.completion("m2", 8001, "pair")[0] == 200
    assert lab.playbook("site.yml", "--limit", "m2").changed("m2") == {"m2": 0}


def test_a_killed_engine_serves_again_without_help(lab, key):
    host = lab.host("m1")
    before = main_pid(host, "vllm-chat-0")
    host.run_expect([0], "kill -9 %s", str(before))
    seconds = lab.wait_for_token("m1", 8000, "chat", key)
    print(f"serving again {seconds:.0f} seconds after kill -9")
    assert main_pid(host, "vllm-chat-0") != before


def test_a_rebooted_host_serves_again_without_help(lab):
    assert lab.playbook("lab_fault.yml", extra={"lab_fault": "kill", "lab_fault_hosts": ["m2"]}).status == 0
    assert lab.ask("m2", 8001, "/health")[0] == 0
    assert lab.playbook("lab_fault.yml", extra={"lab_fault": "start", "lab_fault_hosts": ["m2"]}).status == 0
    print(f"serving again {lab.wait_for_token('m2', 8001, 'pair'):.0f} seconds after the start")


def test_a_host_that_was_cut_off_is_as_before(lab):
    before = main_pid(lab.host("m2"), "vllm-pair-1")
    assert lab.playbook("lab_fault.yml", extra={"lab_fault": "cut", "lab_fault_hosts": ["m2"]}).status == 0
    try:
        assert lab.ask("m2", 8001, "/health", timeout=3)[0] == 0
        assert lab.playbook("verify.yml", "--limit", "m2", "-e", "ansible_ssh_timeout=3").status != 0
    finally:
        assert lab.playbook("lab_fault.yml", extra={"lab_fault": "heal", "lab_fault_hosts": ["m2"]}).status == 0
    lab.wait_for_token("m2", 8001, "pair", timeout=30)
    assert main_pid(lab.host("m2"), "vllm-pair-1") == before


def test_a_port_that_a_foreign_process_holds_is_refused(lab, services):
    host = lab.host("m1")
    host.run_expect([0], "systemd-run --unit=foreign python3 -m http.server 8005")
    try:
        services[0]["port"] = 8005
        run = lab.playbook("site.yml", extra={"vllm_services": services, "vllm_allow_restart": True})
        assert run.status != 0
        assert "vllm_services[0].port = 8005: is held on host m1 by python3" in run.output
        assert run.changed("m1", "m2") == {"m1": 0, "m2": 0}
    finally:
        host.run("systemctl stop foreign")


def test_a_host_that_is_still_needed_is_not_retired(lab):
    run = lab.playbook("retire.yml", extra={"vllm_hosts": "m2", "vllm_allow_restart": True})
    assert run.status != 0
    assert "m2 is still named by a service" in run.output
    assert lab.completion("m2", 8001, "pair")[0] == 200


def test_a_retired_host_has_no_unit_left(lab, services):
    services[1].update({"hosts": "m1", "replicas": 1})
    extra = {"vllm_hosts": "m2", "vllm_services": services}
    assert lab.playbook("retire.yml", extra=extra).status != 0
    assert lab.playbook("retire.yml", extra={**extra, "vllm_allow_restart": True}).status == 0
    assert lab.ask("m2", 8001, "/health")[0] == 0
    assert lab.host("m2").run("ls /etc/systemd/system/vllm-*.service").rc != 0
