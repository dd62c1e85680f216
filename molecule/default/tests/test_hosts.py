# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the hosts are after site.yml: units, files, ports, answers, and where the key is not."""

from __future__ import annotations

import json

import pytest

from tests.testinfra.lab import journal, main_pid

UNITS = [("m1", "vllm-chat-0", 8000), ("m1", "vllm-pair-0", 8001), ("m2", "vllm-pair-1", 8001)]


@pytest.fixture(scope="module")
def key(lab):
    return lab.variables["vllm_services"][0]["api_key"]


@pytest.mark.parametrize(("name", "unit", "port"), UNITS)
def test_the_unit_runs_as_the_service_user_and_comes_back_at_boot(lab, name, unit, port):
    host = lab.host(name)
    assert host.service(unit).is_running
    assert host.service(unit).is_enabled
    assert host.service("vllm.target").is_enabled
    assert host.process.get(pid=main_pid(host, unit)).user == "vllm"
    assert host.socket(f"tcp://0.0.0.0:{port}").is_listening


@pytest.mark.parametrize(("name", "unit"), [row[:2] for row in UNITS])
def test_secrets_and_variables_are_for_root_alone(lab, name, unit):
    environment = lab.host(name).file(f"/etc/vllm/units/{unit}.env")
    assert (environment.user, environment.group, environment.mode) == ("root", "root", 0o600)


def test_odd_signs_reach_the_process_exactly(lab, key):
    host = lab.host("m1")
    # The environment at exec time: vLLM renames its process over the main one's.
    command = "systemctl show --property=ControlGroup --value vllm-chat-0"
    group = host.check_output(command)
    pids = host.check_output(
        "cat /sys/fs/cgroup/systemd%s/cgroup.procs || cat /sys/fs/cgroup%s/cgroup.procs", group, group
    ).split()
    found = "".join(host.run("tr '\\0' '\\n' < /proc/%s/environ", pid).stdout for pid in pids)
    assert f"VLLM_API_KEY={key}\n" in found
    assert f"SCENARIO_TEXT={lab.variables['vllm_services'][0]['env']['SCENARIO_TEXT']}\n" in found


@pytest.mark.parametrize(("name", "port", "model"), [("m1", 8000, "chat"), ("m1", 8001, "pair"), ("m2", 8001, "pair")])
def test_tokens_come_through_the_front_door(lab, key, name, port, model):
    status, text = lab.completion(name, port, model, key if model == "chat" else None)
    assert status == 200, text
    assert json.loads(text)["usage"]["completion_tokens"] == 8


def test_replicas_give_the_same_answer(lab):
    answers = [json.loads(lab.completion(name, 8001, "pair")[1])["choices"][0]["text"] for name in ("m1", "m2")]
    assert answers[0] == answers[1]
    assert answers[0]


@pytest.mark.parametrize("wrong", [None, "wrong"])
def test_without_the_key_nothing_is_served(lab, wrong):
    assert lab.completion("m1", 8000, "chat", wrong)[0] == 401
    assert lab.ask("m1", 8000, "/v1/models", key=wrong)[0] == 401


def test_the_key_is_nowhere_that_others_can_read(lab, key):
    host = lab.host("m1")
    assert key not in host.check_output("ps axww -o args")
    assert key not in journal(host, "vllm-chat-0")
    assert key.encode() not in host.run("journalctl --no-pager --output=export").stdout_bytes
    assert key not in host.check_output("systemctl cat vllm-chat-0")
    assert key not in host.check_output("systemctl show vllm-chat-0")
    part = key[:10]  # plain signs: found however the rest is quoted
    folders = "/etc /root /home /tmp /run /opt/vllm/uv /var/lib /var/log /var/tmp"
    found = host.run("grep -rlFD skip -e %s " + folders, part).stdout.split()
    assert found == ["/etc/vllm/units/vllm-chat-0.env"]


def test_the_service_user_cannot_read_the_environment_file(lab):
    host = lab.host("m1")
    assert host.run("runuser -u vllm -- cat /etc/vllm/units/vllm-chat-0.env").rc != 0


def test_the_bare_host_stayed_bare(lab):
    host = lab.host("m3")
    assert not host.file("/etc/vllm").exists
    assert not host.user("vllm").exists
