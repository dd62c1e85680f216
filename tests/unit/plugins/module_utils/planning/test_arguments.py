# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What options and variables mean in a release and for a model."""

from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.planning import arguments
from ansible_collections.vllm.cluster.plugins.module_utils.planning.errors import Refusals
from ansible_collections.vllm.cluster.plugins.module_utils.releases import tables

from .cases import S0, assert_said, experts, model, refuses, said, service, table, warns

DENSE, MOE = model(), experts()
GEMMA, PLAMO = model(model_type="gemma2"), model(model_type="plamo2")
FP8 = experts(quantization_config={"quant_method": "fp8", "weight_block_size": [128, 128]})
AWQ = model(quantization_config={"quant_method": "awq", "bits": 4, "group_size": 128})
COMMIT = "0123456789abcdef0123456789abcdef01234567"
SPREAD, ALONE = {"tensor": 8, "expert": True}, {"tensor": 8, "expert": False}


def check(about=None, packages=(), several_hosts=None, **keys):
    refusals = Refusals()
    arguments.check(service(**keys), about, refusals, packages=packages, several_hosts=several_hosts)
    return refusals


def args(about=None, **options):
    """The check of a service with these options; version and other keys of the service begin with ``_``."""
    keys = {name[1:]: options.pop(name) for name in list(options) if name.startswith("_")}
    return lambda: check(about, args=options, **keys)


def arg(name):
    return f"{S0}.args.{name}"


