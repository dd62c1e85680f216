# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/status.yml by the real ansible-playbook: hosts that do not answer, and what the screen then says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
SECRET = "s3cret-of-the-test"
SERVICE = {"name": "chat", "model": "lab://tiny", "hosts": "here:away", "port": 18231, "api_key": SECRET}


@pytest.fixture
def status(tmp_path):
    """Runs the playbook over this machine, where no unit of ours is, and a host where nobody answers."""
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "systemctl").write_text("#!/bin/sh\n")
    (tools / "systemctl").chmod(0o755)

    def run(services, *arguments):
        inventory = {
            "all": {
                "hosts": {
                    "here": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable},
                    "away": {"ansible_host": "192.0.2.1"},
                },
                "vars": {"vllm_services": services, "vllm_status_connect_timeout": 1},
            }
        }
        path = tmp_path / "hosts.yml"
        path.write_text(yaml.safe_dump(inventory))
        playbook = str(ROOT / "playbooks" / "status.yml")
        program = Path(sys.executable).with_name("ansible-playbook")
        environment = {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_HOME": str(tmp_path), "COLUMNS": "250"}
        done = subprocess.run(
            [program, playbook, "-i", str(path), "-e", "ansible_become=false", *arguments],
            env={**os.environ, **environment, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    return run


def test_silent_hosts_are_on_the_screen_and_the_end_is_an_error(status):
    began = time.monotonic()
    code, output = status([SERVICE], "-vvv")
    assert code != 0
    assert time.monotonic() - began < 60
    assert "0 of 1 service serve; 0 of 0 engines serve; 1 of 2 hosts answers\n" in output
    assert "\n  ! away: is not reached: " in output
    assert "\n  ! chat: no host that answers has an engine of it: run site.yml\n" in output
    assert "UNREACHABLE" not in output
    assert "Traceback" not in output
    assert SECRET not in output
    assert "unreachable=1" not in output


def test_the_document_for_machines(status):
    code, output = status([{**SERVICE, "hosts": "here"}], "-e", "vllm_status_format=json")
    assert code != 0
    found = json.JSONDecoder().raw_decode(output[output.index("{\n") :])[0]
    assert (found["ok"], found["hosts"][0]["name"]) == (False, "here")
    assert "FRONT DOOR" not in output


def test_a_host_outside_the_run_is_told(status):
    code, output = status([SERVICE], "--limit", "here")
    assert code != 0
    assert "! away: was not asked: it is outside this run (--limit, vllm_hosts)" in output


def test_a_wrong_intent_is_refused_before_any_host_is_asked(status):
    code, output = status([{**SERVICE, "prot": 1}])
    assert code != 0
    assert "vllm_services[0].prot" in output
    assert "Ask the host" not in output
