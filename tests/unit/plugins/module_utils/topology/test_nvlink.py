# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""NVLinks as ``nvidia-smi nvlink`` prints them."""

from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.topology.nvlink import read_nvlink

HEAD = "GPU 0: NVIDIA A100-SXM4-80GB (UUID: GPU-1)\n"


def only(text):
    gpus, warnings = read_nvlink(text)
    (found,) = gpus
    return found, warnings


def test_status():
    text = HEAD + "\t Link 0: 26.562 GB/s\n\t Link 1: 26.562GB/s\n"
    found, warnings = only(text)
    assert (found.index, found.name, found.uuid) == (0, "NVIDIA A100-SXM4-80GB", "GPU-1")
    assert (found.state, found.active, found.gbytes_per_s, warnings) == ("active", 2, 53.124, [])


def test_links_that_are_down():
    found, warnings = only(HEAD + "\t Link 0: 25 GB/s\n\t Link 1: <inactive>\n\t Link 2: inActive\n")
    assert (found.state, found.active) == ("degraded", 1)
    assert warnings == ["GPU0: 2 of 3 NVLinks are inactive: 1, 2"]
    assert only(HEAD + "\t Link 0: <inactive>\n")[0].state == "inactive"


def test_links_that_the_text_lost():
    assert only(HEAD + " Link 0: 25 GB/s\n Link 3: 25 GB/s\n")[1] == ["GPU0: NVLinks are left out: 1, 2"]


@pytest.mark.parametrize(
    ("line", "state"),
    [
        ("Device does not have or support Nvlink", "unsupported"),
        ("\t NVML: Unable to retrieve NVLink information: Not Supported", "unsupported"),
        ("NVML: Unable to retrieve Nvlink information as all links are inActive", "inactive"),
        ("Nvlink queries are not supported for Devices in MIG mode", "mig"),
    ],
)
def test_no_links(line, state):
    found, warnings = only(HEAD + line + "\n")
    assert (found.state, found.links, warnings) == (state, {}, [])


def test_capabilities_and_remote_devices_after_the_status():
    text = (
        HEAD
        + "\t Link 0: 25 GB/s\n"
        + HEAD
        + "\t Link 0, P2P is supported: true\n\t Link 0, SLI is supported: false\n"
        + HEAD
        + "\t Link 0: Remote Device 00000008:00:00.0: Link 29\n"
    )
    found, _warnings = only(text)
    link = found.links[0]
    assert link.capabilities == {"P2P is supported": True, "SLI is supported": False}
    assert (link.active, link.remote, link.remote_link) == (True, "00000008:00:00.0", 29)


def test_remote_devices_alone():
    found, warnings = only(HEAD + "\t Link 0: 00000000:0a:00.0\n")
    assert (found.state, found.links[0].remote, found.links[0].remote_link, warnings) == (
        "listed",
        "00000000:0A:00.0",
        None,
        [],
    )


def test_links_of_a_gpu_that_is_not_named():
    found, _warnings = only("Link 0, P2P is supported: true\n")
    assert (found.index, found.state) == (None, "listed")


def test_the_end_is_missing():
    gpus, warnings = read_nvlink(HEAD + " Link 0: 25 GB/s\nGPU 1: NVIDIA A100-SXM4-80GB (UUID: GPU-2)\n")
    assert [found.state for found in gpus] == ["active", "unknown"]
    assert warnings == ["GPU1: the text does not tell its NVLinks"]


def test_a_list_of_gpus_is_no_list_of_links():
    assert read_nvlink(HEAD) == ([], [])


@pytest.mark.parametrize("words", ["N/A", "Unknown Error", "26.5", ""])
def test_a_link_whose_state_is_not_told(words):
    (gpu,), warnings = read_nvlink(f"GPU 0: A (UUID: GPU-1)\n\t Link 0: 25 GB/s\n\t Link 1: {words}\n")
    assert (gpu.active, sorted(gpu.links)) == (1, [0, 1])
    assert warnings == ["GPU0: the text does not tell the state of NVLinks 1"]
