# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Outputs put together: they agree, or the document says that they do not."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.topology.report import read_report

from . import dumps

FIXTURES = Path(__file__).parents[3] / "fixtures" / "topology"
PAIR = dumps.with_links(2, {(0, 1): "NV12"}, "SYS")
LIST = "GPU 0: NVIDIA A100 (UUID: GPU-1)\nGPU 1: NVIDIA A100 (UUID: GPU-2)\n"
UP = "GPU 0: NVIDIA A100 (UUID: GPU-1)\n Link 0: 25 GB/s\nGPU 1: NVIDIA A100 (UUID: GPU-2)\n Link 0: 25 GB/s\n"
DOWN = UP.replace(" Link 0: 25 GB/s", "NVML: Unable to retrieve NVLink information as all links are inActive")


def read(*texts):
    return read_report(*((text, None) for text in texts))


def test_one_text_with_everything_is_as_good_as_several():
    csv = "index, uuid, memory.total [MiB]\n0, GPU-1, 81920 MiB\n1, GPU-2, 81920 MiB\n"
    apps = "gpu_uuid, pid, process_name, used_gpu_memory [MiB]\nGPU-2, 7, python, 5 MiB\n"
    parts = [dumps.text(PAIR), LIST, csv, apps, UP]
    document = read("\n".join(parts))
    assert document == read(*parts)
    first, second = document["gpus"]
    assert (first["name"], first["memory_bytes"], first["cpu_affinity"], first["numa"]) == (
        "NVIDIA A100",
        81920 * 2**20,
        "0-15",
        [0],
    )
    assert first["nvlink"] == {"state": "active", "active": 1, "count": 1, "gbytes_per_s": 25.0}
    assert [process["pid"] for process in second["processes"]] == [7]
    assert document["links"] == [{"gpus": [0, 1], "type": "NV", "count": 12}]
    assert document["warnings"] == document["diagnosis"] == []


def test_names_of_nics_are_resolved():
    document = read((FIXTURES / "nvswitch_8gpu_9nic.txt").read_text())
    assert (document["gpu_count"], document["nic_count"]) == (8, 9)
    assert document["nics"][8]["device"] == "mlx5_bond_0"
    assert document["nics"][3]["links"][3] == {"gpu": 3, "type": "PXB", "count": 0}
    assert document["gpus"][3]["nics"] == ["mlx5_3"]
    assert [group["nic"] for group in document["groups_by_size"]["4"]] == ["mlx5_0", "mlx5_4"]
    assert document["groups_by_size"]["8"][0] == {
        "gpus": list(range(8)),
        "type": "NV",
        "count": 18,
        "nvlinked": True,
        "nic": "mlx5_0",
        "nics": [f"mlx5_{number}" for number in range(8)],
    }


def test_a_pasted_matrix_in_a_bad_state():
    document = read((FIXTURES / "broken_host.txt").read_text())
    assert document["nvlink_groups"] == document["cliques"] == [[0, 1], [2, 3]]
    assert document["warnings"] == [
        "glued cells (no blank between them) told apart by their names: GPU0",
        "rows that are cut: GPU3 (3 of 4 links)",
        "the matrix is not symmetric: GPU1 to GPU2 is SYS, GPU2 to GPU1 is PHB; taken as SYS",
        "the matrix is not symmetric: GPU2 to GPU3 is NV12, GPU3 to GPU2 is NV1; taken as NV12",
        "GPU3: no processor and NUMA columns",
    ]


@pytest.mark.parametrize(
    ("texts", "warning"),
    [
        ([LIST], "no link matrix (nvidia-smi topo -m): the links between the GPUs are not known"),
        ([dumps.text(PAIR), LIST.splitlines()[0]], "the matrix has 2 GPUs, the other output lists 1"),
        ([dumps.text(PAIR), DOWN], "GPU0: the matrix shows NVLinks, but nvidia-smi nvlink says inactive"),
        ([dumps.text(dumps.uniform(2, "SYS")), UP], "GPU1: 1 active NVLinks, but the matrix shows none"),
        ([LIST, LIST.replace("GPU-1", "GPU-3")], "GPU0 has the uuid GPU-1 and the uuid GPU-3"),
        (
            [dumps.text(dumps.with_links(4, {(0, 1): "NV18", (0, 2): "NV18", (1, 2): "NV18"}, "SYS"))],
            "GPU3: no NVLink, while",
        ),
        (["gpu_uuid, pid\nGPU-1, 2\n"], "a list of processes does not tell which GPUs there are"),
    ],
)
def test_outputs_that_contradict_each_other(texts, warning):
    found = read(*texts)["warnings"]
    assert any(item.startswith(warning) for item in found), found


def test_without_a_matrix_no_groups_are_made_up():
    document = read(LIST)
    assert document["gpu_count"] == 2
    assert [group["gpus"] for group in document["groups_by_size"]["1"]] == [[0], [1]]
    assert document["groups_by_size"]["2"] == document["links"] == document["nvlink_groups"] == []


def test_a_header_before_a_failure():
    document = read_report(("\tGPU0\tGPU1\tCPU Affinity\nFailed to run topology matrix\n", 255), (LIST, 0))
    assert [item["id"] for item in document["diagnosis"]] == ["topology_failed"]
    assert document["links"] == []
    assert "no row of GPU0, GPU1" in document["warnings"]


def test_a_table_without_header():
    document = read("0, NVIDIA L4, 23034\n1, NVIDIA L4, 23034\n")
    assert (document["gpu_count"], document["diagnosis"]) == (2, [])
    assert document["warnings"][0].startswith("a table without header")


def test_gpus_in_trouble():
    document = read((FIXTURES / "query.txt").read_text())
    assert [(item["id"], item["gpu"]) for item in document["diagnosis"]] == [
        ("fabric_not_ready", "00000000:17:00.0"),
        ("gpu_lost", "00000000:3D:00.0"),
        ("gpu_values", "00000000:3D:00.0"),
    ]
    ready = "index, fabric.state, fabric.status, gpu_recovery_action\n0, Completed, Success, {}\n"
    assert read(ready.format("None"))["diagnosis"] == []
    assert [item["id"] for item in read(ready.format("Reboot"))["diagnosis"]] == ["gpu_recovery"]


@pytest.mark.parametrize("text", ["", "hello", "+-----+\n| NVIDIA-SMI 580 |"])
def test_nothing_that_is_understood(text):
    document = read(text)
    assert (document["gpu_count"], [item["id"] for item in document["diagnosis"]]) == (0, ["nothing_found"])


@pytest.mark.parametrize("text", ["No devices were found", "Failed to initialize NVML: Unknown Error"])
def test_no_usable_gpu(text):
    document = read(text)
    assert (document["gpu_count"], document["gpus"], document["nvlink_groups"]) == (0, [], [])
    assert len(document["diagnosis"]) == 1
