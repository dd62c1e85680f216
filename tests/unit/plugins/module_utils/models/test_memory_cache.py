# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.models import kv_cache, memory
from ansible_collections.vllm.cluster.plugins.module_utils.models.errors import ModelError
from ansible_collections.vllm.cluster.plugins.module_utils.models.settings import Settings

from .samples import DEEPSEEK, GEMMA_27B, GIB, GPT_OSS, LLAMA, QWEN_32B, QWEN_NEXT, facts


def per_token(values, **settings):
    return kv_cache.per_token(facts(values), Settings(**settings))


def request(values, batched_tokens=2048, **settings):
    (found,) = kv_cache.per_stage(facts(values), Settings(**settings), batched_tokens)
    return found


@pytest.mark.parametrize(
    ("tensor", "kib"),
    [(1, 256), (2, 128), (8, 32), (16, 32), (32, 32)],  # eight heads: copies from 16 ranks on
)
def test_heads_are_divided_but_not_below_one(tensor, kib):
    assert per_token(QWEN_32B, tensor=tensor) == kib * 1024


@pytest.mark.parametrize("tensor", [1, 2, 8])
def test_a_latent_is_not_divided(tensor):
    assert per_token(DEEPSEEK, tensor=tensor) == 61 * 576 * 2


@pytest.mark.parametrize(("pipeline", "layers"), [(1, 61), (2, 31), (4, 16), (61, 1)])
def test_stages_hold_their_layers(pipeline, layers):
    assert per_token(DEEPSEEK, pipeline=pipeline) == layers * 576 * 2


@pytest.mark.parametrize("size", [1, 2, 4, 8])
def test_decode_context_divides_tokens(size):
    assert per_token(DEEPSEEK, tensor=8, decode_context=size) == -(-61 * 576 * 2 // size)
    whole, part = (request(DEEPSEEK, tensor=8, decode_context=each, max_model_len=32768) for each in (1, size))
    assert part.least == whole.least // size


@pytest.mark.parametrize(
    ("dtype", "bytes_each"), [("auto", 2), ("bfloat16", 2), ("fp8", 1), ("fp8_e4m3", 1), ("FP8", 1)]
)
def test_kinds_of_numbers(dtype, bytes_each):
    assert per_token(LLAMA, kv_cache_dtype=dtype) == 2 * 32 * 8 * 128 * bytes_each


@pytest.mark.parametrize(("version", "bytes_each"), [("0.32.0", 1), (None, 1), ("0.11.0", 2)])
def test_a_checkpoint_that_asks_for_fp8(version, bytes_each):
    settings = {"quant_method": "modelopt", "quant_algo": "FP8", "kv_cache_scheme": {"num_bits": 8, "type": "float"}}
    found = kv_cache.per_token(facts(LLAMA, quantization_config=settings), Settings(version=version))
    assert found == 2 * 32 * 8 * 128 * bytes_each


def test_the_index_of_sparse_attention_is_kept_beside():
    sparse = {**DEEPSEEK, "model_type": "deepseek_v32", "index_n_heads": 64, "index_head_dim": 128}
    assert per_token(sparse) == 61 * (576 * 2 + 132)
    assert per_token(sparse, kv_cache_dtype="fp8") == 61 * (656 + 132)
    assert per_token(DEEPSEEK, kv_cache_dtype="fp8") == 61 * 576


def test_a_low_rank_that_is_expanded_is_kept_for_each_head():
    values = {**DEEPSEEK, "model_type": "minicpm3", "n_routed_experts": None, "quantization_config": None}
    assert per_token(values, tensor=8) == 61 * 16 * 2 * 192 * 2


def test_whole_blocks():
    assert request(LLAMA, max_model_len=17).least == 32 * per_token(LLAMA)


def test_a_plain_model_is_not_bounded():
    found = request(LLAMA, max_model_len=4096)
    assert (found.least, found.most, found.fixed, found.bounded) == (4096 * 131072, 4096 * 131072, 0, False)


class TestWindows:
    """Gemma 3 27B: 10 of 62 layers keep everything, the others 1024 tokens and those of the steps under way."""

    LAYER = 2 * 16 * 128 * 2

    def test_a_long_request(self):
        found = request(GEMMA_27B, max_model_len=131072)
        kept = -(-(1023 + 2 * 2048) // 16) * 16 + 16
        assert found.per_token == 10 * self.LAYER
        assert found.fixed == 52 * self.LAYER * kept
        assert found.least == found.per_token * 131072 + found.fixed
        assert found.most == 62 * self.LAYER * 131072
        assert found.bounded

    def test_a_short_one_keeps_everything(self):
        found = request(GEMMA_27B, max_model_len=1024)
        assert found.least == found.most == 62 * self.LAYER * 1024

    def test_the_fit_tells_both_bounds(self):
        found = memory.fit(facts(GEMMA_27B), 140 * GIB, Settings(max_model_len=131072))
        assert found.bounded
        assert found.requests > 3 * found.requests_least > 0

    def test_other_layers_of_gpt_oss(self):
        assert request(GPT_OSS, max_model_len=131072).per_token == 18 * 2 * 8 * 64 * 2

    def test_every_layer_may_slide(self):
        found = request({**LLAMA, "sliding_window": 4096}, max_model_len=32768)
        assert found.per_token == 0
        assert found.least < found.most


class TestStates:
    """Qwen3-Next: 36 of 48 layers keep a state of fixed size."""

    STATE = (32 * 128 * 128) * 4 + (2 * 16 * 128 + 32 * 128) * 3 * 2

    def test_they_do_not_grow(self):
        short, long = (request(QWEN_NEXT, max_model_len=length) for length in (4096, 262144))
        assert short.fixed == long.fixed == 36 * self.STATE
        assert long.per_token == 12 * 2 * 2 * 256 * 2
        assert long.bounded

    def test_they_are_divided(self):
        assert request(QWEN_NEXT, tensor=2, max_model_len=4096).fixed == 36 * self.STATE // 2

    def test_a_model_of_states_alone(self):
        values = {"model_type": "mamba2", "hidden_size": 64, "num_hidden_layers": 2, "vocab_size": 100, "num_heads": 2}
        found = request({**values, "head_dim": 64, "state_size": 16, "n_groups": 1, "torch_dtype": "bfloat16"})
        assert (found.per_token, found.fixed > 0) == (0, True)


def test_a_kind_of_cache_that_is_not_known_is_refused():
    with pytest.raises(ModelError) as caught:
        per_token(LLAMA, kv_cache_dtype="fp3")
    assert caught.value.path == "kv_cache_dtype"


@pytest.mark.parametrize(
    ("written", "bound"),
    [("auto", "auto"), ("FP8", "fp8"), ("fp8_e5m2", "fp8_e5m2"), ("nvfp4", "fp8"), ("turboquant_k8v4", "fp8"),
     ("int8_per_token_head", "auto"), ("float16", "float16"), ("fp3", "auto")],
)  # fmt: skip
def test_what_is_not_counted_has_a_bound(written, bound):
    assert kv_cache.bound(written) == bound
