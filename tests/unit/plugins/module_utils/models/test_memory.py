# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.models import memory
from ansible_collections.vllm.cluster.plugins.module_utils.models.errors import ModelError
from ansible_collections.vllm.cluster.plugins.module_utils.models.settings import Settings
from hypothesis import given
from hypothesis import settings as rules
from hypothesis import strategies as st

from .samples import DEEPSEEK, GEMMA_27B, GIB, GPT_OSS, LLAMA, QWEN_32B, QWEN_MOE, QWEN_NEXT, facts

H100 = int(79.2 * GIB)
H200 = 140 * GIB


def fit(values, gpu_memory, **settings):
    settings = {"version": "0.19.0", "max_model_len": 32768, **settings}
    return memory.fit(facts(values), gpu_memory, Settings(**settings))


class TestWorkedExamples:
    """What a person computes for two well-known models; the overhead is what they estimate it to be, 2 to 5 GiB."""

    def test_qwen_32b_on_one_gpu_of_80(self):
        found = fit(QWEN_32B, H100)
        assert found.budget == pytest.approx(71.3 * GIB, rel=0.001)
        assert found.weights == pytest.approx(61.0 * GIB, rel=0.001)
        assert 2 * GIB <= found.overhead.total <= 4 * GIB
        assert found.kv_per_token == 256 * 1024
        assert found.kv == 8 * GIB
        assert 25_000 <= found.tokens <= 33_000
        assert not found.fits

    def test_qwen_32b_on_two(self):
        found = fit(QWEN_32B, H100, tensor=2)
        assert found.weights == pytest.approx(30.5 * GIB, rel=0.002)
        assert found.kv_per_token == 128 * 1024
        assert found.budget - found.weights - found.overhead.total == pytest.approx(37 * GIB, rel=0.04)
        assert found.tokens == pytest.approx(300_000, rel=0.03)
        assert found.requests == pytest.approx(9, abs=0.3)
        assert found.fits

    def test_qwen_32b_on_eight(self):
        found = fit(QWEN_32B, H100, tensor=8)
        assert found.weights == pytest.approx(7.6 * GIB, rel=0.01)
        assert found.tokens == pytest.approx(1.9e6, rel=0.03)

    def test_deepseek_r1_does_not_fit_on_eight_of_80(self):
        found = fit(DEEPSEEK, H100, tensor=8)
        assert 78 * GIB <= found.weights <= 80 * GIB
        assert found.kv_per_token == 61 * (512 + 64) * 2 == pytest.approx(68.6 * 1024, rel=0.001)
        assert found.kv == pytest.approx(2.14 * GIB, rel=0.003)
        assert fit(DEEPSEEK, H100, tensor=8, max_model_len=131072).kv == pytest.approx(8.6 * GIB, rel=0.005)
        assert (found.fits, found.requests, found.tokens) == (False, 0, 0)

    def test_deepseek_r1_on_eight_h200(self):
        found = fit(DEEPSEEK, H200, tensor=8)
        assert found.budget == 126 * GIB
        assert found.overhead.total == pytest.approx(5 * GIB, rel=0.15)
        assert found.budget - found.weights - found.overhead.total == pytest.approx(40 * GIB, rel=0.1)
        assert found.tokens == pytest.approx(600_000, rel=0.1)

    def test_decode_context_parallel_holds_eight_times_that(self):
        plain, divided = fit(DEEPSEEK, H200, tensor=8), fit(DEEPSEEK, H200, tensor=8, decode_context=8)
        assert divided.tokens == pytest.approx(8 * plain.tokens, rel=0.001)

    def test_deepseek_r1_on_sixteen_of_80(self):
        found = fit(DEEPSEEK, H100, tensor=8, pipeline=2)
        assert found.weights == pytest.approx(40 * GIB, rel=0.03)
        assert found.budget - found.weights - found.overhead.total == pytest.approx(27 * GIB, rel=0.05)
        assert found.tokens == pytest.approx(800_000, rel=0.05)

    def test_deepseek_r1_on_four_a100(self):
        with pytest.raises(ModelError) as caught:
            memory.smallest(facts(DEEPSEEK), H100, 4, Settings(max_model_len=4096), most_hosts=1)
        assert "does not fit on one host of 4 GPUs" in caught.value.rule
        assert "157." in caught.value.rule


