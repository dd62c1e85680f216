# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module itself, run as Ansible runs it: a process that reads arguments and prints JSON."""

from __future__ import annotations

import json
import time

import pytest

from tests.unit.plugins.fake_smi import FIXTURES, HANGS, SWITCHES, program


@pytest.fixture
def run(run_module):
    return lambda smi=None, **arguments: run_module("gpu_topology", {"nvidia-smi": smi} if smi else {}, **arguments)


def ids(result):
    return [item["id"] for item in result["diagnosis"]]


def test_a_healthy_host(run, tmp_path):
    result = run(program(tmp_path))
    assert (result["changed"], result["diagnosis"], result.get("warnings", [])) == (False, [], [])
    assert (result["gpu_count"], result["nic_count"]) == (8, 9)
    assert result["nvlink_groups"] == result["cliques"] == [list(range(8))]
    assert len(result["links"]) == 28
    assert [group["gpus"] for group in result["groups_by_size"]["4"]] == [[0, 1, 2, 3], [4, 5, 6, 7]]
    last = result["gpus"][7]
    assert (last["name"], last["memory_bytes"], last["nics"]) == ("NVIDIA H100", 81559 * 2**20, ["mlx5_7"])
    assert (last["nvlink"]["state"], last["compute_capability"], last["cuda"]) == ("active", "9.0", "13.0")


def test_text_and_file_say_the_same_in_check_mode_too(run):
    text = run(source_text=SWITCHES.read_text())
    file = run(source_file=str(SWITCHES), _ansible_check_mode=True)
    assert {**text, "invocation": None} == {**file, "invocation": None}
    assert text["gpu_count"] == 8


def test_a_source_needs_no_tool(run):
    assert run("#!/bin/sh\nexit 1\n", source_text=SWITCHES.read_text())["diagnosis"] == []


def test_doubts_are_warnings_of_the_task(run):
    result = run(source_file=str(FIXTURES / "broken_host.txt"))
    said = json.dumps(result["warnings"])
    assert "the matrix is not symmetric: GPU1 to GPU2 is SYS, GPU2 to GPU1 is PHB; taken as SYS" in said
    assert result["nvlink_groups"] == [[0, 1], [2, 3]]


def test_bytes_that_are_no_text(run, tmp_path):
    (tmp_path / "dump").write_bytes(b"\xff\xfe" + SWITCHES.read_text().encode("utf-16-le"))
    assert run(source_file=str(tmp_path / "dump"))["nic_count"] == 9
    (tmp_path / "noise").write_bytes(bytes(range(256)) * 20)
    assert ids(run(source_file=str(tmp_path / "noise"))) == ["nothing_found"]


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        ({"topo": "echo 'Failed to run topology matrix'; exit 255"}, ["topology_failed"]),
        ({"query": "echo 'Field \"compute_cap\" is not a valid field to query.'; exit 2"}, []),
        ({"xml": "exit 9"}, ["driver_not_loaded"]),
        ({"nvlink": "exit 3"}, []),
        (dict.fromkeys(("xml", "topo", "query", "nvlink"), "exit 9"), ["driver_not_loaded"]),
        (
            dict.fromkeys(("xml", "topo", "query"), "echo Driver/library version mismatch; exit 18"),
            ["nvml_version_mismatch"],
        ),
    ],
)
def test_a_call_that_fails_is_diagnosed_and_not_an_error(run, tmp_path, calls, expected):
    result = run(program(tmp_path, **calls))
    assert "failed" not in result
    assert ids(result) == expected
    assert all(item["fix"] for item in result["diagnosis"])
    if "topo" in calls:
        assert result["links"] == []


def test_a_host_without_the_tool(run):
    result = run()
    assert (result["gpu_count"], result["nic_count"], ids(result)) == (0, 0, ["not_installed"])


def test_a_driver_that_hangs_is_asked_once(run):
    started = time.monotonic()
    result = run(HANGS, timeout=1)
    assert time.monotonic() - started < 15
    assert (result["gpu_count"], ids(result)) == (0, ["timeout"])


def test_two_sources(run):
    result = run(source_text="x", source_file="y")
    assert result["failed"]
    assert "mutually exclusive" in result["msg"]


def test_a_file_that_is_not_there(run, tmp_path):
    result = run(source_file=str(tmp_path / "gone"))
    assert result["failed"]
    assert result["msg"] == f"cannot read {tmp_path}/gone: No such file or directory"
