# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.releases import quantization


@pytest.mark.parametrize(
    ("method", "version", "least"),
    [
        ("awq", "0.7.0", 75),
        ("awq", "0.33.0", 75),
        ("fp8", "0.13.0", 80),
        ("fp8", "0.14.0", 75),
        ("modelopt", "0.26.0", 89),
        ("modelopt", "0.27.0", 80),
        ("ptpc_fp8", "0.13.0", 80),  # as its base
        ("fp8_per_tensor", "0.20.0", 75),  # by a loop
        ("deepseek_v4_fp8", "0.33.0", 75),  # by a name given to a class
        ("cpu_awq", "0.13.0", 0),
        ("tpu_int8", "0.13.0", None),
        ("bitsandbytes", "0.28.0", None),
        ("bitsandbytes", "0.99.0", None),
    ],
)
def test_least_capability(method, version, least):
    assert quantization.least(method, version) == least


def test_methods_come_and_go():
    assert quantization.has("hqq", "0.14.1")
    assert not quantization.has("hqq", "0.15.0")
    assert quantization.stretches("hqq") == [("0.7.0", "0.14.1")]
    assert quantization.last("hqq") == "0.13.0", "0.14 refuses it unless told"
    assert quantization.last("fbgemm_fp8") == "0.13.0"
    assert quantization.last("awq") == "0.33.0"
    assert quantization.last("never") is None
    assert quantization.stretches("never") == []
    assert "gguf" in quantization.names("0.23.0")
    assert "gguf" not in quantization.names("0.24.0")


def test_methods_for_other_machines():
    assert quantization.is_elsewhere("inc", "0.14.1")
    assert not quantization.is_elsewhere("inc", "0.15.0")
    assert not quantization.is_elsewhere("awq", "0.15.0")


def test_deprecated_methods():
    assert not quantization.is_deprecated("fbgemm_fp8", "0.13.0")
    assert quantization.is_deprecated("fbgemm_fp8", "0.14.0")
    assert not quantization.is_deprecated("experts_int8", "0.20.0")


def test_schemes():
    both = ("CompressedTensorsW4A16Fp4", "CompressedTensorsW4A4Fp4")
    assert quantization.least_of_schemes(both, "0.9.2") == 80
    assert quantization.least_of_schemes(both, "0.33.0") == 75
    assert quantization.least_of_schemes(both, "0.8.5") is None
    assert quantization.least_of_schemes(("QuarkW8A8Fp8PerBlock",), "0.28.0") == 89, "as another class says"


def test_the_next_release_that_fits():
    assert quantization.later("0.13.0", lambda release: quantization.least("fp8", release) == 75) == "0.14.0"
    assert quantization.later("0.33.0", lambda _release: True) is None
