# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An engine over two hosts: the same tokens as one host gives, on interfaces of different names."""

from __future__ import annotations

import json

import pytest

GUARD = "vllm-group-0-guard.service"
PROMPTS = ("The quick brown fox", "one two three", "blue bird near the sea")


def tokens(lab, port, model, prompt):
    return lab.token_ids("m1", port, model, prompt, key=f"{model}-key")


@pytest.mark.parametrize("prompt", PROMPTS)
def test_two_hosts_give_the_tokens_of_one(lab, prompt):
    assert tokens(lab, 8000, "group", prompt) == tokens(lab, 8001, "single", prompt)


@pytest.mark.parametrize(("name", "interface"), [("m1", "eth0"), ("m2", "lan0")])
def test_every_process_of_a_member_has_the_variables_of_its_own_host(lab, name, interface):
    host = lab.host(name)
    units = host.check_output("systemctl list-units --plain --no-legend 'vllm-group-0*.service'").splitlines()
    names = {line.split()[0] for line in units} - {GUARD}
    assert names
    for unit in names:
        group = host.check_output("systemctl show --property=ControlGroup --value %s", unit)
        pids = host.check_output(
            "cat /sys/fs/cgroup/systemd%s/cgroup.procs || cat /sys/fs/cgroup%s/cgroup.procs", group, group
        ).split()
        assert pids
        found = "".join(host.run("tr '\\0' '\\n' < /proc/%s/environ", pid).stdout for pid in pids)
        for variable in ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME"):
            values = {line.partition("=")[2].lstrip("=") for line in found.splitlines() if line.startswith(variable)}
            assert values == {interface}, unit
        assert f"VLLM_HOST_IP={lab.address(name)}\n" in found


@pytest.mark.parametrize("name", ["m1", "m2"])
def test_a_guard_runs_on_each_member_and_counts_it_in(lab, name):
    host = lab.host(name)
    assert host.service(GUARD).is_running
    assert host.service(GUARD).is_enabled
    status = json.loads(host.file("/run/vllm-guard/group-0.status.json").content_string)
    assert (status["phase"], status["restarts"]) == ("serving", {})
    if name == "m1":
        assert status["members"]["m2"]["joined"]


@pytest.mark.parametrize("name", ["m1", "m2"])
def test_what_the_group_shares_is_for_the_engines_user_alone(lab, name):
    secret = lab.host(name).file("/etc/vllm/groups/group-0.secret")
    assert (secret.user, secret.mode, secret.size) == ("vllm", 0o600, 64)
    assert secret.sha256sum == lab.host("m1").file("/etc/vllm/groups/group-0.secret").sha256sum


def test_only_the_head_answers_clients(lab):
    assert lab.ask("m1", 8000, "/health")[0] == 200
    assert lab.ask("m2", 8000, "/health")[0] == 0


def test_preflight_beside_a_running_engine_leaves_its_ports_and_memory_alone(lab):
    run = lab.playbook("preflight.yml")
    assert run.status == 0
    assert "group-0: ports that units of ours hold are not tried: m1 " in run.output
    assert "group-0: 2 ways between 2 members are open" in run.output
    assert "group-0: no collective is run: the engine runs on m1, m2" in run.output
    assert lab.completion("m1", 8000, "group", key="group-key")[0] == 200
    for name in ("m1", "m2"):
        status = json.loads(lab.host(name).file("/run/vllm-guard/group-0.status.json").content_string)
        assert (status["phase"], status["restarts"]) == ("serving", {})
