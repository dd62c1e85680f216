# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts of parameters, against reference implementations and against what is published of real models."""

from __future__ import annotations

import pytest

from .samples import DEEPSEEK, GEMMA_27B, GPT_OSS, LLAMA, QWEN_MOE, QWEN_NEXT, REFERENCE, facts

#: Pictures are estimated, and two odd families have small parts that are not counted.
LOOSE = {"gemma3n_text": 0.005, "mimo_v2_flash": 0.001}


@pytest.mark.parametrize("name", sorted(REFERENCE))
def test_as_many_as_the_reference_makes(name):
    found = facts(REFERENCE[name]["config"])
    tolerance = 0.04 if found.multimodal else LOOSE.get(name, 0.0002)
    assert found.known
    assert found.parameters == pytest.approx(REFERENCE[name]["parameters"], rel=tolerance)


def test_most_are_counted_to_the_last_one():
    same = {name for name, each in REFERENCE.items() if facts(each["config"]).parameters == each["parameters"]}
    assert len(same) >= 50
    assert {"llama", "qwen2", "qwen3_moe", "deepseek_v3", "mixtral", "nemotron_h", "qwen3_next", "gemma3_text"} <= same


CHATGLM = {
    "model_type": "chatglm",
    "hidden_size": 4096,
    "num_layers": 28,
    "ffn_hidden_size": 13696,
    "kv_channels": 128,
    "num_attention_heads": 32,
    "multi_query_attention": True,
    "multi_query_group_num": 2,
    "padded_vocab_size": 65024,
    "add_qkv_bias": True,
    "seq_length": 8192,
    "tie_word_embeddings": False,
    "torch_dtype": "float16",
}
INTERNLM = {**LLAMA, "model_type": "internlm2", "vocab_size": 92544, "bias": False}
BAICHUAN = {
    **{key: value for key, value in LLAMA.items() if key != "num_key_value_heads"},
    "model_type": "baichuan",
    "intermediate_size": 11008,
    "vocab_size": 125696,
}
DBRX = {
    "model_type": "dbrx",
    "d_model": 6144,
    "n_heads": 48,
    "n_layers": 40,
    "vocab_size": 100352,
    "max_seq_len": 32768,
    "tie_word_embeddings": False,
    "attn_config": {"kv_n_heads": 8},
    "ffn_config": {"ffn_hidden_size": 10752, "moe_num_experts": 16, "moe_top_k": 4},
    "torch_dtype": "bfloat16",
}
QWEN_VL = {
    **LLAMA,
    "model_type": "qwen2_5_vl",
    "hidden_size": 3584,
    "intermediate_size": 18944,
    "num_hidden_layers": 28,
    "num_attention_heads": 28,
    "num_key_value_heads": 4,
    "vocab_size": 152064,
    "vision_config": {
        "model_type": "qwen2_5_vl",
        "depth": 32,
        "hidden_size": 1280,
        "in_chans": 3,
        "intermediate_size": 3420,
        "num_heads": 16,
        "out_hidden_size": 3584,
        "patch_size": 14,
        "spatial_merge_size": 2,
        "temporal_patch_size": 2,
    },
}
INTERNVL = {
    "model_type": "internvl_chat",
    "downsample_ratio": 0.5,
    "torch_dtype": "bfloat16",
    "llm_config": {**QWEN_VL, "model_type": "qwen2", "vocab_size": 151674, "vision_config": None},
    "vision_config": {
        "model_type": "intern_vit_6b",
        "hidden_size": 1024,
        "image_size": 448,
        "intermediate_size": 4096,
        "num_attention_heads": 16,
        "num_hidden_layers": 24,
        "patch_size": 14,
    },
}
MINIMAX_M1 = {
    "model_type": "minimax_m1",
    "hidden_size": 6144,
    "intermediate_size": 9216,
    "num_hidden_layers": 80,
    "num_attention_heads": 64,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "num_local_experts": 32,
    "num_experts_per_tok": 2,
    "vocab_size": 200064,
    "attn_type_list": ([0] * 7 + [1]) * 10,
    "shared_intermediate_size": 0,
    "tie_word_embeddings": False,
    "torch_dtype": "bfloat16",
    "max_position_embeddings": 10240000,
}
SCOUT = {
    "architectures": ["Llama4ForConditionalGeneration"],
    "model_type": "llama4",
    "text_config": {
        "model_type": "llama4_text",
        "hidden_size": 5120,
        "intermediate_size": 8192,
        "intermediate_size_mlp": 16384,
        "num_hidden_layers": 48,
        "num_attention_heads": 40,
        "num_key_value_heads": 8,
        "head_dim": 128,
        "num_local_experts": 16,
        "num_experts_per_tok": 1,
        "interleave_moe_layer_step": 1,
        "attention_chunk_size": 8192,
        "vocab_size": 202048,
        "torch_dtype": "bfloat16",
    },
    "vision_config": {
        "model_type": "llama4_vision_model",
        "hidden_size": 1408,
        "intermediate_size": 5632,
        "num_hidden_layers": 34,
        "image_size": 336,
        "patch_size": 14,
        "pixel_shuffle_ratio": 0.5,
    },
}


@pytest.mark.parametrize(
    ("values", "parameters"),
    [
        (CHATGLM, 6243584000),  # ChatGLM3 6B
        (INTERNLM, 7737708544),  # InternLM2.5 7B
        (BAICHUAN, 7505973248),  # Baichuan2 7B
        (DBRX, 131596523520),
        (DEEPSEEK, 671026404352),  # without the draft layer
    ],
)
def test_published_counts(values, parameters):
    assert facts(values).parameters == pytest.approx(parameters, rel=0.0001)


@pytest.mark.parametrize(
    ("values", "parameters", "tolerance"),
    [
        (QWEN_VL, 8292166656, 0.001),  # Qwen2.5-VL 7B
        (INTERNVL, 7.944e9, 0.001),  # InternVL3 8B
        (MINIMAX_M1, 456.09e9, 0.001),
        (SCOUT, 108.64e9, 0.001),  # Llama 4 Scout
        (GEMMA_27B, 27.432e9, 0.002),
        (QWEN_NEXT, 79.674e9, 0.001),
    ],
)
def test_published_sizes(values, parameters, tolerance):
    assert facts(values).parameters == pytest.approx(parameters, rel=tolerance)


@pytest.mark.parametrize(
    ("values", "size"),
    [
        (GPT_OSS, 65248815744),  # gpt-oss-120b, metadata of its index
        ({**GPT_OSS, "num_hidden_layers": 24, "num_local_experts": 32}, 13761264768),  # gpt-oss-20b
        (QWEN_MOE, 470187269120),  # Qwen3 235B
    ],
)
def test_published_bytes(values, size):
    assert facts(values).checkpoint_bytes == pytest.approx(size, rel=0.000001)


def test_draft_layers_lie_in_the_files_but_not_in_memory():
    found, without = facts(DEEPSEEK), facts(DEEPSEEK, num_nextn_predict_layers=0)
    assert found.draft_parameters == pytest.approx(13.5e9, rel=0.01)
    assert found.weight_bytes == without.weight_bytes
    assert found.checkpoint_bytes - without.checkpoint_bytes > 13.4e9


def test_qwen3_next_has_a_draft_layer_that_its_configuration_does_not_name():
    found = facts(QWEN_NEXT)
    assert found.parameters + found.draft_parameters == pytest.approx(81.32e9, rel=0.001)  # as published
