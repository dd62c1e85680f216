# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What services ask of the driver, known from what is written alone."""

from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.planning.builds import driver_needs

from .helpers import parse

A = {"name": "a", "model": "org/m", "hosts": "gpu1"}


@pytest.mark.parametrize(
    ("keys", "cuda", "minimum"),
    [
        ({"version": "0.32.0"}, "13.0", "580.65.06"),
        ({"version": "0.16.0"}, "12.9", "525.60.13"),
        ({"version": "0.32.0", "runtime": "container", "image": "vllm/vllm-openai:v0.32.0-cu129"}, "12.9", "525.60.13"),
        ({"version": "0.32.0", "runtime": "container", "image": "own/image:1"}, None, "580.65.06"),
    ],
)
def test_the_release_and_its_build_decide(keys, cuda, minimum):
    (need,) = driver_needs(parse({**A, **keys}))["gpu1"]
    assert (need["cuda"], need["minimum"]) == (cuda, minimum)
    assert need["path"] == "vllm_services[0]"
    assert need["container"] is (keys.get("runtime") == "container")


@pytest.mark.parametrize(("accelerator", "required"), [("auto", [False]), ("cuda", [True]), ("cpu", [])])
def test_services_on_the_cpu_ask_nothing(accelerator, required):
    found = driver_needs(parse({**A, "accelerator": accelerator}))
    assert [need["required"] for need in found["gpu1"]] == required


def test_every_host_has_its_own_services():
    found = driver_needs(parse(A, {**A, "name": "b", "hosts": ["gpu1", "gpu2"], "replicas": 2}))
    assert [[need["path"] for need in needs] for needs in found.values()] == [
        ["vllm_services[0]", "vllm_services[1]"],
        ["vllm_services[1]"],
    ]
