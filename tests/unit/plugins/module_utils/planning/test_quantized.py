# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quantized weights: releases that do not have the method, and GPUs that it does not take."""

from __future__ import annotations

import pytest

from .cases import S0, assert_said, model, refuses, said, table, warns
from .gpu_hosts import CONTAINER, CPU, host, on

MODEL, ASKED = f"{S0}.model", f"{S0}.args.quantization"


def checkpoint(quant_method, **settings):
    return model(quantization_config={"quant_method": quant_method, **settings})


def compressed(kind, bits, **weights):
    group = {"weights": {"num_bits": bits, "type": kind, **weights}, "targets": ["Linear"]}
    return checkpoint("compressed-tensors", config_groups={"group_0": group}, format=weights.pop("format", ""))


FP8 = checkpoint("fp8")
AWQ = checkpoint("awq", bits=4)
GPTQ = checkpoint("gptq", bits=4)
BNB = checkpoint("bitsandbytes", load_in_4bit=True)
MODELOPT = checkpoint("modelopt", quant_algo="FP8")
MODELOPT_FP4 = checkpoint("modelopt", quant_algo="NVFP4")
MXFP4 = checkpoint("mxfp4")
FBGEMM = checkpoint("fbgemm_fp8")
QUARK = checkpoint("quark", global_quant_config={"weight": {"dtype": "fp8_e4m3"}})
AUTO_ROUND = checkpoint("auto-round", bits=4)
CT_FP8 = compressed("float", 8, strategy="channel")
CT_INT4 = compressed("int", 4, strategy="group", group_size=128)

V100, T4, A100 = (host(power=power, name=name) for power, name in (("7.0", "V100"), ("7.5", "T4"), ("8.0", "A100")))
OLD = "gpu-too-old-for-quantization"

