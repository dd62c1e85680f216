# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bytes of quantized weights, of every method that public checkpoints use."""

from __future__ import annotations

import json

import pytest

from .samples import DEEPSEEK, LLAMA, QWEN_32B, QWEN_MOE, facts

LAYERS, HIDDEN, WIDTH, KV = 32, 4096, 14336, 1024
#: (outputs, inputs) of the matrices of a Llama 8B layer
MATRICES = [
    (HIDDEN, HIDDEN),
    (KV, HIDDEN),
    (KV, HIDDEN),
    (HIDDEN, HIDDEN),
    (WIDTH, HIDDEN),
    (WIDTH, HIDDEN),
    (HIDDEN, WIDTH),
]
LINEAR = LAYERS * sum(rows * columns for rows, columns in MATRICES)
REST = 8030261248 - LINEAR  # embedding, output and norms


def scales(rows, columns):
    """Pieces of rows x columns in all matrices; 0 is the whole length."""
    return LAYERS * sum(
        (-(-out // rows) if rows else 1) * (-(-each // columns) if columns else 1) for out, each in MATRICES
    )


def inputs():
    return LAYERS * sum(columns for _rows, columns in MATRICES)


def size(settings, **changes):
    return facts(LLAMA, quantization_config=settings, **changes).weight_bytes


INT4 = {"num_bits": 4, "type": "int", "strategy": "group", "group_size": 32, "symmetric": True}
FP8 = {"num_bits": 8, "type": "float", "strategy": "channel"}


def compressed(weights, layout="pack-quantized", **more):
    return {
        "quant_method": "compressed-tensors",
        "format": layout,
        "config_groups": {"group_0": {"targets": ["Linear"], "weights": weights}},
        "ignore": ["lm_head"],
        **more,
    }


@pytest.mark.parametrize(
    ("settings", "linear"),
    [
        ({"quant_method": "fp8", "weight_block_size": [128, 128]}, LINEAR + 4 * scales(128, 128)),
        ({"quant_method": "fp8", "activation_scheme": "static"}, LINEAR + 4 * scales(0, 0)),
        ({"quant_method": "fbgemm_fp8"}, LINEAR + 4 * scales(1, 0)),
        (
            {"quant_method": "gptq", "bits": 4, "group_size": 128, "desc_act": True},
            LINEAR // 2 + scales(1, 128) * 5 // 2 + 4 * inputs(),
        ),
        ({"quant_method": "gptq", "bits": 8, "group_size": -1}, LINEAR + scales(1, 0) * 3 + 4 * inputs()),
        (
            {"quant_method": "awq", "bits": 4, "group_size": 128, "zero_point": True},
            LINEAR // 2 + scales(1, 128) * 5 // 2,
        ),
        ({"quant_method": "awq", "w_bit": 4, "q_group_size": 64}, LINEAR // 2 + scales(1, 64) * 5 // 2),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True}, LINEAR // 2 + 4 * scales(1, 64)),
        (
            {"quant_method": "bitsandbytes", "_load_in_4bit": True, "bnb_4bit_use_double_quant": True},
            LINEAR // 2 + scales(1, 64),
        ),
        ({"quant_method": "bitsandbytes", "load_in_8bit": True}, LINEAR + 4 * scales(1, 0)),
        (compressed(INT4), LINEAR // 2 + 2 * scales(1, 32)),
        (compressed({**INT4, "symmetric": False}), LINEAR // 2 + scales(1, 32) * 5 // 2),
        (compressed(FP8, "float-quantized"), LINEAR + 4 * scales(1, 0)),
        (compressed({**FP8, "strategy": "tensor"}, "float-quantized"), LINEAR + 4 * scales(0, 0)),
        (
            compressed({**FP8, "strategy": "block", "block_structure": [128, 128]}, "float-quantized"),
            LINEAR + 4 * scales(128, 128),
        ),
        (
            compressed({"num_bits": 4, "type": "float", "group_size": 16}, "nvfp4-pack-quantized"),
            LINEAR // 2 + scales(1, 16),
        ),
        ({"quant_method": "modelopt", "quant_algo": "NVFP4", "ignore": ["lm_head"]}, LINEAR // 2 + scales(1, 16)),
        ({"quant_algo": "FP8", "producer": {"name": "modelopt"}}, LINEAR + 4 * scales(0, 0)),
        ({"quantization": {"quant_algo": "NVFP4", "exclude_modules": ["lm_head"]}}, LINEAR // 2 + scales(1, 16)),
        ({"quant_method": "mxfp8", "ignored_layers": ["lm_head"]}, LINEAR + scales(1, 32)),
        ({"quant_method": "quark", "global_quant_config": {"weight": {"dtype": "fp4"}}}, LINEAR // 2 + scales(1, 32)),
        (
            {"quant_method": "quark", "global_quant_config": {"weight": {"dtype": "fp8_e4m3"}}},
            LINEAR + 4 * scales(0, 0),
        ),
        ({"quant_method": "auto-round", "bits": 4, "group_size": 128}, LINEAR // 2 + scales(1, 128) * 5 // 2),
        (
            {"quant_method": "hqq", "quant_config": {"weight_quant_params": {"nbits": 4, "group_size": 64}}},
            LINEAR // 2 + scales(1, 64) * 5 // 2,
        ),
    ],
    ids=lambda value: json.dumps(value)[:60] if isinstance(value, dict) else "",
)
def test_every_method(settings, linear):
    # Each matrix is rounded up to bytes.
    assert size(settings) == pytest.approx(2 * REST + linear, abs=LAYERS * len(MATRICES))


def test_an_output_matrix_may_be_quantized():
    kept = size({"quant_method": "gptq", "bits": 4, "group_size": 128})
    quantized = size({"quant_method": "gptq", "bits": 4, "group_size": 128, "lm_head": True})
    assert kept - quantized == pytest.approx(128256 * HIDDEN * 1.5, rel=0.05)
    assert size(compressed(FP8)) - size(compressed(FP8, ignore=[])) == pytest.approx(128256 * HIDDEN, rel=0.01)


ATTENTION = LAYERS * sum(rows * columns for rows, columns in MATRICES[:4])
NETWORK = LINEAR - ATTENTION


@pytest.mark.parametrize(
    ("names", "kept"),
    [
        (["self_attn"], ATTENTION),
        (["model.layers.*.self_attn*"], ATTENTION),
        (["re:.*self_attn.*"], ATTENTION),
        (["re:model\\.layers\\.\\d+\\.self_attn\\..*"], ATTENTION),
        ([f"model.layers.{at}.self_attn.{name}_proj" for at in range(LAYERS) for name in "qkvo"], ATTENTION),
        ([f"language_model.model.layers.{at}.self_attn" for at in range(LAYERS)], ATTENTION),
        (["model.layers.0", "model.layers.31."], 2 * LINEAR // LAYERS),
        (["mlp"], NETWORK),
        (["gate", "attn", "proj", "lm_head", "model.layers.99"], 0),
        (["model.layers.1"], LINEAR // LAYERS),  # and not 10 to 19
    ],
)
@pytest.mark.parametrize("key", ["modules_to_not_convert", "ignored_layers", "ignore", "exclude_modules"])
def test_what_is_left_alone(names, kept, key):
    scaled = size({"quant_method": "fp8", key: names})
    assert scaled == pytest.approx(2 * REST + LINEAR + kept, rel=0.0001)


def test_what_is_left_alone_by_rules_of_its_own():
    """GPTQModel: expressions with a sign."""
    settings = {
        "quant_method": "gptq",
        "bits": 8,
        "group_size": -1,
        "dynamic": {"-:.*self_attn.*": {}, "+:.*mlp.*": {}},
    }
    network = NETWORK + LAYERS * sum(3 * rows + 4 * columns for rows, columns in MATRICES[4:])
    assert size(settings) == pytest.approx(2 * (REST + ATTENTION) + network, abs=100)


def test_only_experts_of_mxfp4_are_quantized():
    values = {**QWEN_MOE, "quantization_config": {"quant_method": "mxfp4"}}
    experts = 94 * 128 * 3 * 4096 * 1536
    assert facts(values).weight_bytes == 2 * (facts(values).parameters - experts) + experts // 2 + experts // 32


def test_only_experts_by_expression():
    """Kimi K2 Thinking: four bits for the routed experts, nothing else."""
    ignored = ["lm_head", "re:.*self_attn.*", "re:.*shared_experts.*", "re:.*mlp\\.(gate|up|gate_up|down)_proj.*"]
    values = {**DEEPSEEK, "num_nextn_predict_layers": 0, "quantization_config": compressed(INT4, ignore=ignored)}
    experts = 58 * 256 * 3 * 7168 * 2048
    expected = 2 * (facts(values).parameters - experts) + experts // 2 + experts // 16
    assert facts(values).weight_bytes == expected


def test_experts_of_deepseek_v4_have_four_bits():
    experts = 58 * 256 * 3 * 7168 * 2048
    eight, four = facts(DEEPSEEK).weight_bytes, facts(DEEPSEEK, expert_dtype="fp4").weight_bytes
    assert eight - four == pytest.approx(experts * (1 + 4 / 128**2 - 0.5 - 1 / 32), rel=0.0001)


def test_groups_with_targets_of_their_own():
    settings = {
        "quant_method": "compressed-tensors",
        "config_groups": {
            "group_0": {"targets": ["re:.*self_attn.*"], "weights": FP8, "format": "float-quantized"},
            "group_1": {"targets": ["re:.*mlp.*"], "weights": INT4, "format": "pack-quantized"},
        },
        "ignore": ["lm_head"],
    }
    found = facts(LLAMA, quantization_config=settings)
    assert found.weight_bytes == pytest.approx(2 * REST + ATTENTION + NETWORK * (1 / 2 + 1 / 16), rel=0.001)
    assert found.quantization.description == "compressed-tensors (fp8 per channel, int 4 bit in groups of 32)"


def test_a_way_for_each_module():
    modules = {
        f"model.layers.{at}.mlp.{name}_proj": {"quant_algo": "NVFP4"}
        for at in range(LAYERS)
        for name in ("gate", "up", "down")
    }
    settings = {"quant_method": "modelopt", "quant_algo": "MIXED_PRECISION", "quantized_layers": modules}
    expected = 2 * (REST + ATTENTION) + NETWORK * (1 / 2 + 1 / 16)
    assert size(settings) == pytest.approx(expected, rel=0.0001)


def test_the_file_beside_the_configuration():
    """NVIDIA's Llama FP8 says nothing in config.json."""
    text = json.dumps(
        {"producer": {"name": "modelopt"}, "quantization": {"quant_algo": "FP8", "kv_cache_quant_algo": "FP8"}}
    )
    found = facts(LLAMA, text)
    assert found.weight_bytes == 2 * REST + LINEAR + 4 * scales(0, 0)
    assert found.quantization.kv_cache == "fp8"


def test_what_config_json_says_comes_first():
    text = json.dumps({"quantization": {"quant_algo": "NVFP4"}})
    assert facts(LLAMA, text, quantization_config={"quant_method": "fp8"}).quantization.method == "fp8"


@pytest.mark.parametrize(
    "settings", [{"quant_method": "magic"}, {"quant_method": "quark"}, compressed(FP8, sparsity_config={"format": "x"})]
)
def test_a_method_that_is_not_known_is_an_upper_bound(settings):
    found = facts(QWEN_32B, quantization_config=settings)
    assert found.weight_bytes <= facts(QWEN_32B).weight_bytes
    assert "upper bound" in found.notes[0]


def test_settings_that_quantize_nothing():
    assert facts(LLAMA, quantization_config={}).quantization is None
    assert facts(LLAMA, quantization_config=None).quantization is None


@pytest.mark.parametrize(
    "settings",
    [
        {"quant_method": "modelopt", "quant_algo": "FP8", "kv_cache_scheme": {"num_bits": 8, "type": "float"}},
        compressed(FP8, kv_cache_scheme={"num_bits": 8, "type": "float", "strategy": "tensor"}),
    ],
)
def test_a_checkpoint_may_ask_for_an_fp8_cache(settings):
    assert facts(LLAMA, quantization_config=settings).quantization.kv_cache == "fp8"


def test_the_nested_part_may_hold_the_settings():
    nested = {**LLAMA, "quantization_config": {"quant_method": "fp8"}}
    assert facts({"text_config": nested, "vision_config": {"hidden_size": 8}}).quantization.method == "fp8"
