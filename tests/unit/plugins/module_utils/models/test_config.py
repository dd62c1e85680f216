# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import time

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.models.errors import ModelError

from .samples import DEEPSEEK, GEMMA_27B, GPT_OSS, LLAMA, QWEN_32B, QWEN_MOE, QWEN_NEXT, facts


def refusal(values, **changes):
    with pytest.raises(ModelError) as caught:
        facts(values, **changes)
    return caught.value


def without(values, *names):
    return {key: value for key, value in values.items() if key not in names}


def test_a_dense_model():
    found = facts(LLAMA)
    assert (found.parameters, found.weight_bytes) == (8030261248, 16060522496)
    assert (found.layers, found.attention_heads, found.kv_heads, found.head_dim) == (32, 32, 8, 128)
    assert (found.is_moe, found.latent, found.is_hybrid, found.multimodal) == (False, False, False, False)
    assert found.notes == ()


def test_latent_attention():
    found = facts(DEEPSEEK)
    assert (found.latent, found.head_dim, found.attention_heads) == (True, 512 + 64, 128)
    assert (found.experts, found.experts_per_token, found.expert_layers) == (256, 8, 58)


def test_only_listed_model_types_expand_their_low_rank():
    values = {**without(DEEPSEEK, "quantization_config"), "model_type": "minicpm3", "n_routed_experts": None}
    found = facts(values)
    assert (found.latent, found.kv_heads, found.head_dim) == (False, 128, 192)


@pytest.mark.parametrize(
    ("changes", "experts", "layers"),
    [
        ({"num_local_experts": 8}, 8, 32),
        ({"num_experts": 8, "first_k_dense_replace": 2}, 8, 30),
        ({"n_routed_experts": 8, "moe_layer_freq": [0, 1] * 16}, 8, 16),
        ({"num_experts": 8, "decoder_sparse_step": 2, "mlp_only_layers": [1]}, 8, 15),
        ({"num_experts": 8, "interleave_moe_layer_step": 2}, 8, 16),
        ({"num_experts": 8, "expert_layer_period": 4, "expert_layer_offset": 1}, 8, 8),
        ({"moe_num_experts": 8, "moe_layer_start_index": 1, "moe_layer_end_index": 30, "moe_layer_interval": 1}, 8, 30),
        ({"moe_num_experts": [8, 8], "moe_layer_start_index": [1, 1], "moe_layer_end_index": [-1, -1]}, 8, 31),
        ({"moe_num_experts": 8, "moe_layers_enum": "4,5, 6"}, 8, 3),
        ({"num_experts": 8, "mlp_layer_types": ["dense"] * 3 + ["sparse"] * 29}, 8, 29),
        ({"num_experts": 8, "num_dense_layers": 3}, 8, 29),
        ({"num_experts": 0}, 0, 0),
        ({"n_routed_experts": None}, 0, 0),
    ],
)
def test_experts_of_every_naming(changes, experts, layers):
    found = facts(LLAMA, **changes)
    assert (found.experts, found.expert_layers, found.is_moe) == (experts, layers, bool(experts))


def test_letters_for_layers():
    values = {
        **LLAMA,
        "model_type": "nemotron_h",
        "hybrid_override_pattern": "M-M*-ME",
        "num_hidden_layers": 7,
        "mamba_num_heads": 64,
        "mamba_head_dim": 64,
        "ssm_state_size": 128,
        "n_groups": 8,
        "conv_kernel": 4,
        "n_routed_experts": 4,
        "moe_intermediate_size": 512,
    }
    found = facts(values)
    assert [len(kept) for kept in found.caches] == [1, 0, 1, 1, 0, 1, 0]
    assert [kept[0].kind for kept in found.caches if kept] == ["state", "state", "full", "state"]
    assert (found.has_state, found.is_hybrid, found.recurrent_heads, found.expert_layers) == (True, True, (64,), 1)
    assert "unknown letters 'X'" in refusal(values, hybrid_override_pattern="M-M*-MX").rule
    assert "fewer items" in refusal(values, hybrid_override_pattern="M-M").rule


