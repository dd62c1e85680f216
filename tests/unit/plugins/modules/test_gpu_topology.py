# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module itself, run as Ansible runs it: a process that reads arguments and prints JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[4]
FIXTURES = ROOT / "tests" / "unit" / "fixtures" / "topology"
SWITCHES = FIXTURES / "nvswitch_8gpu_9nic.txt"

# Stands where nvidia-smi would; `topo`, `query` and `nvlink` are shell for the three calls.
SMI = """#!/bin/sh
case "$*" in
  "topo -m") {topo} ;;
  "nvlink -s") {nvlink} ;;
  --query-gpu=*--format=csv) {query} ;;
  *) echo "not called like this: $*" >&2; exit 2 ;;
esac
"""
CSV = "index, name, uuid, memory.total [MiB]\n" + "".join(
    f"{at}, NVIDIA H100, GPU-{at}, 81559 MiB\n" for at in range(8)
)
NVLINK = "".join(f"GPU {at}: NVIDIA H100 (UUID: GPU-{at})\n\t Link 0: 26.562 GB/s\n" for at in range(8))


def run(tmp_path, smi=None, **arguments):
    """What the module prints. smi: text of a program to stand where nvidia-smi would."""
    tools = tmp_path / "bin"
    tools.mkdir(exist_ok=True)
    if smi is not None:
        (tools / "nvidia-smi").write_text(smi)
        (tools / "nvidia-smi").chmod(0o755)
    done = subprocess.run(
        [sys.executable, str(ROOT / "plugins" / "modules" / "gpu_topology.py")],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}),
        env={**os.environ, "PATH": f"{tools}:/usr/bin:/bin", "PYTHONPATH": str(ROOT / "playbooks" / "collections")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stdout + done.stderr
    return json.loads(done.stdout)


def healthy(tmp_path, **calls):
    (tmp_path / "query.csv").write_text(CSV)
    (tmp_path / "nvlink.txt").write_text(NVLINK)
    defaults = {
        "topo": f"cat {SWITCHES}",
        "query": f"cat {tmp_path}/query.csv",
        "nvlink": f"cat {tmp_path}/nvlink.txt",
    }
    return SMI.format(**{**defaults, **calls})


def ids(result):
    return [item["id"] for item in result["diagnosis"]]


def test_a_healthy_host(tmp_path):
    result = run(tmp_path, healthy(tmp_path))
    assert (result["changed"], result["diagnosis"], result.get("warnings", [])) == (False, [], [])
    assert (result["gpu_count"], result["nic_count"]) == (8, 9)
    assert result["nvlink_groups"] == result["cliques"] == [list(range(8))]
    assert len(result["links"]) == 28
    assert [group["gpus"] for group in result["groups_by_size"]["4"]] == [[0, 1, 2, 3], [4, 5, 6, 7]]
    last = result["gpus"][7]
    assert (last["name"], last["memory_bytes"], last["nics"]) == ("NVIDIA H100", 81559 * 2**20, ["mlx5_7"])
    assert last["nvlink"]["state"] == "active"


def test_text_and_file_say_the_same_in_check_mode_too(tmp_path):
    text = run(tmp_path, source_text=SWITCHES.read_text())
    file = run(tmp_path, source_file=str(SWITCHES), _ansible_check_mode=True)
    assert {**text, "invocation": None} == {**file, "invocation": None}
    assert text["gpu_count"] == 8


def test_a_source_needs_no_tool(tmp_path):
    assert run(tmp_path, "#!/bin/sh\nexit 1\n", source_text=SWITCHES.read_text())["diagnosis"] == []


def test_doubts_are_warnings_of_the_task(tmp_path):
    result = run(tmp_path, source_file=str(FIXTURES / "broken_host.txt"))
    said = json.dumps(result["warnings"])
    assert "the matrix is not symmetric: GPU1 to GPU2 is SYS, GPU2 to GPU1 is PHB; taken as SYS" in said
    assert result["nvlink_groups"] == [[0, 1], [2, 3]]


def test_bytes_that_are_no_text(tmp_path):
    (tmp_path / "dump").write_bytes(b"\xff\xfe" + SWITCHES.read_text().encode("utf-16-le"))
    assert run(tmp_path, source_file=str(tmp_path / "dump"))["nic_count"] == 9
    (tmp_path / "noise").write_bytes(bytes(range(256)) * 20)
    assert ids(run(tmp_path, source_file=str(tmp_path / "noise"))) == ["nothing_found"]


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        ({"topo": "echo 'Failed to run topology matrix'; exit 255"}, ["topology_failed"]),
        ({"query": "echo 'Field \"x\" is not a valid field to query.'; exit 2"}, ["bad_query"]),
        ({"nvlink": "exit 3"}, []),
        ({"topo": "exit 9", "query": "exit 9", "nvlink": "exit 9"}, ["driver_not_loaded"]),
        (
            dict.fromkeys(("topo", "query"), "echo Driver/library version mismatch; exit 18"),
            ["nvml_version_mismatch"],
        ),
    ],
)
def test_a_call_that_fails_is_diagnosed_and_not_an_error(tmp_path, calls, expected):
    result = run(tmp_path, healthy(tmp_path, **calls))
    assert "failed" not in result
    assert ids(result) == expected
    assert all(item["fix"] for item in result["diagnosis"])
    if "topo" in calls:
        assert result["links"] == []


def test_a_host_without_the_tool(tmp_path):
    result = run(tmp_path)
    assert (result["gpu_count"], result["nic_count"], ids(result)) == (0, 0, ["not_installed"])


def test_a_driver_that_hangs_is_asked_once(tmp_path):
    started = time.monotonic()
    result = run(tmp_path, "#!/bin/sh\nexec sleep 60\n", timeout=1)
    assert time.monotonic() - started < 15
    assert (result["gpu_count"], ids(result)) == (0, ["timeout"])


def test_two_sources(tmp_path):
    result = run(tmp_path, source_text="x", source_file="y")
    assert result["failed"]
    assert "mutually exclusive" in result["msg"]


def test_a_file_that_is_not_there(tmp_path):
    result = run(tmp_path, source_file=str(tmp_path / "gone"))
    assert result["failed"]
    assert result["msg"] == f"cannot read {tmp_path}/gone: No such file or directory"
