# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module itself, with a program in the place of hf that shows how it was called. The real one runs in the lab."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[4]
TOKEN = "hf_sEcReT0123456789"
HF = """\
#!/bin/sh
printf '%s\\n' "$*" >> "{log}.argv"
env > "{log}.env"
test -e "{log}.fail" && {{ echo "Error: Model not found. $HF_TOKEN" >&2; exit 1; }}
case "$*" in *--dry-run*) test ! -e "{log}.unreachable"; exit;; esac
test -e "{log}.unreachable" && exit 0  # as hf does
mkdir -p "$4/.cache/huggingface" && echo '{{}}' > "$4/config.json"
test -e "$4/model.safetensors" || printf 12345 > "$4/model.safetensors"
"""


@pytest.fixture
def log(tmp_path):
    return tmp_path / "log"


@pytest.fixture
def arguments(tmp_path, log):
    program = tmp_path / "hf"
    program.write_text(HF.format(log=log))
    program.chmod(0o755)
    return {
        "source": "acme/tiny",
        "revision": "abc",
        "path": str(tmp_path / "models" / "acme--tiny"),
        "hf": str(program),
        "token": TOKEN,
        "endpoint": "http://127.0.0.1:9",
    }


def run(arguments, check=False):
    done = subprocess.run(
        [sys.executable, str(ROOT / "plugins" / "modules" / "hub_snapshot.py")],
        check=False,
        input=json.dumps({"ANSIBLE_MODULE_ARGS": {**arguments, "_ansible_check_mode": check, "_ansible_diff": True}}),
        env={**os.environ, "PYTHONPATH": str(ROOT / "playbooks" / "collections")},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert TOKEN not in done.stdout + done.stderr
    return json.loads(done.stdout)


def calls(log):
    file = Path(f"{log}.argv")
    return file.read_text().splitlines() if file.exists() else []


def test_check_download_and_again(arguments, log):
    told = run(arguments, check=True)
    assert told["changed"] is True
    assert calls(log) == []
    assert not Path(arguments["path"]).exists()
    done = run(arguments)
    assert done["changed"] is True
    assert done["diff"]["after"] == "config.json 3\nmodel.safetensors 5\n"
    command = f"download acme/tiny --local-dir {arguments['path']} --revision abc"
    assert calls(log) == [f"{command} --dry-run", command]
    for check in (True, False):
        assert run(arguments, check=check)["changed"] is False
    assert len(calls(log)) == 2


def test_the_token_is_in_the_environment_alone(arguments, log):
    run(arguments)
    assert f"HF_TOKEN={TOKEN}" in Path(f"{log}.env").read_text().splitlines()
    assert TOKEN not in str(calls(log))
    for file in Path(arguments["path"]).rglob("*"):
        assert file.is_dir() or TOKEN not in file.read_text()


def test_a_failed_download_is_one_message_and_is_tried_again(arguments, log):
    Path(f"{log}.fail").touch()
    answer = run(arguments)
    assert answer["failed"] is True
    assert "Model not found" in answer["msg"]
    assert "Fix:" in answer["msg"]
    Path(f"{log}.fail").unlink()
    assert run(arguments)["changed"] is True
    assert run(arguments)["changed"] is False


def test_a_damaged_file_is_downloaded_again(arguments):
    run(arguments)
    file = Path(arguments["path"]) / "model.safetensors"
    file.write_text("1")
    assert "model.safetensors" in run(arguments)["reason"]
    assert file.read_text() == "12345"
    assert run(arguments)["changed"] is False


def test_a_hub_out_of_reach_is_no_success(arguments, log):
    run(arguments)
    file = Path(arguments["path"]) / "model.safetensors"
    file.write_text("1")
    Path(f"{log}.unreachable").touch()
    for wanted in (arguments, {**arguments, "revision": "def"}):
        assert run(wanted)["failed"] is True
    assert file.exists(), "nothing is removed before the hub answers"
    Path(f"{log}.unreachable").unlink()
    assert run(arguments)["changed"] is True


def test_another_revision_is_downloaded(arguments, log):
    run(arguments)
    assert run({**arguments, "revision": "def"})["changed"] is True
    assert calls(log)[-1].endswith("--revision def")


def test_without_hf_there_is_one_message(arguments):
    answer = run({**arguments, "hf": "/nowhere/hf"})
    assert answer["failed"] is True
    assert "/nowhere/hf" in answer["msg"]
