# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module itself, run as Ansible runs it, with the real uv: a process that reads arguments and prints JSON."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[4]
COMMAND = [sys.executable, str(ROOT / "plugins" / "modules" / "uv_env.py")]
PASSWORD = "pa%24sw-0rd"  # as a URL spells it: pa$sw-0rd


def start(arguments, check=False, **options):
    arguments = {**arguments, "_ansible_check_mode": check, "_ansible_diff": True, "_ansible_no_log": False}
    process = subprocess.Popen(
        COMMAND,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "playbooks" / "collections"), "UV_HTTP_RETRIES": "0"},
        **options,
    )
    process.stdin.write(json.dumps({"ANSIBLE_MODULE_ARGS": arguments}))
    process.stdin.close()
    process.stdin = None
    return process


def run(arguments, **options):
    output, _none = start(arguments, **options).communicate(timeout=120)
    return json.loads(output)


@pytest.fixture
def arguments(tmp_path, wheels, uv):
    tools = tmp_path / "uv" / "bin"
    tools.mkdir(parents=True)
    (tools / "uv").symlink_to(uv)
    (tmp_path / "uv" / "pyvenv.cfg").touch()
    return {
        "environments": [
            {
                "name": "e",
                "path": str(tmp_path / "envs" / "e"),
                "python": sys.executable,
                "accelerator": "cpu",
                "requirements": ["engine==1.0"],
                "excludes": ["unwanted"],
                "aliases": {"other-name": "1.0"},
                "torch_backend": None,
            }
        ],
        "uv_dir": str(tmp_path / "uv"),
        "uv_version": subprocess.run([uv, "--version"], capture_output=True, text=True, check=True).stdout.split()[1],
        "index_url": wheels.index_url,
        "find_links": [str(wheels.links)],
        "cache_dir": str(tmp_path / "cache"),
        "timeout": 60,
    }


def test_check_apply_and_again(arguments):
    environment = Path(arguments["environments"][0]["path"])
    told = run(arguments, check=True)
    assert not environment.parent.exists()
    done = run(arguments)
    assert told["changed"] is done["changed"] is True
    assert told["diff"] == done["diff"]
    assert done["diff"][0]["before"] == ""
    assert done["diff"][0]["after"] == "engine==1.0\nhelper==1.5\nother-name==1.0\n"
    (result,) = done["environments"]
    assert (result["action"], result["packages"]) == ("build", 3)
    assert result["differences"] == ["+engine==1.0", "+helper==1.5", "+other-name==1.0"]
    for check in (True, False):
        again = run(arguments, check=check)
        assert again["changed"] is False
        assert again["diff"] == []
        assert again["environments"][0]["action"] == "none"


def test_nothing_to_do_needs_no_uv(arguments):
    run(arguments)
    (Path(arguments["uv_dir"]) / "bin" / "uv").unlink()
    assert run(arguments)["changed"] is False


def test_check_mode_without_uv_knows_that_there_is_work(arguments):
    (Path(arguments["uv_dir"]) / "bin" / "uv").unlink()
    told = run(arguments, check=True)
    assert told["changed"] is True
    assert told["environments"][0]["packages"] is None
    assert told["diff"][0]["after"] == "engine==1.0\n"
    assert not (Path(arguments["uv_dir"]) / "bin" / "uv").exists()


def test_only_the_environment_that_differs_is_touched(arguments, tmp_path):
    other = {**arguments["environments"][0], "name": "f", "path": str(tmp_path / "envs" / "f")}
    arguments["environments"].append(other)
    run(arguments)
    other["requirements"] = ["engine==2.0"]
    done = run(arguments)
    assert [item["action"] for item in done["environments"]] == ["none", "install"]
    assert [entry["after_header"] for entry in done["diff"]] == [other["path"]]
    assert done["environments"][1]["differences"] == ["engine 1.0 -> 2.0"]


#: Programs named vllm: of one that starts, and of one that a package of another day breaks.
STARTS = "#!python\nimport os, sys\nsys.exit(sys.argv[1:] != ['--version'] or os.listdir(os.environ['HOME']) is None)\n"
BREAKS = "#!python\nraise ImportError(\"cannot import name 'Old' from 'helper'\")\n"


def of_vllm(arguments, tmp_path, version):
    """The arguments for an environment of this vllm; each has a path of its own."""
    path = str(tmp_path / "envs" / f"v{version}")
    item = {**arguments["environments"][0], "name": f"v{version}", "path": path, "requirements": [f"vllm=={version}"]}
    return {**arguments, "environments": [item]}


