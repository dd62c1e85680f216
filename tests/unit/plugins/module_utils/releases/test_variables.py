# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.releases import variables


@pytest.mark.parametrize(
    ("name", "version", "valid", "words"),
    [
        ("VLLM_HOST_IP", "0.33.0", True, ""),
        ("VLLM_USE_V1", "0.11.0", True, ""),
        ("VLLM_USE_V1", "0.11.1", False, "V0 engine is gone"),
        ("VLLM_ATTENTION_BACKEND", "0.14.1", True, ""),
        ("VLLM_ATTENTION_BACKEND", "0.15.0", False, "attention_backend"),
        ("VLLM_ALL2ALL_BACKEND", "0.16.0", False, "all2all_backend"),
        ("VLLM_NIXL_ABORT_REQUEST_TIMEOUT", "0.22.0", False, "kv_lease_duration"),
        ("VLLM_ENGINE_READY_TIMEOUT_S", "0.13.0", False, "0.14.0 or later"),
        ("VLLM_HOSTIP", "0.33.0", False, "VLLM_HOST_IP"),
        ("VLLM_UTTERLY_DIFFERENT_THING", "0.33.0", False, "does not read it"),
        ("HOST_IP", "0.33.0", False, "VLLM_HOST_IP"),
        ("RAY_USE_IPV4", "0.33.0", False, "neither Ray nor vLLM"),
        ("MOONCAKE_CONFIG_PATH", "0.33.0", True, ""),
        ("NCCL_SOCKET_IFNAME", "0.33.0", True, ""),
        ("OMP_NUM_THREADS", "0.33.0", True, ""),
    ],
)
def test_variables(name, version, valid, words):
    found = variables.find(name, version)
    assert found.valid is valid
    assert words in found.advice
    assert bool(found.advice) is not valid


def test_whose_a_variable_is():
    assert variables.is_vllms("VLLM_ANYTHING")
    assert variables.is_vllms("HOST_IP")
    assert not variables.is_vllms("NCCL_DEBUG")


def test_names():
    assert "VLLM_USE_V1" in variables.names("0.8.0")
    assert "VLLM_USE_V1" not in variables.names("0.33.0")
    assert len(variables.names("0.33.0")) > 300
