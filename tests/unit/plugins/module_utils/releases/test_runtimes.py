# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.releases import runtimes, tables


@pytest.mark.parametrize(
    ("version", "python", "fits"),
    [
        ("0.33.0", "3.10", False),
        ("0.33.0", "3.11.2", True),
        ("0.33.0", "3.15.0", False),
        ("0.31.0", "3.10.12", True),
        ("0.32.0", "3.10.12", False),
        ("0.11.0", "3.9", True),
        ("0.11.1", "3.9.18", False),
        ("0.10.1", "3.13", False),
        ("0.10.2", "3.13", True),
    ],
)
def test_python(version, python, fits):
    assert runtimes.python_fits(version, python) is fits


def test_one_python_fits_every_release():
    assert all(runtimes.python_fits(release, "3.12") for release in tables.sampled())


@pytest.mark.parametrize(
    ("version", "ray", "fits"),
    [
        ("0.7.3", "2.40.0", True),
        ("0.7.3", "2.60.0", False),
        ("0.8.5", "2.44.1", False),
        ("0.8.5", "2.60.0", True),
        ("0.16.0", "2.47.1", False),
        ("0.32.0", "2.60.0", True),
    ],
)
def test_ray(version, ray, fits):
    assert runtimes.ray_fits(version, ray) is fits


def test_ray_left_the_build_in_0_18():
    assert runtimes.ray_range("0.17.1") == ">=2.48.0"
    assert runtimes.image_holds_ray("0.17.1")
    assert runtimes.ray_range("0.18.0") is None
    assert not runtimes.image_holds_ray("0.18.0")


@pytest.mark.parametrize(
    ("version", "driver", "builds", "words"),
    [
        ("0.33.0", "570.86.15", [], "580.65.06 or later, or release 0.32.0 or older"),
        ("0.32.0", "570.86.15", ["12.9"], "CUDA 12.9"),
        ("0.19.1", "570.86.15", ["12.9"], ""),
        ("0.19.1", "580.95.05", ["12.9", "13.0"], ""),
        ("0.33.0", "580.95.05", ["13.0"], ""),
        ("0.33.0", "580", ["13.0"], ""),
        ("0.33.0", "590.44", ["13.0"], ""),
        ("0.7.0", "525.60.13", ["12.1"], ""),
        ("0.7.0", "520.61", [], "525.60.13 or later"),
    ],
)
def test_driver(version, driver, builds, words):
    assert runtimes.builds_for_driver(version, driver) == builds
    advice = runtimes.driver_advice(version, driver)
    assert words in advice
    assert bool(advice) is (runtimes.cuda_builds(version)[0] not in builds)


def test_driver_by_build():
    assert runtimes.driver_minimum("0.32.0") == "580.65.06"
    assert runtimes.driver_minimum("0.32.0", "12.9") == "525.60.13"
    assert runtimes.newest_for_driver("570.86.15") == "0.32.0"
    assert runtimes.newest_for_driver("470.256") is None
    with pytest.raises(LookupError, match="CUDA 99"):
        runtimes.driver_minimum("0.32.0", "99.1")


def test_a_driver_that_nobody_can_read():
    with pytest.raises(ValueError, match="version number"):
        runtimes.builds_for_driver("0.33.0", "[N/A]")


def test_utilization():
    assert runtimes.gpu_memory_utilization("0.19.1") == 0.9
    assert runtimes.gpu_memory_utilization("0.20.0") == 0.92


def test_entry_points():
    assert runtimes.model_is_option("0.11.0")
    assert not runtimes.model_is_option("0.11.1")
    assert not runtimes.model_is_option("0.33.0")
    assert runtimes.has_command("serve", "0.7.0")
    assert not runtimes.has_command("bench serve", "0.7.3")
    assert runtimes.has_command("bench serve", "0.8.0")
    assert runtimes.has_command("download-kernels", "0.32.0")
    assert not runtimes.has_command("render", "0.33.0"), "it is a part of launch"


def test_wheels():
    assert runtimes.glibc_minimum("0.20.2") == "2.35"
    assert runtimes.glibc_minimum("0.33.0") == "2.28"
    assert runtimes.glibc_minimum("0.8.0") is None
    assert not runtimes.wheel_exists("0.10.1", "aarch64")
    assert runtimes.wheel_exists("0.10.2", "aarch64")
    assert not runtimes.wheel_exists("0.33.0", "riscv64")


def test_traits():
    assert runtimes.has_trait("implicit_ray", "0.11.0")
    assert not runtimes.has_trait("implicit_ray", "0.11.1")
    assert not runtimes.has_trait("transfer_config_refuses_unknown_keys", "0.15.1")
    assert runtimes.has_trait("transfer_config_refuses_unknown_keys", "0.16.0")
    with pytest.raises(KeyError):
        runtimes.has_trait("no_such_trait", "0.33.0")
