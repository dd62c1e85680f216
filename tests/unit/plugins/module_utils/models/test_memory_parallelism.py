# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.models import parallelism
from ansible_collections.vllm.cluster.plugins.module_utils.models.errors import ModelError
from ansible_collections.vllm.cluster.plugins.module_utils.models.settings import Settings
from hypothesis import given
from hypothesis import strategies as st

from .samples import DEEPSEEK, GPT_OSS, LLAMA, QWEN_32B, QWEN_MOE, QWEN_NEXT, facts

FP8 = {"quant_method": "fp8", "weight_block_size": [128, 128]}


@pytest.mark.parametrize(
    ("values", "sizes"),
    [
        (LLAMA, [1, 2, 4, 8, 16, 32]),
        (QWEN_32B, [1, 2, 4, 8]),  # 40 heads; 10, 20 and 40 do not go with 8 key/value heads
        (QWEN_MOE, [1, 2, 4, 8, 16, 32, 64]),
        (DEEPSEEK, [1, 2, 4, 8, 16]),  # 32 would cut a block: 18432 / 32 = 576
        ({**DEEPSEEK, "quantization_config": None}, [1, 2, 4, 8, 16, 32, 64, 128]),
        (GPT_OSS, [1, 2, 4, 8, 16, 32, 64]),
        (QWEN_NEXT, [1, 2, 4, 8, 16]),
    ],
)
def test_tensor_sizes(values, sizes):
    assert parallelism.tensor_sizes(facts(values), 128) == sizes


@pytest.mark.parametrize(
    ("values", "size", "rule"),
    [
        (QWEN_32B, 3, "40 attention heads are not divisible by 3"),
        (QWEN_32B, 6, "40 attention heads are not divisible by 6"),
        (QWEN_32B, 16, "40 attention heads are not divisible by 16"),
        (QWEN_32B, 20, "8 key/value heads and tensor parallel size 20 do not divide one another"),
        (QWEN_32B, 5, "8 key/value heads and tensor parallel size 5 do not divide one another"),
        (LLAMA, 0, "must be at least 1"),
        ({**LLAMA, "intermediate_size": 14338}, 4, "the feed-forward width 14338 is not divisible by 4"),
        (
            DEEPSEEK,
            32,
            "the feed-forward width 18432 leaves 576 for each rank, which is no multiple of the 128x128 blocks",
        ),
        ({**QWEN_MOE, "moe_intermediate_size": 1500}, 8, "the experts' width 1500 is not divisible by 8"),
        ({**QWEN_NEXT, "linear_num_key_heads": 12}, 8, "12 heads of the recurrent layers are not divisible by 8"),
    ],
)
def test_tensor_refusals(values, size, rule):
    refusal = parallelism.tensor_refusal(facts(values), size)
    assert refusal.rule.startswith(rule)
    assert refusal.fix.startswith("use one of 1, ")
    assert str(size) not in refusal.fix.split("use one of ")[1].split(", ")


def test_layers_of_other_heads_count_too():
    values = {
        **LLAMA,
        "model_type": "mimo_v2_flash",
        "sliding_window": 128,
        "hybrid_layer_pattern": [0, 1] * 16,
        "num_key_value_heads": 4,
        "swa_num_key_value_heads": 3,
    }
    assert "3 key/value heads" in parallelism.tensor_refusal(facts(values), 4).rule


class TestBlocksOfExperts:
    """Qwen3 235B in fp8: 1536 / 8 = 192, no multiple of 128."""

    FACTS = facts(QWEN_MOE, quantization_config=FP8)

    @pytest.mark.parametrize(
        ("version", "works"), [("0.11.0", False), ("0.31.0", False), ("0.32.0", True), (None, True)]
    )
    def test_releases_that_cut_them(self, version, works):
        refusal = parallelism.tensor_refusal(self.FACTS, 8, version=version)
        assert (refusal is None) == works
        assert works or "the experts' width 1536 leaves 192" in refusal.rule

    def test_whole_experts_are_not_cut(self):
        assert parallelism.tensor_refusal(self.FACTS, 8, version="0.11.0", expert_parallel=True) is None

    def test_one_rank_cuts_nothing(self):
        narrow = facts({**LLAMA, "intermediate_size": 14344}, quantization_config=FP8)
        assert parallelism.tensor_refusal(narrow, 1) is None
        assert parallelism.tensor_refusal(narrow, 2) is not None


def test_whole_experts_need_no_divisible_width():
    found = facts(QWEN_MOE, moe_intermediate_size=1500)
    assert parallelism.tensor_refusal(found, 8, expert_parallel=True) is None


