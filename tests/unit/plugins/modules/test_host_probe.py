# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module itself, run as Ansible runs it: a process that reads arguments and prints JSON."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[4]


def probe(tmp_path, smi=None, **arguments):
    """What the module finds. smi: text of a program to stand where nvidia-smi would."""
    tools = tmp_path / "bin"
    tools.mkdir(exist_ok=True)
    if smi is not None:
        (tools / "nvidia-smi").write_text(smi)
        (tools / "nvidia-smi").chmod(0o755)
    done = subprocess.run(
        [sys.executable, str(ROOT / "plugins" / "modules" / "host_probe.py")],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}),
        env={**os.environ, "PATH": f"{tools}:/usr/bin:/bin", "PYTHONPATH": str(ROOT / "playbooks" / "collections")},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return json.loads(done.stdout)["probe"]


def test_a_machine_without_gpus(tmp_path):
    found = probe(tmp_path)
    assert found["gpus"] == []
    assert found["driver"] == "absent"
    assert found["cpus"] == len(os.sched_getaffinity(0))
    assert found["memory_bytes"] == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert found["machine"] == os.uname().machine


def test_a_listener_and_its_owner(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        (entry,) = [item for item in probe(tmp_path)["listeners"] if item["port"] == port]
    assert entry["address"] == "127.0.0.1"
    assert entry["pid"] == os.getpid()
    assert port not in [item["port"] for item in probe(tmp_path)["listeners"]]


def test_paths(tmp_path):
    model, empty, plain = tmp_path / "model", tmp_path / "empty", tmp_path / "plain"
    model.mkdir()
    empty.mkdir()
    plain.touch()
    (model / "config.json").write_text("{}")
    paths = [str(path) for path in (model, empty, plain, tmp_path / "gone")]
    found = probe(tmp_path, paths=paths)["paths"]
    assert [tuple(found[path].values()) for path in paths] == [
        (True, True, True),
        (True, True, False),
        (True, False, False),
        (False, False, False),
    ]


def test_gpus_as_the_tool_prints_them(tmp_path):
    found = probe(tmp_path, smi="#!/bin/sh\necho '0, NVIDIA L4, GPU-1, 23034, 580.95.05'\n")
    assert found["driver"] == "580.95.05"
    assert found["gpus"][0]["memory_bytes"] == 23034 * 2**20


@pytest.mark.parametrize(
    ("smi", "error"),
    [
        ("#!/bin/sh\nexec sleep 30\n", "no answer in 1 seconds"),
        ("#!/bin/sh\necho no driver >&2; exit 9\n", "no driver"),
        ("#!/bin/sh\nexit 9\n", "exit status 9"),
        ("#!/bin/sh\necho No devices were found\n", "No devices were found"),
    ],
)
def test_a_driver_that_hangs_or_fails_is_a_fact_and_soon(tmp_path, smi, error):
    started = time.monotonic()
    found = probe(tmp_path, smi=smi, timeout=1)
    assert time.monotonic() - started < 15
    assert found["driver"] == "failing"
    assert found["driver_error"] == error
    assert found["gpus"] == []
