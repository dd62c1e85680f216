# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module itself, run as Ansible runs it: a process that reads arguments and prints JSON."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import jinja2
import pytest

ROOT = Path(__file__).resolve().parents[4]
FILES = ["config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]


def run(path, check=False, **arguments):
    arguments = {"path": str(path), "_ansible_check_mode": check, "_ansible_diff": True, **arguments}
    done = subprocess.run(
        [sys.executable, str(ROOT / "plugins" / "modules" / "tiny_model.py")],
        check=False,
        input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}),
        env={**os.environ, "PYTHONPATH": str(ROOT / "playbooks" / "collections")},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return json.loads(done.stdout)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "models" / "lab--tiny"


def contents(path):
    return {name: (path / name).read_bytes() for name in FILES}


def test_check_write_and_again(path):
    told = run(path, check=True)
    assert not path.parent.exists()
    done = run(path)
    assert told["changed"] is done["changed"] is True
    assert told["written"] == done["written"] == FILES
    assert told["diff"] == done["diff"]
    before = contents(path)
    for check in (True, False):
        again = run(path, check=check)
        assert (again["changed"], again["written"]) == (False, [])
    assert contents(path) == before


@pytest.mark.parametrize(
    ("name", "damage"),
    [*((name, "other") for name in FILES), ("model.safetensors", "gone"), ("tokenizer.json", "longer")],
)
def test_a_damaged_file_is_written_again(path, name, damage):
    run(path)
    whole = contents(path)
    file = path / name
    if damage == "gone":
        file.unlink()
    else:
        data = file.read_bytes()
        file.write_bytes(data + b"x" if damage == "longer" else bytes([data[0] ^ 1]) + data[1:])
    assert run(path, check=True)["written"] == [name]
    assert run(path)["written"] == [name]
    assert contents(path) == whole


def test_a_run_that_was_cut_off_is_finished(path):
    run(path)
    whole = contents(path)
    for name in FILES[1:]:  # the manifest and the first file were written
        (path / name).unlink()
    assert run(path)["written"] == FILES[1:]
    assert contents(path) == whole


def test_another_seed_renews_the_weights_alone(path):
    run(path)
    assert run(path, seed=1)["written"] == ["model.safetensors"]
    assert run(path, seed=1)["changed"] is False


def test_a_directory_of_somebody_else_is_refused(path):
    path.mkdir(parents=True)
    (path / "config.json").write_text("{}")
    for check in (True, False):
        answer = run(path, check=check)
        assert answer["failed"] is True
        assert "Fix:" in answer["msg"]
    assert [file.name for file in path.iterdir()] == ["config.json"]


def test_a_path_that_cannot_be_written_is_one_message(path):
    path.parent.parent.joinpath("models").touch()
    answer = run(path)
    assert answer["failed"] is True
    assert str(path) in answer["msg"]


def test_everybody_can_read_it(path):
    before = os.umask(0o077)
    try:
        run(path)
    finally:
        os.umask(before)
    for file in (path.parent, path):
        assert stat.S_IMODE(file.stat().st_mode) == 0o755
    for name in FILES:
        assert stat.S_IMODE((path / name).stat().st_mode) == 0o644


def test_the_chat_template_is_chatml(path):
    run(path)
    template = jinja2.Template(json.loads((path / "tokenizer_config.json").read_text())["chat_template"])
    messages = [{"role": "system", "content": "be"}, {"role": "user", "content": "hi"}]
    told = "<|im_start|>system\nbe<|im_end|>\n<|im_start|>user\nhi<|im_end|>\n"
    assert template.render(messages=messages, add_generation_prompt=False) == told
    assert template.render(messages=messages, add_generation_prompt=True) == told + "<|im_start|>assistant\n"
