# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module itself, run as Ansible runs it, on environments with records; users are real processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.environments.records import record_path, write_record
from ansible_collections.vllm.cluster.plugins.module_utils.environments.state import Record

ROOT = Path(__file__).resolve().parents[4]


def run(arguments, check=False):
    arguments = {**arguments, "_ansible_check_mode": check, "_ansible_diff": True}
    done = subprocess.run(
        [sys.executable, str(ROOT / "plugins" / "modules" / "env_prune.py")],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}),
        env={**os.environ, "PYTHONPATH": str(ROOT / "playbooks" / "collections")},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return json.loads(done.stdout)


@pytest.fixture
def folder(tmp_path):
    for name, complete in (("wanted", True), ("former", True), ("unfinished", False)):
        (tmp_path / "envs" / name).mkdir(parents=True)
        (tmp_path / "envs" / name / "file").touch()
        write_record(tmp_path / "envs" / name, Record(complete, "", "", {}))
    (tmp_path / "envs" / "foreign").mkdir()
    return tmp_path / "envs"


@pytest.fixture
def arguments(folder):
    return {"folder": str(folder), "keep": [str(folder / "wanted")], "lock": str(folder.parent / "lock"), "timeout": 5}


def test_what_nobody_uses_goes_and_nothing_else(folder, arguments):
    told = run(arguments, check=True)
    assert sorted(path.name for path in folder.glob("[!.]*")) == ["foreign", "former", "unfinished", "wanted"]
    done = run(arguments)
    assert told["changed"] is done["changed"] is True
    assert told["removed"] == done["removed"] == [str(folder / "former"), str(folder / "unfinished")]
    assert told["diff"] == done["diff"]
    assert sorted(path.name for path in folder.iterdir()) == [".wanted.json", "foreign", "wanted"]
    assert run(arguments)["changed"] is False


def test_what_somebody_uses_stays_and_is_told(folder, arguments):
    words = [sys.executable, "-c", "print(flush=True); input()", str(folder / "former" / "file")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        done = run(arguments)
        process.communicate(b"\n", timeout=10)
    assert done["in_use"] == {str(folder / "former"): [f"process {process.pid}"]}
    assert (folder / "former" / "file").exists()
    assert record_path(folder / "former").exists()
    assert not (folder / "unfinished").exists()


def test_a_folder_that_is_not_there_has_nothing_to_remove(arguments, tmp_path):
    done = run({**arguments, "folder": str(tmp_path / "nowhere")})
    assert (done["changed"], done["removed"]) == (False, [])
