# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table that nvidia-smi prints without options."""

from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.topology.report import read_report
from ansible_collections.vllm.cluster.plugins.module_utils.topology.smi_table import read_table
from hypothesis import given
from hypothesis import strategies as st

MIB = 2**20
NARROW = """\
+-----------------------------------------------------------------------------+
| NVIDIA-SMI 418.10       Driver Version: 418.10       CUDA Version: 10.1     |
|-------------------------------+----------------------+----------------------+
| GPU  Name        Persistence-M| Bus-Id        Disp.A | Volatile Uncorr. ECC |
| Fan  Temp  Perf  Pwr:Usage/Cap|         Memory-Usage | GPU-Util  Compute M. |
|===============================+======================+======================|
|   0  Tesla V100-PCIE...  On   | 00000000:3B:00.0 Off |                    0 |
| N/A   30C    P0    25W / 250W |     10MiB / 32480MiB |      0%      Default |
+-------------------------------+----------------------+----------------------+
|   1  Tesla T4            Off  | 00000000:AF:00.0 Off |                  Off |
| N/A   31C    P8    10W /  70W |   1200MiB / 15079MiB |     40%   E. Process |
+-------------------------------+----------------------+----------------------+
|=============================================================================|
| Processes:                                                       GPU Memory |
|    1      7001      C   python3                                     1190MiB |
+-----------------------------------------------------------------------------+
"""
WIDE = """\
| NVIDIA-SMI 590.11.01              Driver Version: 590.11.02      CUDA Version: 13.1     |
|=========================================+========================+======================|
|   0  NVIDIA H200                    On  |   00000000:0A:00.0 Off |                    2 |
| N/A   30C    P0             80W /  700W |       4MiB / 143771MiB |      0%      Default |
|                                         |                        |             Disabled |
+-----------------------------------------+------------------------+----------------------+
|   1  NVIDIA H200                    On  |   00000000:0B:00.0 Off |                   On |
| N/A   30C    P0             80W /  700W |     100MiB / 143771MiB |     N/A      Default |
|                                         |                        |              Enabled |
+-----------------------------------------+------------------------+----------------------+
| MIG devices:                                                                            |
|  1    7   0   0  |              14MiB / 16384MiB    | 26      0 |  1   0    1    0    1 |
+-----------------------------------------+------------------------+----------------------+
|   2  NVIDIA GeForce RTX 4090        Off |   00000000:0C:00.0  On |                  Off |
|ERR!   50C    P0            ERR! /  450W |       9MiB /  24564MiB |      3%      Default |
|                                         |                        |                  N/A |
+-----------------------------------------+------------------------+----------------------+
|   3  NVIDIA GB10                    On  |   0000000F:01:00.0 Off |                  N/A |
| N/A   35C    P8              4W /  N/A  | Not Supported          |      0%      Default |
|                                         |                        |                  N/A |
+-----------------------------------------------------------------------------------------+
| Processes:                                                                              |
|    0   N/A  N/A      8001      C   /opt/vllm/bin/python3                           2MiB |
|    1     7    0      8002    C+G   ...long/path/python3                            N/A  |
+-----------------------------------------------------------------------------------------+
"""


def test_a_narrow_one():
    found = read_table(NARROW)
    first, second = found.gpus
    assert (first.index, first.name, first.bus_id) == (0, None, "00000000:3B:00.0")
    assert (first.driver, first.cuda, first.persistence, first.ecc) == ("418.10", "10.1", True, True)
    assert (first.memory_used_bytes, first.memory_bytes) == (10 * MIB, 32480 * MIB)
    assert (second.name, second.persistence, second.ecc) == ("Tesla T4", False, False)
    assert (second.compute_mode, second.mig) == ("Exclusive_Process", None)
    assert [(item.pid, item.kind, item.memory_bytes) for item in second.processes] == [(7001, "C", 1190 * MIB)]
    assert found.warnings == ["the table of nvidia-smi cuts the names of GPUs, so they are left out"]


@pytest.mark.parametrize(
    "text",
    [
        WIDE,
        WIDE.replace("\n", "\r\n"),
        WIDE.replace(" ", "\u00a0"),
        "node1: " + WIDE.replace("\n", "\nnode1: "),
        WIDE * 2,
    ],
)
def test_a_wide_one(text):
    found = read_table(text)
    assert [gpu.index for gpu in found.gpus] == [0, 1, 2, 3]
    assert [gpu.mig for gpu in found.gpus] == [False, True, None, None]
    assert [gpu.memory_bytes for gpu in found.gpus] == [143771 * MIB, 143771 * MIB, 24564 * MIB, None]
    assert [gpu.problems for gpu in found.gpus] == [[], [], ["ERR!"], []]
    assert {gpu.driver for gpu in found.gpus} == {"590.11.02"}
    assert [[item.name for item in gpu.processes] for gpu in found.gpus[:2]] == [["/opt/vllm/bin/python3"], [None]]
    assert found.warnings == ["the table of nvidia-smi does not tell the memory of GPU 3"]


def test_a_cut_one_is_told():
    found = read_table(WIDE[: WIDE.index("| MIG devices")])
    assert len(found.gpus) == 2
    assert found.warnings == ["the table of nvidia-smi ends before its processes: there may be more GPUs"]


def test_the_report_has_it():
    document = read_report((NARROW, None))
    assert (document["gpu_count"], document["diagnosis"]) == (2, [])


@given(st.integers(0, len(WIDE)), st.integers(0, len(WIDE)), st.text(alphabet=" |\n0A", max_size=5))
def test_whatever_is_lost(start, end, put):
    assert len(read_table(WIDE[:start] + put + WIDE[end:]).gpus) <= 8