def test_the_rank_with_most_experts_counts():
    """128 experts over 7 ranks: the fullest holds 19."""
    whole, parts = (fit(QWEN_MOE, H200, data=7, expert_parallel=spread).weights for spread in (True, False))
    expert = sum(part.expert for part in facts(QWEN_MOE).per_layer) / 128
    assert whole - parts == pytest.approx((19 - 128 / 7) * expert, rel=0.001)


class TestTheLongestContextThatFits:
    def test_the_whole_context_where_it_fits(self):
        assert memory.fit_longest(facts(LLAMA), H100, Settings()).max_model_len == facts(LLAMA).context.limit

    def test_a_block_more_does_not_fit(self):
        found = memory.fit_longest(facts(LLAMA), 24 * GIB, Settings())
        assert found.fits
        assert 16 < found.max_model_len < facts(LLAMA).context.limit
        assert not memory.fit(facts(LLAMA), 24 * GIB, Settings(max_model_len=found.max_model_len + 16)).fits

    def test_weights_that_do_not_fit(self):
        found = memory.fit_longest(facts(LLAMA), 12 * GIB, Settings())
        assert (found.fits, found.max_model_len) == (False, 16)


@pytest.mark.parametrize("values", [LLAMA, DEEPSEEK, QWEN_MOE, GEMMA_27B, GPT_OSS, QWEN_NEXT])
@pytest.mark.parametrize("settings", [{}, {"tensor": 8}, {"tensor": 4, "pipeline": 3}, {"concurrency": 7}])
def test_the_sum_is_the_budget(values, settings):
    found = memory.fit(facts(values), H200, Settings(max_model_len=8192, **settings))
    assert found.weights + found.overhead.total + found.kv + found.free == found.budget
    assert found.fits == (found.free >= 0)
    assert found.fits == (found.requests >= found.settings.concurrency)
    assert found.requests_least <= found.requests


@pytest.mark.parametrize(
    ("version", "share"),
    [("0.7.0", 0.9), ("0.19.1", 0.9), ("0.20.0", 0.92), ("0.32.0", 0.92), ("0.33.0", 0.92), (None, 0.92)],
)
def test_the_share_of_memory_that_a_release_takes(version, share):
    found = memory.fit(facts(LLAMA), 100 * GIB, Settings(version=version, max_model_len=4096))
    assert found.budget == int(100 * GIB * share)


def test_a_written_share_counts():
    assert memory.fit(facts(LLAMA), 100 * GIB, Settings(utilization=0.5, max_model_len=4096)).budget == 50 * GIB