class TestCopiesShareTheirExperts:
    """fused_moe/config.py: the width of an expert is divided by tensor x data, unless whole experts are spread."""

    MOE = facts(QWEN_MOE)

    @pytest.mark.parametrize(("tensor", "data", "works"), [(1, 3, True), (1, 7, False), (4, 5, False), (8, 2, True)])
    def test_the_width_is_divided_by_all_ranks(self, tensor, data, works):
        assert (parallelism.data_refusal(self.MOE, tensor, data) is None) == works
        assert parallelism.data_refusal(self.MOE, tensor, data, expert_parallel=True) is None

    def test_the_refusal_tells_what_works(self):
        refusal = parallelism.data_refusal(self.MOE, 4, 5)
        assert (
            refusal.rule
            == "tensor 4 x data 5 ranks share each expert, and the experts' width 1536 is not divisible by 20"
        )
        assert refusal.fix == "spread the experts (expert: true), or use one of 1, 2, 3, 4, 6, 8"
        assert "must be at least 1" in parallelism.data_refusal(self.MOE, 1, 0).rule

    @pytest.mark.parametrize(("version", "works"), [("0.31.0", False), ("0.32.0", True)])
    def test_blocks_are_not_cut_before_0_32(self, version, works):
        found = facts(QWEN_MOE, quantization_config=FP8)  # 1536 / 8 = 192
        assert (parallelism.data_refusal(found, 4, 2, version=version) is None) == works

    def test_copies_of_dense_models_share_nothing(self):
        assert parallelism.data_refusal(facts(LLAMA), 1, 7) is None

    @pytest.mark.parametrize(("version", "works"), [("0.8.3", False), ("0.8.4", True)])
    def test_data_alone_did_not_spread_experts_before_0_8_4(self, version, works):
        refusal = parallelism.data_refusal(self.MOE, 1, 7, expert_parallel=True, version=version)
        assert (refusal is None) == works

    @pytest.mark.parametrize(("version", "most"), [("0.10.0", 20), ("0.10.1", 19), (None, 19)])
    def test_the_rank_that_holds_most(self, version, most):
        assert parallelism.most_experts(self.MOE, 7, version) == most
        assert parallelism.most_experts(self.MOE, 8, version) == 16


@pytest.mark.parametrize(
    ("values", "tensor", "sizes"),
    [
        (DEEPSEEK, 8, [1, 2, 4, 8]),
        (DEEPSEEK, 16, [1, 2, 4, 8, 16]),
        (QWEN_MOE, 8, [1, 2]),  # 4 key/value heads
        (QWEN_MOE, 16, [1, 2, 4]),
        (QWEN_MOE, 4, [1]),
        (QWEN_32B, 8, [1]),
        (LLAMA, 32, [1, 2, 4]),
    ],
)
def test_decode_context_sizes(values, tensor, sizes):
    assert parallelism.decode_context_sizes(facts(values), tensor) == sizes


@pytest.mark.parametrize(
    ("values", "tensor", "size", "rule"),
    [
        (QWEN_32B, 8, 2, "the tensor parallel size 8 is not above the 8 key/value heads"),
        (QWEN_MOE, 8, 4, "8 ranks hold only 2 copies of each of the 4 key/value heads"),
        (DEEPSEEK, 8, 3, "it does not divide the tensor parallel size 8"),
        (DEEPSEEK, 8, 16, "it does not divide the tensor parallel size 8"),
        ({**LLAMA, "num_attention_heads": 24, "num_key_value_heads": 8}, 24, 3, None),
        (
            {**LLAMA, "num_attention_heads": 48, "num_key_value_heads": 16},
            64,
            2,
            "3 query heads for each key/value head",
        ),
    ],
)
def test_decode_context_refusals(values, tensor, size, rule):
    refusal = parallelism.decode_context_refusal(facts(values), tensor, size)
    if rule is None:
        assert refusal is None
    else:
        assert refusal.rule.startswith(rule)
        assert refusal.fix.startswith(f"with tensor parallel size {tensor} use one of 1")


def test_experts_cannot_be_spread_without_any():
    assert parallelism.expert_refusal(facts(LLAMA)).rule == "the model has no experts"
    assert parallelism.expert_refusal(facts(QWEN_MOE)) is None


@pytest.mark.parametrize(("size", "works"), [(0, False), (1, True), (32, True), (33, False)])
def test_stages_are_at_most_layers(size, works):
    assert (parallelism.pipeline_refusal(facts(LLAMA), size) is None) == works


@pytest.mark.parametrize(
    ("values", "settings", "path"),
    [
        (QWEN_32B, {"tensor": 3}, "tensor"),
        (QWEN_32B, {"pipeline": 65}, "pipeline"),
        (QWEN_32B, {"expert_parallel": True}, "expert_parallel"),
        (QWEN_32B, {"tensor": 8, "decode_context": 2}, "decode_context"),
        (QWEN_32B, {"tensor": 0}, "tensor"),
        (QWEN_MOE, {"data": 7}, "data"),
    ],
)
def test_all_sizes_at_once(values, settings, path):
    with pytest.raises(ModelError) as caught:
        parallelism.check(facts(values), Settings(**settings))
    assert caught.value.path == path


def test_sizes_that_work_are_not_refused():
    parallelism.check(facts(DEEPSEEK), Settings(tensor=8, pipeline=2, decode_context=8, expert_parallel=True))


@pytest.mark.parametrize(
    ("layers", "stages", "expected"),
    [(61, 2, [31, 30]), (32, 4, [8] * 4), (62, 4, [15, 16, 16, 15]), (7, 4, [2, 2, 2, 1]), (5, 4, [1, 1, 2, 1])],
)
def test_layers_of_stages(layers, stages, expected):
    assert parallelism.stage_layers(layers, stages) == expected


@given(st.integers(1, 300), st.integers(1, 300))
def test_stages_hold_every_layer_once(layers, stages):
    counts = parallelism.stage_layers(layers, stages)
    assert (sum(counts), len(counts)) == (layers, stages)
    assert max(counts) - min(counts) <= 1
