# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.probes.nvidia import outputs, pci_gpus, read_gpus

from tests.unit.plugins.fake_smi import FIXTURES

DEVICES = "/sys/bus/pci/devices"


def functions(tree, *values):
    for at, (vendor, kind) in enumerate(values):
        tree.write(
            {f"{DEVICES}/0000:{at:02x}:00.0/vendor": vendor + "\n", f"{DEVICES}/0000:{at:02x}:00.0/class": kind + "\n"}
        )


def test_controllers_are_seen_without_a_driver(tree):
    functions(tree, ("0x10de", "0x030200"), ("0x10de", "0x040300"), ("0x1a03", "0x030000"), ("0x10de", "0x030000"))
    assert pci_gpus(tree.files) == ["0000:00:00.0", "0000:03:00.0"]


@pytest.mark.parametrize(("vendor", "expected"), [("0x10de", ["not_installed"]), ("0x8086", [])])
def test_no_nvidia_smi_matters_where_there_is_a_gpu(tree, host, vendor, expected):
    functions(tree, (vendor, "0x030200"))
    found = read_gpus(tree.files, host())
    assert (found["driver"], found["driver_error"], found["gpus"], found["peermem"]) == ("absent", None, [], None)
    assert [item["id"] for item in found["gpu_diagnosis"]] == expected


@pytest.mark.parametrize(
    ("modules", "loaded"), [("nvidia_peermem 16384 0 - Live\n", True), ("nvidia 1 0 - Live\n", False)]
)
def test_recorded_output(tree, host, modules, loaded):
    tree.write({"/proc/modules": modules})
    found = read_gpus(tree.files, host(nvidia_smi=f'test "$*" = "-q -x" && cat {FIXTURES}/query.xml'))
    assert (found["driver"], found["cuda"], found["peermem"]) == ("595.80", "13.2", loaded)
    assert [gpu["name"] for gpu in found["gpus"]] == ["NVIDIA L40S"] * 2
    assert found["gpus"][0]["processes"][0]["pid"] == 4711


def test_an_old_driver_that_does_not_know_compute_capability(tree, host):
    refuses = 'echo "x is not a valid field to query."; exit 2'
    smi = f'case "$*" in "-q -x") cat {FIXTURES}/query.xml;; --query*) {refuses};; esac'
    found = read_gpus(tree.files, host(nvidia_smi=smi))
    assert [gpu["compute_capability"] for gpu in found["gpus"]] == [None, None]
    assert found["gpu_diagnosis"] == []


def test_nothing_more_is_asked_of_a_driver_that_hangs(host):
    commands = host(timeout=1, nvidia_smi='test "$1" = topo && exec sleep 30; exit 0')
    assert [status for _text, status in outputs(commands)] == [0, 124]
    assert [words[1] for words in commands.module.ran] == ["-q", "topo"]
