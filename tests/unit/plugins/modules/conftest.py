# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server that answers as vLLM does, and a module as Ansible runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.plugins.fake_ray import fake_ray
from tests.unit.plugins.fake_vllm import fake_vllm
from tests.unit.plugins.recorded_systemd import RecordedSystemd

__all__ = ["fake_ray", "fake_vllm"]

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture
def systemd(tmp_path, monkeypatch):
    """Recorded answers of systemctl and journalctl, found before the machine's own."""
    recorded = RecordedSystemd(tmp_path / "bin")
    monkeypatch.setenv("PATH", recorded.path)
    return recorded


@pytest.fixture
def run_module(tmp_path):
    """Runs a module as a process that reads arguments and prints JSON, and gives what it prints.

    programs: texts of programs by name, found before the machine's own.
    """
    tools = tmp_path / "bin"
    tools.mkdir()

    def run(module, programs=None, **arguments):
        for name, text in (programs or {}).items():
            (tools / name).write_text(text)
            (tools / name).chmod(0o755)
        collections = ROOT / "playbooks" / "collections"
        done = subprocess.run(
            [sys.executable, str(ROOT / "plugins" / "modules" / f"{module}.py")],
            input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}),
            env={**os.environ, "PATH": f"{tools}:/usr/bin:/bin", "PYTHONPATH": str(collections)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert "Traceback" not in done.stdout + done.stderr
        return json.loads(done.stdout)

    return run