CASES = [
    refuses(
        OLD,
        on(V100, facts=AWQ, version="0.19.1"),
        MODEL,
        ["'org/m'", "8 x V100 of gpu1", "7.0", "vLLM 0.19.1 does not start with quantization awq below 7.5"],
        "7.5 or later",
        "quantized otherwise",
    ),
    refuses(OLD, on(T4, facts=FP8, version="0.13.0"), MODEL, ["fp8 below 8.0"], "release 0.14.0"),
    refuses(OLD, on(T4, facts=MXFP4), MODEL, ["mxfp4 below 8.0"], "8.0 or later"),
    refuses(
        OLD,
        on(T4, facts=FBGEMM, args={"allow_deprecated_quantization": True}),
        MODEL,
        ["fbgemm_fp8 below 8.0"],
        "8.0 or later",
    ),
    refuses(OLD, on(A100, facts=MODELOPT, version="0.26.0"), MODEL, ["modelopt below 8.9"], "release 0.27.0"),
    refuses(OLD, on(T4, facts=MODELOPT), MODEL, ["modelopt below 8.0"], "8.0"),
    refuses(OLD, on(V100, facts=MODELOPT_FP4, version="0.19.1"), MODEL, ["modelopt_fp4 below 7.5"], "7.5"),
    refuses(OLD, on(T4, facts=CT_FP8, version="0.15.0"), MODEL, ["with fp8 weights below 8.0"], "release 0.16.0"),
    refuses(OLD, on(V100, facts=CT_INT4, version="0.19.1"), MODEL, ["with int weights below 7.5"], "7.5"),
    refuses(OLD, on(A100, facts=QUARK), MODEL, ["quark with fp8 weights below 8.9"], "8.9"),
    refuses(OLD, on(V100, args={"quantization": "fp8"}, version="0.19.1"), ASKED, ["'fp8'", "7.5"], "leave it out"),
    refuses(OLD, on(V100, facts=GPTQ, args={"quantization": "gptq_marlin"}, version="0.19.1"), ASKED, ["7.5"], "7.5"),
    refuses(
        "quantization-absent",
        on(host(), facts=BNB, version="0.28.0"),
        MODEL,
        ["vLLM 0.28.0 has no quantization bitsandbytes"],
        "vllm_env_packages: [vllm-bnb-plugin]",
        "0.27.1 or older",
    ),
    refuses(
        "quantization-absent",
        on(host(), **CONTAINER, args={"quantization": "gguf"}),
        ASKED,
        ["'gguf'"],
        "an image of your own that holds vllm-gguf-plugin",
        "0.23.0 or older",
        "leave it out",
    ),
    refuses("quantization-absent", on(host(), facts=checkpoint("hqq")), MODEL, ["hqq"], "0.13.0 or older"),
    refuses("quantization-absent", on(host(), facts=MXFP4, version="0.10.0"), MODEL, ["mxfp4"], "0.10.1 or later"),
    refuses("quantization-absent", on(host(), facts=checkpoint("eetq")), MODEL, ["eetq"], "another checkpoint"),
    refuses("quantization-absent", on(host(), args={"quantization": "fp88"}), ASKED, ["'fp88'"], "write fp8"),
    refuses("quantization-absent", on(host(), facts=AUTO_ROUND, version="0.8.5"), MODEL, ["auto-round"], "0.9.0"),
    refuses(
        "quantization-absent",
        on(host(), args={"quantization": "inc"}, version="0.12.0"),
        ASKED,
        ["other accelerators"],
        "0.15.0 or later",
    ),
    refuses("quantization-absent", on(host(gpus=0), **CPU, facts=BNB), MODEL, ["bitsandbytes"], "0.27.1"),
    refuses(
        "quantization-deprecated",
        on(host(), facts=FBGEMM),
        MODEL,
        ["vLLM 0.32.0", "fbgemm_fp8", "unless told"],
        f"{S0}.args.allow_deprecated_quantization: true",
    ),
    warns(
        "quantization-by-plugin",
        on(host(), **CONTAINER, facts=BNB, image="mine:1"),
        MODEL,
        ["bitsandbytes", "a plugin in the image"],
        "vllm-bnb-plugin",
    ),
    warns(
        "quantization-by-plugin",
        on(host(), args={"quantization": "own"}, variables={"vllm_env_packages": ["my-quant"]}),
        ASKED,
        ["vllm_env_packages registers"],
        "the plugin",
    ),
]

GOOD = {
    "awq on Turing": on(T4, facts=AWQ),
    "gptq on Volta": on(V100, facts=GPTQ, version="0.19.1"),
    "gptq on Turing before marlin took it": on(
        T4, facts=GPTQ, version="0.11.0", variables={"vllm_ray_version": "2.48.0"}
    ),
    "nvfp4 on Ampere": on(A100, facts=MODELOPT_FP4),
    "mxfp4 on Ampere": on(A100, facts=MXFP4),
    "int4 on Turing": on(T4, facts=CT_INT4),
    "auto-round by its present name": on(T4, facts=AUTO_ROUND),
    "a plugin for bitsandbytes": on(host(), facts=BNB, variables={"vllm_env_packages": ["vllm-bnb-plugin==0.1"]}),
    "bitsandbytes while vLLM had it": on(host(), facts=BNB, version="0.27.1"),
    "deprecated, and told so": on(host(), facts=FBGEMM, args={"allow_deprecated_quantization": True}),
    "mxfp8 while loading": on(T4, args={"quantization": "mxfp8"}, version="0.26.0"),
    "an unknown capability": on(host(power=None), facts=AWQ),
}


@table(CASES)
def test_what_is_said(case):
    assert_said(case)


@pytest.mark.parametrize("make", GOOD.values(), ids=GOOD)
def test_nothing_is_said_of_what_works(make):
    assert [item for item in said(make()) if item.id not in ("gpu-no-fp8",)] == []


def test_fp8_weights_that_no_gpu_takes_are_not_called_slow():
    assert [item.id for item in said(on(A100, facts=QUARK)())] == [OLD]