class TestWeightsOfARank:
    def test_key_value_matrices_are_copied_beyond_their_heads(self):
        found = facts(LLAMA)
        eight = memory.weights_per_rank(found, Settings(tensor=8))[0]
        sixteen = memory.weights_per_rank(found, Settings(tensor=16))[0]
        copied = 32 * 2 * 128 * 4096 * 2  # a head of keys and one of values in each layer
        assert sixteen == pytest.approx((eight - copied) / 2 + copied, rel=0.001)

    def test_small_matrices_are_copied(self):
        found = facts(DEEPSEEK)
        assert 8 * memory.weights_per_rank(found, Settings(tensor=8))[0] > found.weight_bytes + 7 * 0.9e9

    def test_experts_are_divided_over_data_ranks_too(self):
        found = facts(DEEPSEEK)
        alone = memory.weights_per_rank(found, Settings(tensor=1, data=1))[0]
        spread = memory.weights_per_rank(found, Settings(tensor=1, data=16, expert_parallel=True))[0]
        experts = sum(part.expert for part in found.per_layer)
        assert alone == found.weight_bytes
        assert spread == pytest.approx(found.weight_bytes - experts * 15 / 16, rel=1e-6)

    def test_stages_hold_what_is_theirs(self):
        found = facts(LLAMA)
        first, middle, last = memory.weights_per_rank(found, Settings(pipeline=3))
        layer, embedding, norm = found.per_layer[0].total, 128256 * 4096 * 2, 4096 * 2
        assert (first, middle, last) == (11 * layer + embedding, 11 * layer, 10 * layer + embedding + norm)

    def test_the_last_stage_holds_a_tied_output_again(self):
        found = facts(LLAMA, tie_word_embeddings=True)
        assert memory.weights_per_rank(found, Settings())[0] == found.weight_bytes
        assert sum(memory.weights_per_rank(found, Settings(pipeline=2))) == found.weight_bytes + 128256 * 4096 * 2


class TestOverhead:
    def test_it_grows_with_a_step_s_tokens(self):
        few, many = (fit(LLAMA, H100, max_num_batched_tokens=count).overhead for count in (8192, 65536))
        assert many.activations > few.activations

    def test_it_grows_with_a_step_s_requests(self):
        few, many = (fit(LLAMA, H100, max_num_seqs=count).overhead for count in (64, 2048))
        assert many.activations > few.activations

    def test_experts_cost_more(self):
        dense = fit(LLAMA, H100, max_num_batched_tokens=32768, tensor=8).overhead
        experts = fit(QWEN_MOE, H100, max_num_batched_tokens=32768, tensor=8).overhead
        assert experts.activations > dense.activations

    def test_parts_that_come_and_go(self):
        assert fit(LLAMA, H100, enforce_eager=True).overhead.graphs == 0
        assert fit(LLAMA, H100).overhead.graphs > 0
        assert fit(LLAMA, H100, tensor=2).overhead.runtime > fit(LLAMA, H100).overhead.runtime
        assert fit(GEMMA_27B, H100).overhead.pictures > 0

    def test_what_was_printed_by_real_engines(self):
        """Llama 3.1 8B on H100: 1.89 GiB of activations and 0.25 GiB besides."""
        found = fit(LLAMA, H100, max_num_batched_tokens=8192, max_num_seqs=1024).overhead
        assert found.activations == pytest.approx(1.89 * GIB, rel=0.1)
        assert found.total < 4 * GIB

    @pytest.mark.parametrize("values", [LLAMA, QWEN_32B, DEEPSEEK, QWEN_MOE, GPT_OSS, QWEN_NEXT])
    @pytest.mark.parametrize("gpu_memory", [24 * GIB, H100, H200])
    def test_with_defaults_it_is_two_to_six(self, values, gpu_memory):
        found = memory.fit(facts(values), gpu_memory, Settings(tensor=8, max_model_len=4096))
        assert 2 * GIB <= found.overhead.total <= 6 * GIB