@pytest.mark.parametrize(
    ("values", "changes", "kinds"),
    [
        (LLAMA, {"sliding_window": 4096}, {"sliding": 32}),
        (QWEN_32B, {}, {"full": 64}),
        (LLAMA, {"sliding_window": 512, "sliding_window_pattern": 4}, {"sliding": 24, "full": 8}),
        (LLAMA, {"sliding_window": 512, "sliding_window_pattern": "LLLG"}, {"sliding": 24, "full": 8}),
        (
            LLAMA,
            {"sliding_window": 512, "layer_types": ["full_attention"] * 30 + ["local"] * 2},
            {"sliding": 2, "full": 30},
        ),
        (
            LLAMA,
            {"sliding_window": 512, "use_sliding_window": True, "max_window_layers": 28},
            {"full": 28, "sliding": 4},
        ),
        (LLAMA, {"layer_types": ["sliding_attention"] * 32}, {"full": 32}),  # no window
        (LLAMA, {"attention_chunk_size": 8192, "no_rope_layers": [1, 1, 1, 0] * 8}, {"chunked": 24, "full": 8}),
        (LLAMA, {"sliding_window": 128, "hybrid_layer_pattern": [0, 1] * 16}, {"sliding": 16, "full": 16}),
        (GPT_OSS, {}, {"sliding": 18, "full": 18}),
        (GEMMA_27B, {}, {"sliding": 52, "full": 10}),
        (QWEN_NEXT, {}, {"state": 36, "full": 12}),
        (DEEPSEEK, {}, {"latent": 61}),
    ],
)
def test_what_layers_keep(values, changes, kinds):
    found = {}
    for kept in facts(values, **changes).caches:
        for cache in kept:
            found[cache.kind] = found.get(cache.kind, 0) + 1
    assert found == kinds


def test_layers_of_other_sizes():
    values = {
        **LLAMA,
        "model_type": "mimo_v2_flash",
        "sliding_window": 128,
        "hybrid_layer_pattern": [0, 1] * 16,
        "head_dim": 192,
        "v_head_dim": 128,
        "swa_num_key_value_heads": 16,
    }
    full, sliding = (kept[0] for kept in facts(values).caches[:2])
    assert (full.heads, full.width, sliding.heads, sliding.window) == (8, 192 + 128, 16, 128)


def test_layers_may_take_the_keys_and_values_of_others():
    values = {**LLAMA, "model_type": "gemma3n_text", "num_kv_shared_layers": 12}
    found, own = facts(values), facts(values, num_kv_shared_layers=0)
    assert [len(kept) for kept in found.caches] == [1] * 20 + [0] * 12
    assert own.parameters - found.parameters == 12 * 2 * 1024 * 4096


def test_layers_of_linear_attention_counted_from_one():
    own = {"full_attn_layers": [4, 8], "kda_layers": [1, 2, 3, 5, 6, 7], "num_heads": 32, "head_dim": 128}
    found = facts({**LLAMA, "model_type": "kimi_linear", "num_hidden_layers": 8, "linear_attn_config": own})
    assert [kept[0].kind for kept in found.caches] == ["state"] * 3 + ["full"] + ["state"] * 3 + ["full"]


def test_a_searched_architecture():
    """Nemotron: blocks without attention, with fewer key/value heads, and with narrower networks."""
    block = {"attention": {"n_heads_in_group": 8, "no_op": False}, "ffn": {"ffn_mult": 0.5, "no_op": False}}
    absent = {"attention": {"no_op": True}, "ffn": {"no_op": True}}
    found = facts({**LLAMA, "model_type": "nemotron-nas", "num_hidden_layers": 2}, block_configs=[block, absent])
    width = 1536  # 2 x 0.5 x 4096 / 3 = 1365, and up to a multiple of 256
    attention = 2 * 4096 * 4096 + 2 * 4 * 128 * 4096
    assert found.parameters == 2 * 128256 * 4096 + attention + 3 * width * 4096 + 5 * 4096
    assert ([len(kept) for kept in found.caches], found.kv_heads) == ([1, 0], 4)