CASES = [
    refuses(
        "memory-utilization",
        args(gpu_memory_utilization=92),
        arg("gpu_memory_utilization"),
        ["92", "at most 1"],
        "0.92",
    ),
    refuses("memory-utilization", args(gpu_memory_utilization="0"), arg("gpu_memory_utilization"), ["above 0"], "0.9"),
    refuses(
        "block-size",
        args(block_size=256, _version="0.11.0"),
        arg("block_size"),
        ["256", "0.11.0 takes 1, 8, 16"],
        "leave it out",
    ),
    refuses("block-size", args(block_size=1, _version="0.8.4"), arg("block_size"), ["takes 8, 16"], "leave it out"),
    refuses(
        "argument-value", args(compilation_config=3), arg("compilation_config"), ["takes a mapping"], "write {mode: 3}"
    ),
    refuses(
        "argument-value",
        args(compilation_config="3", _version="0.11.0"),
        arg("compilation_config"),
        ["'3'", "takes a mapping"],
        "write {level: 3}",
    ),
    refuses(
        "argument-value",
        args(compilation_config={"level": 3}),
        arg("compilation_config.level"),
        ["calls it mode"],
        "write mode: 3",
    ),
    refuses(
        "argument-value",
        lambda: check(args={"compilation_config.level": 3}),
        arg("compilation_config.level"),
        ["calls it mode"],
        "write mode: 3",
    ),
    refuses("block-size", args(block_size=0), arg("block_size"), ["1 or more"], "leave it out"),
    warns("block-size-odd", args(block_size=8), arg("block_size"), ["multiples of 16", "not 8"], "leave it out"),
    refuses("size-not-positive", args(max_num_seqs=0), arg("max_num_seqs"), ["1 or more"], "leave it out"),
    refuses(
        "size-not-positive", args(max_model_len=-1, _version="0.13.0"), arg("max_model_len"), ["1 or more"], "raise"
    ),
    refuses(
        "batched-tokens-low",
        args(max_num_batched_tokens=128, max_num_seqs=256),
        arg("max_num_batched_tokens"),
        ["128", "max_num_seqs = 256"],
        "256 or more",
    ),
    refuses(
        "batched-tokens-low",
        args(**{"max-num-batched-tokens": "2k", "max_model_len": "32k", "enable_chunked_prefill": False}),
        arg("max-num-batched-tokens"),
        ["2000", "max_model_len = 32000"],
        "32000 or more",
    ),
    warns(
        "batched-tokens-high",
        args(max_num_batched_tokens=131072, max_num_seqs=4, max_model_len=8192),
        arg("max_num_batched_tokens"),
        ["131072", "32768"],
        "32768 or less",
    ),
    refuses(
        "model-length",
        args(DENSE, max_model_len=65536),
        arg("max_model_len"),
        ["65536", "32768 tokens at most"],
        "hf_overrides",
    ),
    refuses(
        "model-length",
        args(DENSE, max_model_len="64K"),
        arg("max_model_len"),
        ["32768 tokens at most"],
        "32768 or less",
    ),
    warns(
        "model-length-forced",
        lambda: check(DENSE, args={"max_model_len": 65536}, env={"VLLM_ALLOW_LONG_MAX_MODEL_LEN": 1}),
        arg("max_model_len"),
        ["65536", "(32768)"],
        "32768 or less",
    ),
    refuses("experts-of-dense", args(DENSE, enable_eplb=True), arg("enable_eplb"), ["no experts"], "leave it out"),
    refuses(
        "experts-of-dense",
        args(DENSE, eplb_config={"num_redundant_experts": 8}),
        arg("eplb_config.num_redundant_experts"),
        ["8", "no experts"],
        "leave it out",
    ),
    refuses(
        "eplb-uneven",
        args(MOE, enable_eplb=True, _parallel={"tensor": 1, "data": 3, "expert": True}),
        arg("enable_eplb"),
        ["16 experts do not come out even over 3 ranks"],
        "2 redundant experts",
    ),
    refuses(
        "eplb-uneven",
        args(MOE, enable_eplb=True, eplb_config={"num_redundant_experts": 3}, _parallel=SPREAD),
        arg("eplb_config.num_redundant_experts"),
        ["16 experts and 3 redundant ones"],
        "0 redundant experts",
    ),
    warns(
        "expert-option-idle",
        args(DENSE, all2all_backend="deepep_v2"),
        arg("all2all_backend"),
        ["no experts"],
        "leave it out",
    ),
    warns(
        "expert-option-idle",
        args(MOE, all2all_backend="deepep_v2", _parallel=ALONE),
        arg("all2all_backend"),
        ["spread"],
        "parallel.expert",
    ),
    warns("block-size-odd", args(block_size=1), arg("block_size"), ["not 1"], "leave it out"),
    refuses(
        "batched-tokens-low",
        args(max_num_batched_tokens=1, max_num_seqs=2),
        arg("max_num_batched_tokens"),
        ["max_num_seqs = 2"],
        "2 or more",
    ),
    refuses("dtype-half", args(GEMMA, dtype="half", _version="0.9.1"), arg("dtype"), ["0.9.1 refuses"], "bfloat16"),
    refuses("dtype-half", args(PLAMO, dtype="half", _version="0.26.0"), arg("dtype"), ["refuses"], "bfloat16"),
    warns("dtype-half-of-bfloat16", args(PLAMO, dtype="half", _version="0.27.0"), arg("dtype"), ["range"], "auto"),
    refuses(
        "eplb-alone", args(MOE, enable_eplb="true", _parallel=ALONE), arg("enable_eplb"), ["spread"], "expert: true"
    ),
    warns(
        "data-parallel-dense",
        args(DENSE, _parallel={"data": 4}, _version="0.13.0"),
        f"{S0}.parallel.data",
        ["without experts"],
        "replicas: 4",
    ),
    refuses(
        "eplb-alone",
        args(MOE, enable_eplb=True, _parallel=ALONE),
        arg("enable_eplb"),
        ["not spread"],
        f"{S0}.parallel",
        "expert: true",
    ),
    refuses(
        "eplb-alone",
        args(None, enable_eplb=True, _parallel={"tensor": 1, "data": 1, "expert": True}),
        arg("enable_eplb"),
        ["one rank"],
        "raise",
    ),
    refuses(
        "redundant-experts-alone",
        args(MOE, eplb_config='{"num_redundant_experts": 8}'),
        arg("eplb_config.num_redundant_experts"),
        ["8", "enable_eplb only"],
        "enable_eplb: true",
    ),
    refuses(
        "redundant-experts-alone",
        args(MOE, num_redundant_experts=4, _version="0.11.0"),
        arg("num_redundant_experts"),
        ["4"],
        "enable_eplb: true",
    ),
    refuses(
        "dtype-half", args(GEMMA, dtype="half"), arg("dtype"), ["'half'", "0.32.0 refuses FP16 for gemma2"], "bfloat16"
    ),
    warns("dtype-half-of-bfloat16", args(FP8, dtype="float16"), arg("dtype"), ["bfloat16"], "auto"),
    warns("dtype-half-of-bfloat16", args(GEMMA, dtype="half", _version="0.9.0"), arg("dtype"), ["bfloat16"], "auto"),
    refuses(
        "quantization-differs",
        args(AWQ, quantization="fp8"),
        arg("quantization"),
        ["'fp8'", "quantized as awq"],
        "leave it out",
    ),
    warns(
        "remote-code-unpinned",
        args(trust_remote_code=True),
        arg("trust_remote_code"),
        ["org/m", "newest state"],
        f"{S0}.revision",
    ),
    warns(
        "remote-code-unpinned",
        args(trust_remote_code=True, _revision="main"),
        arg("trust_remote_code"),
        ["main can move"],
        "commit hash",
    ),
]