class TestSmallest:
    def test_one_gpu_where_one_does(self):
        found = memory.smallest(facts(LLAMA), H100, 8, Settings(max_model_len=8192))
        assert (found.tensor, found.pipeline, found.hosts, found.fit.fits) == (1, 1, 1, True)

    def test_the_next_tensor_size_that_works(self):
        found = memory.smallest(facts(QWEN_32B), H100, 8, Settings(max_model_len=32768, concurrency=2))
        assert (found.tensor, found.pipeline, found.hosts) == (2, 1, 1)
        assert "with tensor parallel size 1 61.0 GiB weights" in found.why

    def test_hosts_as_stages(self):
        found = memory.smallest(facts(DEEPSEEK), H100, 8, Settings(max_model_len=32768))
        assert (found.tensor, found.pipeline, found.hosts) == (8, 2, 2)

    def test_one_host_of_larger_gpus(self):
        found = memory.smallest(facts(DEEPSEEK), H200, 8, Settings(max_model_len=32768))
        assert (found.tensor, found.pipeline, found.hosts) == (8, 1, 1)

    def test_stages_in_a_host_only_where_no_tensor_size_does(self):
        """Six GPUs: 40 heads divide by 2 and not by 3 or 6."""
        found = memory.smallest(facts(QWEN_32B), 16 * GIB, 6, Settings(max_model_len=8192))
        assert (found.tensor, found.pipeline, found.hosts) == (2, 3, 1)

    def test_only_sizes_that_the_links_allow(self):
        found = memory.smallest(facts(QWEN_32B), H100, 8, Settings(max_model_len=8192), tensor_sizes=[4])
        assert found.tensor == 4

    @pytest.mark.parametrize(
        ("gpus", "memory_bytes", "settings", "path"),
        [
            (0, H100, {}, "gpus_per_host"),
            (8, 0, {}, "gpu_memory"),
            (8, 8 * GIB, {"max_model_len": 8192}, "gpu_memory"),
            (8, H100, {"max_model_len": 10**9}, "max_model_len"),
            (8, H100, {"version": "newest"}, "vllm_version"),
        ],
    )
    def test_what_cannot_be_is_refused(self, gpus, memory_bytes, settings, path):
        with pytest.raises(ModelError) as caught:
            memory.smallest(facts(DEEPSEEK), memory_bytes, gpus, Settings(**settings), most_hosts=1)
        assert caught.value.path == path

    @rules(max_examples=150, deadline=None)
    @given(
        st.sampled_from([LLAMA, QWEN_32B, DEEPSEEK, QWEN_MOE, GPT_OSS, QWEN_NEXT]),
        st.integers(16, 192),
        st.integers(1, 8),
        st.integers(1, 64),
    )
    def test_it_fits_and_nothing_smaller_in_its_row_does(self, values, gib, gpus, concurrency):
        known, wanted = facts(values), Settings(max_model_len=4096, concurrency=concurrency)
        try:
            found = memory.smallest(known, gib * GIB, gpus, wanted, most_hosts=4)
        except ModelError:
            largest = max(size for size in (1, 2, 4, 8) if size <= gpus)
            assert not memory.fit(known, gib * GIB, dataclasses.replace(wanted, tensor=largest)).fits
            return
        assert found.fit.fits
        assert found.tensor * found.pipeline <= gpus * found.hosts
        assert known.attention_heads % found.tensor == 0
        for tensor in (size for size in (1, 2, 4) if size < found.tensor and found.hosts == found.pipeline == 1):
            smaller = memory.fit(known, gib * GIB, Settings(max_model_len=4096, concurrency=concurrency, tensor=tensor))
            assert not smaller.fits


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({"tensor": 0}, "tensor"),
        ({"pipeline": 0}, "pipeline"),
        ({"pipeline": 33}, "pipeline"),
        ({"data": -1}, "data"),
        ({"decode_context": 0}, "decode_context"),
        ({"concurrency": 0}, "concurrency"),
        ({"max_model_len": 0}, "max_model_len"),
        ({"max_model_len": 131073}, "max_model_len"),
        ({"max_num_batched_tokens": 0}, "max_num_batched_tokens"),
        ({"max_num_seqs": -5}, "max_num_seqs"),
        ({"utilization": 0.0}, "gpu_memory_utilization"),
        ({"utilization": 1.1}, "gpu_memory_utilization"),
        ({"kv_cache_dtype": "fp3"}, "kv_cache_dtype"),
        ({"version": "newest"}, "vllm_version"),
    ],
)
def test_settings_that_no_engine_can_have(settings, path):
    with pytest.raises(ModelError) as caught:
        memory.fit(facts(LLAMA), H100, Settings(**settings))
    assert caught.value.path == path
    assert caught.value.fix
