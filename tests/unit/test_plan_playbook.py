# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/plan.yml, run by the real ansible-playbook against this machine, or against hosts that do not exist."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
SECRET = "s3cret-of-the-test"
SERVICE = {
    "name": "chat",
    "model": "lab://tiny",
    "hosts": "here",
    "port": 18231,
    "api_key": SECRET,
    "listen": "127.0.0.1",
}


def run(tmp_path, services, *arguments, playbook="plan.yml", here=None, path=None, **variables):
    """Exit status and output of a playbook over two hosts: here (this machine) and away (nobody answers)."""
    inventory = {
        "all": {
            "hosts": {
                "here": here or {"ansible_connection": "local", "ansible_python_interpreter": sys.executable},
                "away": {"ansible_host": "192.0.2.1", "ansible_ssh_common_args": "-o ConnectTimeout=1"},
            },
            "vars": {"vllm_accelerator": "cpu", **({"vllm_services": services} if services else {}), **variables},
        }
    }
    file = tmp_path / "hosts.yml"
    file.write_text(yaml.safe_dump(inventory))
    program = Path(sys.executable).with_name("ansible-playbook")
    done = subprocess.run(
        [program, str(ROOT / "playbooks" / playbook), "-i", str(file), "-e", "ansible_become=false", *arguments],
        env={
            **os.environ,
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_HOME": str(tmp_path),
            "COLUMNS": "250",
            **({"PATH": path} if path else {}),
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def document(output):
    start = output.index("{\n")
    return json.JSONDecoder().raw_decode(output[start:])[0]


def changed(output):
    """Hosts' counts of changes, by name."""
    recap = output.partition("PLAY RECAP")[2]
    return {host: int(count) for host, count in re.findall(r"^(\S+)\s+:.*changed=(\d+)", recap, re.MULTILINE)}


def test_the_screen_is_followed_by_command_and_reason(tmp_path):
    status, output = run(tmp_path, [SERVICE])
    assert status == 0, output
    assert "── chat ───" in output
    assert "Front door  http://127.0.0.1:18231" in output
    assert "vllm-chat-0.service" in output
    assert "serve /var/lib/vllm/models/lab--tiny --host 127.0.0.1 --port 18231" in output
    assert "OMP_NUM_THREADS" in output.partition("Why\n")[2]
    assert "changed=0" in output


def test_two_runs_give_the_same_bytes(tmp_path):
    outputs = [run(tmp_path, [SERVICE], "-e", "vllm_plan_format=json") for _run in range(2)]
    assert [found[0] for found in outputs] == [0, 0]
    assert outputs[0][1] == outputs[1][1]
    assert document(outputs[0][1])["services"][0]["name"] == "chat"


def test_the_key_is_in_no_output_however_loud(tmp_path):
    status, output = run(tmp_path, [{**SERVICE, "secrets": {"HF_TOKEN": SECRET}}], "-vvvv", "--diff")
    assert status == 0, output
    assert SECRET not in output


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"prot": 1}, ["vllm_services[0].prot", "no such key"]),
        ({"hosts": "nobody"}, ["vllm_services[0].hosts", "'nobody'", "matches no host"]),
        ({"args": {"max_modl_len": 1}}, ["vllm_services[0].args.max_modl_len", "max_model_len"]),
        ({"hosts": "away", "port": "x"}, ["vllm_services[0].port", "must be int"]),
    ],
)
def test_wrong_intent_is_refused_before_any_host_is_asked(tmp_path, change, words):
    status, output = run(tmp_path, [{**SERVICE, **change}], here={"ansible_host": "192.0.2.2"})
    assert status != 0
    assert [word for word in words if word not in output] == []
    assert "UNREACHABLE" not in output
    assert "Probe the host" not in output
    assert "Traceback" not in output


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model": "/no/such/model"}, ["vllm_services[0].model", "'/no/such/model'", "does not exist on host here"]),
        ({"gpus": 3, "accelerator": "cuda"}, ["vllm_services[0].gpus", "takes 3 GPUs", "host here has 0 GPUs"]),
    ],
)
def test_what_the_hosts_cannot_do_is_refused(tmp_path, change, words):
    status, output = run(tmp_path, [{**SERVICE, **change}], playbook="site.yml")
    assert status != 0
    assert [word for word in words if word not in output] == []
    assert "changed=0" in output
    assert "Traceback" not in output


def test_a_port_that_a_foreign_process_holds_is_refused(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        status, output = run(tmp_path, [{**SERVICE, "port": port}], playbook="site.yml")
    assert status != 0
    assert f"vllm_services[0].port = {port}: is held on host here by" in output
    assert f"(pid {os.getpid()})" in output
    assert "changed=0" in output


def test_hosts_that_no_service_names_are_left_alone(tmp_path):
    status, output = run(tmp_path, [SERVICE])
    assert status == 0
    assert "away" not in output.partition("PLAY RECAP")[2] or "unreachable=0" in output


def test_an_intent_that_cannot_be_templated_names_the_variable(tmp_path):
    status, output = run(tmp_path, [{**SERVICE, "api_key": "{{ nowhere }}"}])
    assert status != 0
    assert "vllm_services" in output
    assert "nowhere" in output


def test_what_would_be_done_to_the_units_is_told(tmp_path):
    tools = tmp_path / "tools"
    tools.mkdir()
    show = "Id=x\\nActiveState=inactive\\nSubState=dead\\nUnitFileState=\\nFragmentPath=\\nNeedDaemonReload=no\\n"
    (tools / "systemctl").write_text(f"#!/bin/sh\nprintf '{show}\\n{show}'\n")
    (tools / "systemctl").chmod(0o755)
    path = f"{tools}:{os.environ['PATH']}"
    here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    status, output = run(tmp_path, [SERVICE], here=here, path=path)
    assert status == 0, output
    assert "If site.yml ran now, units: 1 made\n  made  here  vllm-chat-0.service\n" in output
    assert changed(output)["here"] == 0
    assert SECRET not in output
    status, output = run(tmp_path, [SERVICE], "-e", "vllm_plan_format=json", here=here, path=path)
    assert "If site.yml ran now" not in output


def test_a_host_whose_units_cannot_be_seen_still_gets_its_plan(tmp_path):
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "systemctl").write_text("#!/bin/sh\necho no systemd here >&2\nexit 1\n")
    (tools / "systemctl").chmod(0o755)
    status, output = run(tmp_path, [SERVICE], path=f"{tools}:{os.environ['PATH']}")
    assert status == 0, output
    assert "── chat ───" in output
    assert "! here could not be looked at: systemctl show: no systemd here" in output