@pytest.mark.parametrize(
    ("changes", "limit", "longest"),
    [
        ({}, 131072, 131072),
        ({"rope_scaling": {"rope_type": "llama3", "factor": 8.0}}, 131072, 131072),
        ({"rope_scaling": {"type": "linear", "factor": 2.0}}, 262144, 262144),
        ({"rope_scaling": {"type": "dynamic", "factor": 4.0}}, 524288, 524288),
        ({"rope_scaling": {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 65536}}, 131072, 262144),
        ({"rope_scaling": {"type": "longrope"}, "original_max_position_embeddings": 4096}, 4096, 131072),
        ({"rope_parameters": {"full_attention": {"rope_type": "linear", "factor": 2.0}}}, 262144, 262144),
        ({"rope_scaling": {"type": "linear", "factor": None}}, 131072, 131072),
        ({"max_position_embeddings": None}, 2048, 2048),
        ({"max_position_embeddings": None, "seq_length": 8192}, 8192, 8192),
        ({"model_max_length": 4096}, 4096, 4096),
    ],
)
def test_context(changes, limit, longest):
    found = facts(LLAMA, **changes).context
    assert (found.limit, found.longest) == (limit, longest)


def test_gemma3_says_its_context_scaled():
    assert facts(GEMMA_27B).context.limit == 131072


def test_a_nested_part_leaves_out_its_library_s_defaults():
    values = {**GEMMA_27B, "text_config": without(GEMMA_27B["text_config"], "num_hidden_layers", "hidden_size")}
    found = facts(values)
    assert (found.layers, found.hidden_size) == (26, 2304)
    (note,) = [note for note in found.notes if "library" in note]
    assert "hidden_size=2304" in note
    assert "vocab_size=" in note
    assert "head_dim" not in note


def test_the_whole_leaves_nothing_out():
    assert refusal(without(LLAMA, "hidden_size")).path == "config.json: hidden_size"


@pytest.mark.parametrize("inside", ["text_config", "llm_config", "language_config"])
def test_the_language_model_of_several_parts(inside):
    found = facts({"architectures": ["X"], "vision_config": {"hidden_size": 64, "depth": 1}, inside: LLAMA})
    assert found.multimodal
    assert found.parameters == pytest.approx(8030261248, rel=0.01)
    assert found.parameters_by_part["vision"] > 0
    found = facts({"architectures": ["X"], "thinker_config": {"text_config": LLAMA, "audio_config": {"d_model": 64}}})
    assert (found.layers, found.multimodal) == (32, True)


def test_a_kind_that_is_not_known_is_said():
    found = facts(LLAMA, model_type="frobnicator")
    assert not found.known
    assert found.parameters == 8030261248
    assert "'frobnicator' is not known" in found.notes[0]


def test_the_architecture_tells_where_no_type_is_written():
    assert facts(without(LLAMA, "model_type"), architectures=["MiniCPMForCausalLM"]).known
    assert not facts(without(LLAMA, "model_type"), architectures=["SomethingForCausalLM"]).known


@pytest.mark.parametrize(
    ("dtype", "weights", "checkpoint"),
    [("bfloat16", 2, 2), ("torch.float16", 2, 2), ("float32", 2, 4), (None, 2, 2), ("auto", 2, 2)],
)
def test_kinds_of_numbers(dtype, weights, checkpoint):
    found = facts(LLAMA, torch_dtype=dtype)
    assert (found.weight_bytes, found.checkpoint_bytes) == (8030261248 * weights, 8030261248 * checkpoint)
    assert ("no dtype is written" in str(found.notes)) == (dtype in (None, "auto"))


def test_the_newer_name_of_the_kind_of_numbers():
    assert facts(without(LLAMA, "torch_dtype"), dtype="float16").dtype == "float16"


def test_a_tied_output_is_counted_once():
    values = {**LLAMA, "vocab_size": 1000}
    assert facts(values).parameters - facts(values, tie_word_embeddings=True).parameters == 1000 * 4096
    assert facts(without({**values, "model_type": "gemma"}, "tie_word_embeddings")).tied
    assert not facts(without(values, "tie_word_embeddings")).tied


