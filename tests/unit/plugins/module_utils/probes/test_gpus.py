# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.vllm.cluster.plugins.module_utils.probes import gpus

CSV = """0, NVIDIA H100 80GB HBM3, GPU-11111111-2222-3333-4444-555555555555, 81559, 580.95.05
WARNING: infoROM is corrupted at gpu 0000:03:00.0
1, NVIDIA GB10, GPU-66666666-7777-8888-9999-000000000000, [N/A], 580.95.05
"""


def test_gpus_and_nothing_else():
    found = gpus.parse(CSV)
    assert [(gpu["index"], gpu["name"], gpu["memory_bytes"]) for gpu in found] == [
        (0, "NVIDIA H100 80GB HBM3", 81559 * 2**20),
        (1, "NVIDIA GB10", None),
    ]
    assert {gpu["driver"] for gpu in found} == {"580.95.05"}


def test_no_gpu():
    assert gpus.parse("No devices were found\n") == []