def test_a_new_vllm_that_does_not_start_is_removed_again(arguments, wheels, tmp_path):
    for version, script in (("1.0", STARTS), ("2.0", BREAKS), ("3.0", STARTS)):
        wheels.add("vllm", version, ["helper"], script=script)
    assert run(of_vllm(arguments, tmp_path, "1.0"))["changed"] is True
    told = run(of_vllm(arguments, tmp_path, "2.0"))
    assert told["failed"] is True
    assert "v2.0): its vLLM does not start" in told["msg"]
    assert "cannot import name 'Old' from 'helper'" in told["msg"]
    assert "Fix: name a version that goes with the release" in told["msg"]
    assert sorted(os.listdir(tmp_path / "envs")) == [".v1.0.json", "v1.0"]
    assert run(of_vllm(arguments, tmp_path, "3.0"))["others"] == [str(tmp_path / "envs" / "v1.0")]


def test_the_first_vllm_of_a_host_is_not_tried(arguments, wheels, tmp_path):
    """No engine serves that could be lost, and the start of its own tells the same."""
    wheels.add("vllm", "2.0", ["helper"], script=BREAKS)
    assert run(of_vllm(arguments, tmp_path, "2.0"))["changed"] is True


def test_everybody_can_read_an_environment_and_nobody_else_can_write(arguments):
    before = os.umask(0o077)
    try:
        run(arguments)
    finally:
        os.umask(before)
    environment = Path(arguments["environments"][0]["path"])
    # uv's own lock file is empty and open to all by design
    paths = [path for path in environment.rglob("*") if not path.is_symlink() and path.name != ".lock"]
    assert len(paths) > 10
    for path in [environment.parent, environment, *paths]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode & 0o004, f"{path} cannot be read"
        assert not mode & 0o022, f"{path} can be written"


def test_a_failure_is_one_message_without_the_password(arguments):
    arguments["index_url"] = f"http://reader:{PASSWORD}@127.0.0.1:9/simple"
    arguments["extra_index_urls"] = [f"http://reader:{PASSWORD}@127.0.0.1:9/more"]
    arguments["environments"][0]["requirements"] = ["nowhere-to-be-found==1"]
    done = start(arguments).communicate(timeout=120)[0]
    answer = json.loads(done)
    assert answer["failed"] is True
    assert "http://127.0.0.1:9/" in answer["msg"], "the message must name the index"
    assert "Fix: let the host reach the index" in answer["msg"]
    for secret in (PASSWORD, "pa$sw-0rd"):
        assert secret not in done


def test_a_failure_names_an_index_that_is_no_secret(arguments):
    arguments["index_url"] = "http://127.0.0.1:9/simple"
    arguments["environments"][0]["requirements"] = ["nowhere-to-be-found==1"]
    assert "http://127.0.0.1:9/simple/nowhere-to-be-found/" in run(arguments)["msg"]


def test_a_directory_of_somebody_else_is_refused(arguments):
    precious = Path(arguments["environments"][0]["path"]) / "precious"
    precious.parent.mkdir(parents=True)
    precious.touch()
    for check in (True, False):
        answer = run(arguments, check=check)
        assert answer["failed"] is True
        assert "not made by this collection" in answer["msg"]
    assert precious.exists()


def test_a_path_that_cannot_be_written_is_one_message(arguments, tmp_path):
    (tmp_path / "envs").touch()
    answer = run(arguments)
    assert answer["failed"] is True
    assert str(tmp_path / "envs") in answer["msg"]


def test_a_run_after_a_killed_one_waits_for_the_orphaned_uv(arguments, uv, tmp_path):
    program = Path(arguments["uv_dir"]) / "bin" / "uv"
    program.unlink()
    started, ended = tmp_path / "started", tmp_path / "ended"
    program.write_text(
        f'#!/bin/sh\ncase "$*" in *install*) touch {started}; sleep 2; "{uv}" "$@"; touch {ended};;'
        f' *) exec "{uv}" "$@";; esac\n'
    )
    program.chmod(0o755)
    first = start(arguments)
    deadline = time.monotonic() + 60
    while not started.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    first.send_signal(signal.SIGKILL)
    first.wait(timeout=10)
    assert not ended.exists()
    program.unlink()
    program.symlink_to(uv)
    done = run(arguments)
    assert ended.exists(), "it did not wait"
    assert done["environments"][0]["action"] == "build"
    assert run(arguments)["changed"] is False


def test_a_command_that_hangs_is_stopped(arguments, uv):
    program = Path(arguments["uv_dir"]) / "bin" / "uv"
    program.unlink()
    program.write_text(f'#!/bin/sh\ncase "$*" in *install*) exec sleep 100;; *) exec "{uv}" "$@";; esac\n')
    program.chmod(0o755)
    answer = run({**arguments, "timeout": 1})
    assert answer["failed"] is True
    assert "stopped after 1 s" in answer["msg"]
