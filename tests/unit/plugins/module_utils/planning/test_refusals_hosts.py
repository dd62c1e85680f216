# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refusals for what the hosts are: what is written, the path that the message must name, and its words."""

from __future__ import annotations

import pytest

from .helpers import assert_refused, probe

OK = {"name": "a", "model": "org/m", "hosts": "gpu1"}
S0 = "vllm_services[0]"

CASES = [
    # id, services, fleet variables, probes, path, words
    (
        "more GPUs than the host has",
        [{**OK, "gpus": 9}],
        {},
        {},
        f"{S0}.gpus",
        ["takes 9 GPUs", "host gpu1 has 8 GPUs"],
    ),
    (
        "GPUs used up",
        [{**OK, "gpus": 8}, {**OK, "name": "b"}],
        {},
        {},
        "vllm_services[1].parallel",
        ["takes 1 GPUs", "host gpu1 has 8 GPUs, 0 of them free"],
    ),
    (
        "GPUs on a CPU host",
        [{**OK, "hosts": "cpu1", "gpus": 2}],
        {},
        {},
        f"{S0}.gpus",
        ["takes 2 GPUs", "host cpu1 runs this service on the CPU"],
    ),
    (
        "CUDA on a CPU host",
        [{**OK, "hosts": "cpu1", "accelerator": "cuda"}],
        {},
        {},
        f"{S0}.parallel",
        ["host cpu1 has 0 GPUs"],
    ),
    ("GPU that is not there", [{**OK, "devices": [8]}], {}, {}, f"{S0}.devices", ["has no GPU 8"]),
    (
        "GPU given twice",
        [{**OK, "devices": [0]}, {**OK, "name": "b", "devices": [0]}],
        {},
        {},
        "vllm_services[1].devices",
        ["GPU 0 of gpu1 is taken by vllm_services[0].devices"],
    ),
    (
        "GPU named twice",
        [{**OK, "devices": [0, 0], "parallel": {"tensor": 2}}],
        {},
        {},
        f"{S0}.devices",
        ["GPU 0 of gpu1 is taken"],
    ),
    ("GPUs of replicas", [{**OK, "devices": [0], "replicas": 2}], {}, {}, f"{S0}.devices", ["several replicas"]),
    (
        "GPUs do not match ranks",
        [{**OK, "devices": [0, 1], "parallel": {"tensor": 4}}],
        {},
        {},
        f"{S0}.devices",
        ["the engine has 4 ranks on gpu1"],
    ),
    (
        "GPUs named on a CPU host",
        [{**OK, "hosts": "cpu1", "devices": [0]}],
        {},
        {},
        f"{S0}.devices",
        ["runs this service on the CPU"],
    ),
    ("host that was not probed", [OK], {}, {"gpu1": None}, f"{S0}.accelerator", ["gpu1 was not probed"]),
    (
        "driver that fails",
        [OK],
        {},
        {"gpu1": {**probe(0), "driver": "failing", "driver_error": "NVML mismatch"}},
        f"{S0}.accelerator",
        ["nvidia-smi of host gpu1 finds no GPU: NVML mismatch"],
    ),
    (
        "GPUs of a host that was not probed",
        [{**OK, "accelerator": "cuda"}],
        {},
        {"gpu1": None},
        f"{S0}.hosts",
        ["was not probed"],
    ),
    (
        "port of a foreign process",
        [{**OK, "port": 9000}],
        {},
        {"gpu1": probe(8, listeners=[{"port": 9000, "process": "nginx", "pid": 7, "unit": "nginx.service"}])},
        f"{S0}.port",
        ["9000", "held on host gpu1 by nginx (pid 7)"],
    ),
    (
        "model directory that is missing",
        [{**OK, "model": "/m"}],
        {},
        {"gpu1": probe(8, paths={"/m": {"exists": False, "directory": False, "model": False}})},
        f"{S0}.model",
        ["'/m'", "does not exist on host gpu1"],
    ),
    (
        "model directory that is a file",
        [{**OK, "model": "/m"}],
        {},
        {"gpu1": probe(8, paths={"/m": {"exists": True, "directory": False, "model": False}})},
        f"{S0}.model",
        ["is a file"],
    ),
    (
        "model directory without a model",
        [{**OK, "model": "/m/"}],
        {},
        {"gpu1": probe(8, paths={"/m": {"exists": True, "directory": True, "model": False}})},
        f"{S0}.model",
        ["has no config.json"],
    ),
]


@pytest.mark.parametrize(
    ("services", "fleet", "probes", "path", "words"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_refused(services, fleet, probes, path, words):
    assert_refused(services, fleet, probes, path, words)