class TestFiles:
    """Bytes that the files really hold."""

    def test_they_count(self):
        found = facts(LLAMA).with_files(16060522496)
        assert (found.bytes_from, found.weight_bytes, found.checkpoint_bytes) == ("files", 16060522496, 16060522496)
        assert found.notes == ()

    def test_the_draft_layer_is_no_part_of_the_memory(self):
        found = facts(DEEPSEEK)
        assert found.with_files(found.checkpoint_bytes).weight_bytes == pytest.approx(found.weight_bytes, rel=0.001)

    def test_files_without_the_draft_layer(self):
        found = facts(DEEPSEEK)
        assert found.with_files(found.weight_bytes).weight_bytes == pytest.approx(found.weight_bytes, rel=0.001)

    def test_four_bytes_are_loaded_as_two(self):
        found = facts(LLAMA, torch_dtype="float32").with_files(4 * 8030261248)
        assert found.weight_bytes == 2 * 8030261248

    def test_what_the_configuration_does_not_tell_is_said(self):
        found = facts(LLAMA).with_files(9_000_000_000)
        assert found.weight_bytes == 9_000_000_000
        assert "0.56 times the bytes" in found.notes[0]
        assert sum(part.total for part in (*found.per_layer, found.first, found.last)) == pytest.approx(9e9, rel=1e-6)


def test_it_takes_no_time():
    """Milliseconds; the limit is wide because other work may run beside the tests."""
    started = time.process_time()
    for _again in range(5):
        facts(QWEN_MOE)
    assert time.process_time() - started < 2.5


NESTED = {"model_type": "llava", "torch_dtype": "bfloat16", "vision_config": {"model_type": "clip_vision_model"}}


def test_a_window_of_null_in_a_part_is_none():
    text = {"model_type": "mistral", "vocab_size": 32064, "sliding_window": None}
    (kept,) = {cache.kind for kept in facts({**NESTED, "text_config": text}).caches for cache in kept}
    assert kept == "full"
    del text["sliding_window"]
    (kept,) = {cache.kind for kept in facts({**NESTED, "text_config": text}).caches for cache in kept}
    assert kept == "sliding"


@pytest.mark.parametrize(
    ("text", "heads"),
    [
        ({"model_type": "llama"}, (32, 32, 128)),
        ({"model_type": "llama", "hidden_size": 2048}, (32, 32, 64)),
        ({"model_type": "llama", "hidden_size": 5120, "num_attention_heads": 40}, (40, 40, 128)),
        ({"model_type": "llama", "hidden_size": 2048, "head_dim": 96, "num_key_value_heads": 8}, (32, 8, 96)),
        ({"model_type": "mistral", "hidden_size": 2048}, (32, 8, 64)),
        ({"model_type": "qwen3", "hidden_size": 2048}, (32, 32, 128)),
        ({"model_type": "cohere2", "num_attention_heads": 96}, (96, 96, 85)),
    ],
)
def test_sizes_that_a_library_computes_from_others(text, heads):
    found = facts({**NESTED, "text_config": text})
    assert (found.attention_heads, found.kv_heads, found.head_dim) == heads


@pytest.mark.parametrize("name", ["n_embd", "n_embed", "d_model"])
def test_the_width_by_any_name(name):
    values = {"model_type": "bloom", name: 1024, "n_layer": 24, "n_head": 16, "vocab_size": 250880}
    assert facts(values).head_dim == 64


def test_an_embedding_narrower_than_the_layers():
    values = {"model_type": "opt", "ffn_dim": 4096, "max_position_embeddings": 2048, "word_embed_proj_dim": 512}
    found = facts({**without(LLAMA, "num_key_value_heads", "intermediate_size", "tie_word_embeddings"), **values})
    assert found.parameters_by_part["embedding"] == 512 * 128256 + 2 * 512 * 4096 + 2048 * 4096
