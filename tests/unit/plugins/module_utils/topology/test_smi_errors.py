# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What failing calls of nvidia-smi mean."""

from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.topology.smi_errors import diagnose


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("Failed to initialize NVML: Driver/library version mismatch", ["nvml_version_mismatch"]),
        (
            "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure",
            ["driver_not_loaded"],
        ),
        ("Failed to initialize NVML: Driver Not Loaded", ["driver_not_loaded"]),
        ("NVIDIA-SMI couldn't find libnvidia-ml.so library in your system.", ["library_not_found"]),
        ("Failed to initialize NVML: Insufficient Permissions", ["insufficient_permissions"]),
        ("Failed to initialize NVML: GPU access blocked by the operating system", ["blocked_by_system"]),
        ("Failed to initialize NVML: Unknown Error", ["nvml_unknown_error"]),
        ("Failed to initialize NVML: Timeout", ["nvml_not_started"]),
        ("Unable to determine the device handle for GPU 0000:05:00.0: GPU is lost.  Reboot the system", ["gpu_lost"]),
        ("Unable to determine the device handle for gpu 0000:05:00.0: Unknown Error", ["gpu_handle"]),
        (
            "Unable to determine the device handle for GPU0: 0000:05:00.0: Unknown Error\nNo devices were found",
            ["gpu_handle", "no_devices"],
        ),
        ("The GPU has fallen off the bus or has otherwise become inaccessible", ["gpu_lost"]),
        ("0, [GPU requires reset], 81559 MiB", ["gpu_reset_required"]),
        ("No devices found.", ["no_devices"]),
        ("Failed to run topology matrix", ["topology_failed"]),
        ('Field "compute_cap" is not a valid field to query.', ["bad_query"]),
        ("WARNING: infoROM is corrupted at gpu 0000:05:00.0", ["inforom_corrupted"]),
        ("bash: nvidia-smi: command not found", ["not_installed"]),
        ("nvidia-smi: not found", ["not_installed"]),
        ("zsh: command not found: nvidia-smi", ["not_installed"]),
        ("fish: Unknown command: nvidia-smi", ["not_installed"]),
        ("Command 'nvidia-smi' not found, but can be installed with:", ["not_installed"]),
        ("The program 'nvidia-smi' is currently not installed.", ["not_installed"]),
        ('exec: "nvidia-smi": executable file not found in $PATH', ["not_installed"]),
        (
            "nvidia-smi: error while loading shared libraries: libnvidia-ml.so.1: cannot open shared object file: "
            "No such file or directory",
            ["library_not_found"],
        ),
        ("NVIDIA-SMI has failed because it couldn\u2019t communicate with the NVIDIA driver.", ["driver_not_loaded"]),
        ("Failed to initialize NVML: No supported GPUs were found", ["no_devices"]),
        (
            "Unable to determine the device handle for gpu 0000:81:00.0: Unable to communicate with GPU because it is "
            "insufficiently powered.",
            ["external_power"],
        ),
        ("0, NVIDIA L4, [Insufficient Permissions]", []),
        ("GPU 0: NVIDIA L4 (UUID: GPU-1)", []),
        ("", []),
    ],
)
def test_words(text, ids):
    found = diagnose(text)
    assert [item.id for item in found] == ids
    assert all(item.message and item.fix and item.evidence in text for item in found)


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (2, "bad_query"),
        (4, "insufficient_permissions"),
        (6, "no_devices"),
        (8, "external_power"),
        (9, "driver_not_loaded"),
        (10, "interrupt_issue"),
        (12, "library_not_found"),
        (14, "inforom_corrupted"),
        (15, "gpu_lost"),
        (16, "gpu_reset_required"),
        (17, "blocked_by_system"),
        (18, "nvml_version_mismatch"),
        (124, "timeout"),
        (137, "timeout"),
        (127, "not_installed"),
        (255, "failed"),
    ],
)
def test_exit_statuses(status, name):
    (found,) = diagnose("", status)
    assert (found.id, found.evidence) == (name, f"exit status {status}")


def test_words_say_more_than_the_exit_status():
    (found,) = diagnose("No devices were found\n", 255)
    assert found.id == "no_devices"
    (found,) = diagnose("something else\n", 255)
    assert (found.id, found.evidence) == ("failed", "exit status 255: something else")


def test_the_library_says_its_version_on_the_next_line():
    (found,) = diagnose("Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 580.95\n")
    assert found.evidence.endswith("(NVML library version: 580.95)")


def test_each_gpu_once():
    line = "Unable to determine the device handle for GPU{}: 0000:{}:00.0: GPU is lost."
    text = "\n".join([line.format(0, "0a"), line.format(1, "0B"), line.format(1, "0B")])
    assert [item.gpu for item in diagnose(text)] == ["0000:0A:00.0", "0000:0B:00.0"]


@pytest.mark.parametrize("words", ["GPU 0000:3B:00.0", "GPU0000:3B:00.0", "gpu 0000:3b:00.0", "GPU1: 0000:3B:00.0"])
def test_the_address_however_it_is_joined_to_the_word(words):
    (found,) = diagnose(f"Unable to determine the device handle for {words}: Unknown Error")
    assert found.gpu == "0000:3B:00.0"