GOOD = {
    "nothing written": args(DENSE),
    "the usual": args(DENSE, max_model_len=32768, gpu_memory_utilization=0.9, enable_prefix_caching=True),
    "a length that fits memory": args(DENSE, max_model_len="auto"),
    "minus one fits memory too": args(DENSE, max_model_len=-1),
    "a longer context by overrides": args(DENSE, max_model_len=65536, hf_overrides={"rope_scaling": {"factor": 4}}),
    "an unknown model": args(None, max_model_len=10**6, dtype="half"),
    "block sizes of later releases": args(block_size=256, _version="0.11.1"),
    "tokens below the context, in parts": args(max_num_batched_tokens=2048, max_model_len=32768, max_num_seqs=64),
    "experts balanced": args(MOE, enable_eplb=True, eplb_config={"num_redundant_experts": 8}, _parallel=SPREAD),
    "experts that the planner may spread": args(MOE, enable_eplb=True, all2all_backend="deepep_v2"),
    "experts exchanged": args(MOE, all2all_backend="deepep_v2", _parallel=SPREAD),
    "experts of data ranks": args(MOE, _parallel={"data": 8, "expert": True}),
    "balancing before it was checked": args(MOE, enable_eplb=True, num_redundant_experts=2, _version="0.9.2"),
    "the bounds themselves": args(
        DENSE, gpu_memory_utilization=1, max_num_seqs=1, max_num_batched_tokens=64, max_model_len=64
    ),
    "whole prompts that fit": args(max_num_batched_tokens=64, max_model_len=64, enable_chunked_prefill="false"),
    "what is left out by null": args(DENSE, max_model_len=None, enable_eplb=None, kv_transfer_config=None),
    "redundant experts that are no number": args(MOE, eplb_config={"num_redundant_experts": None}),
    "half for AWQ": args(AWQ, dtype="half"),
    "the checkpoint's own quantization": args(FP8, quantization="fp8"),
    "a kernel of the checkpoint's quantization": args(AWQ, quantization="awq_marlin"),
    "pinned code": args(trust_remote_code=True, _revision=COMMIT),
    "code of a directory": args(trust_remote_code=True, _model="/models/m"),
    "no remote code": args(trust_remote_code=False),
}


@table(CASES)
def test_what_is_said(case):
    assert_said(case)


@pytest.mark.parametrize("make", GOOD.values(), ids=GOOD)
def test_nothing_is_said_of_what_works(make):
    assert said(make()) == []


def test_sizes_that_were_chosen_count():
    def ids(parallel, **options):
        refusals = Refusals()
        variables = {"VLLM_PP_LAYER_PARTITION": "40,24"}
        arguments.check(service(args=options, env=variables), MOE, refusals, parallel=parallel)
        return [item.id for item in said(refusals)]

    sizes = {"tensor": 8, "pipeline": 2, "data": 1, "expert": False}
    assert ids({**sizes, "expert": True}, enable_eplb=True) == []
    assert ids(sizes, enable_eplb=True) == ["eplb-alone"]
    assert ids({**sizes, "pipeline": 4}) == ["layer-partition"]


@pytest.mark.parametrize("version", tables.sampled())
def test_an_ordinary_service_of_every_release_is_left_alone(version):
    options = {"max_model_len": 8192, "max_num_seqs": 64, "gpu_memory_utilization": 0.9, "enforce_eager": True}
    assert said(check(DENSE, args=options, version=version, env={"HF_HUB_OFFLINE": 1})) == []
