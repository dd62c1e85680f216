# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A playbook of one task, run by the real ansible-playbook against this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.plugins.fake_vllm import fake_vllm
from tests.unit.plugins.recorded_systemd import RecordedSystemd

__all__ = ["fake_vllm"]

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture
def systemd(tmp_path):
    return RecordedSystemd(tmp_path / "bin")


@pytest.fixture
def play(tmp_path, systemd):
    """Run one task with the variable vllm_services; give (rc, all output, the task's result)."""

    def call(action, arguments, services=(), options=()):
        result = tmp_path / "result.json"
        write = {"content": "{{ done | to_json }}", "dest": str(result)}
        tasks = [
            {"name": "The task", f"vllm.cluster.{action}": arguments, "register": "done", "ignore_errors": True},
            {"name": "Keep its result", "ansible.builtin.copy": write, "check_mode": False, "no_log": True},
            {"name": "Fail as it did", "ansible.builtin.fail": {"msg": "failed"}, "when": "done is failed"},
        ]
        head = {"name": "Test", "hosts": "host1", "gather_facts": False, "vars": {"vllm_services": list(services)}}
        playbook = tmp_path / "play.yml"
        playbook.write_text(json.dumps([{**head, "tasks": tasks}]))
        inventory = tmp_path / "hosts.yml"
        local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        inventory.write_text(json.dumps({"all": {"hosts": {"host1": local}}}))
        done = subprocess.run(
            [str(Path(sys.executable).parent / "ansible-playbook"), "-i", str(inventory), str(playbook), *options],
            env={
                **os.environ,
                "PATH": systemd.path,
                "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "playbooks" / "collections"),
                "ANSIBLE_LOCAL_TEMP": str(tmp_path / "local"),
                "ANSIBLE_REMOTE_TEMP": str(tmp_path / "remote"),
                "ANSIBLE_NOCOLOR": "1",
            },
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert result.exists(), done.stdout + done.stderr
        return done.returncode, done.stdout + done.stderr, json.loads(result.read_text())

    return call
