# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import time

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.releases import flags, tables


@pytest.mark.parametrize(
    ("name", "version", "taken"),
    [
        ("max_model_len", "0.7.0", True),
        ("--max-model-len", "0.33.0", True),
        ("no-enable-prefix-caching", "0.32.0", True),
        ("no-max-model-len", "0.32.0", False),
        ("no-headless", "0.32.0", False),
        ("swap-space", "0.17.1", True),
        ("swap-space", "0.18.0", False),
        ("swap_space", "0.20.0", False),
        ("swap-space", "0.33.0", False),
        ("disable_log_requests", "0.16.0", True),
        ("disable_log_requests", "0.20.0", False),
        ("disable_log_requests", "0.33.0", True),
        ("disable-prefix-caching", "0.32.0", False),
        ("disable-prefix-caching", "0.33.0", True),
        ("nnodes", "0.11.0", False),
        ("nnodes", "0.11.1", True),
        ("nnodes", "9.9.9", True),
        ("swap-space", "9.9.9", False),
        ("calculate-kv-scales", "0.15.1", True),
        ("enable-prometheus", "0.32.0", False),
        ("kv-parallel-size", "0.8.5", False),
        ("model", "0.9.0", False),
        ("model", "0.9.1", True),
        ("tp", "0.32.0", False),
        # Keys of JSON values.
        ("kv-transfer-config.kv_connector", "0.32.0", True),
        ("kv-transfer-config.kv_connector", "0.9.0", False),
        ("kv-transfer-config.kv_connector", "0.9.1", True),
        ("kv-transfer-config.kv_rank", "0.31.0", True),
        ("kv-transfer-config.kv_rank", "0.32.0", False),
        ("kv-transfer-config.kv_connector_extra_config.backends+", "0.32.0", True),
        ("compilation-config.cudagraph_mode", "0.32.0", True),
        ("max-model-len.x", "0.32.0", False),
    ],
)
def test_which_release_takes_what(name, version, taken):
    assert flags.accepts(flags.normalize(name), version) is taken
    assert flags.find(name, version).valid is taken
    assert bool(flags.advice(name, version)) is not taken


@pytest.mark.parametrize(
    ("name", "version", "kind"),
    [
        ("headless", "0.32.0", "switch"),
        ("enable-prefix-caching", "0.32.0", "pair"),
        ("no-enable-prefix-caching", "0.32.0", "pair"),
        ("enable-chunked-prefill", "0.8.4", "boolean"),
        ("enable-chunked-prefill", "0.8.5", "pair"),
        ("trust-remote-code", "0.8.5", "switch"),
        ("trust-remote-code", "0.9.0", "pair"),
        ("api-key", "0.10.0", "string"),
        ("api-key", "0.10.1", "list"),
        ("max-model-len", "0.32.0", "int"),
        ("gpu-memory-utilization", "0.32.0", "float"),
        ("middleware", "0.32.0", "append"),
        ("allowed-origins", "0.32.0", "json"),
        ("speculative-config", "0.32.0", "json"),
        ("limit-mm-per-prompt", "0.8.0", "string"),
        ("lora-modules", "0.32.0", "list"),
        ("hf-token", "0.32.0", "optional"),
        ("swap-space", "0.32.0", None),
    ],
)
def test_what_follows_an_option(name, version, kind):
    assert flags.kind(name, version) == kind


def test_twins_belong_to_their_option():
    assert flags.plain("--no-enable-lora", "0.32.0") == "enable-lora"
    assert flags.plain("disable_lora", "0.33.0") == "enable-lora"
    assert flags.plain("disable_lora", "0.32.0") is None
    assert flags.plain("enable-cascade-attn", "0.33.0") == "disable-cascade-attn"
    assert flags.plain("enable_lora", "0.33.0") == "enable-lora"
    assert flags.plain("kv-transfer-config.kv_role", "0.33.0") == "kv-transfer-config"


def test_switches_by_release():
    assert flags.kind("headless", flags.newest()) == "switch"
    assert flags.kind("trust-remote-code", "0.8.5") == "switch"
    assert flags.kind("trust-remote-code", "0.9.0") != "switch"
    assert flags.kind("no-such-option", flags.newest()) is None


@pytest.mark.parametrize(
    ("name", "value", "version", "fault"),
    [
        ("headless", True, "0.32.0", ""),
        ("headless", "yes", "0.32.0", "takes no value"),
        ("enable_prefix_caching", "true", "0.32.0", "takes no value"),
        ("enable_prefix_caching", False, "0.32.0", ""),
        ("enable_chunked_prefill", "true", "0.8.4", ""),
        ("max_model_len", True, "0.32.0", "takes a value"),
        ("max_model_len", "32k", "0.32.0", ""),
        ("max_model_len", [1, 2], "0.32.0", "not a list"),
        ("max_model_len", {"a": 1}, "0.32.0", "not a mapping"),
        ("max_model_len", None, "0.32.0", ""),
        ("kv_transfer_config", {"kv_role": "kv_both"}, "0.32.0", ""),
        ("compilation_config", 3, "0.32.0", ""),
        ("allowed_media_domains", ["a", "b"], "0.32.0", ""),
        ("api_key", ["a", "b"], "0.10.0", "not a list"),
        ("no_such_option", [1], "0.32.0", ""),
        # Numbers, as the parser reads them.
        ("max_model_len", 8192, "0.32.0", ""),
        ("max_model_len", "8192", "0.32.0", ""),
        ("max_model_len", "auto", "0.32.0", ""),
        ("max_model_len", "auto", "0.13.0", "takes a whole number (or 32k)"),
        ("max_model_len", -1, "0.32.0", ""),
        ("max_model_len", 8192.0, "0.32.0", "write 8192"),
        ("max_model_len", "32 k", "0.32.0", "takes a whole number"),
        ("max_model_len", 10**30, "0.32.0", "takes a whole number"),
        ("max_model_len", "1.5k", "0.32.0", ""),
        ("max_model_len", "1.5K", "0.32.0", "write 1.5k"),
        ("max_model_len", "32k", "0.8.3", "takes a whole number"),
        ("max_num_seqs", "1k", "0.32.0", "takes a whole number"),
        ("max_num_seqs", "abc", "0.32.0", "takes a whole number"),
        ("max_num_batched_tokens", "8k", "0.9.0", "takes a whole number"),
        ("max_num_batched_tokens", "8k", "0.9.1", ""),
        ("max_num_queued_tokens", "8k", "0.33.0", ""),
        ("seed", 1.0, "0.32.0", "write 1"),
        ("seed", "None", "0.32.0", "takes a whole number"),
        ("seed", "", "0.32.0", "takes a whole number"),
        ("seed", "1_000", "0.32.0", ""),
        ("seed", "1_", "0.32.0", "takes a whole number"),
        ("gpu_memory_utilization", "90%", "0.32.0", "takes a number"),
        ("gpu_memory_utilization", "0.9", "0.32.0", ""),
        ("gpu_memory_utilization", 1, "0.32.0", ""),
        # Words of a fixed list.
        ("dtype", "bogus", "0.32.0", "takes one of auto, bfloat16"),
        ("dtype", "bfloat16", "0.32.0", ""),
        ("kv_cache_dtype", "nvfp4", "0.32.0", ""),
        ("kv_cache_dtype", "nvfp4", "0.11.0", "takes one of"),
        ("kv_cache_dtype", "fp8_e4", "0.32.0", "more (did you mean fp8_e4m3?)"),
        ("moe_backend", "Flashinfer-Cutlass", "0.33.0", ""),
        ("quantization", "my_plugin", "0.33.0", ""),
        ("all2all_backend", "passthrough", "0.33.0", "takes one of"),
        # Words that the parser would take for options.
        ("chat_template", "-x", "0.32.0", ""),
        ("logits_processors", ["-x"], "0.32.0", ""),
        ("logits_processors", ["a", "-x"], "0.32.0", "begins with a dash"),
    ],
)
def test_shapes_of_values(name, value, version, fault):
    assert fault in flags.misfit(name, value, version)
    assert bool(flags.misfit(name, value, version)) is bool(fault)


@pytest.mark.parametrize(
    ("name", "version", "words"),
    [
        ("swap-space", "0.20.0", "kv_offloading_size"),
        ("disable_log_requests", "0.20.0", "enable_log_requests"),
        ("task", "0.32.0", "runner and convert"),
        ("kv-rank", "0.8.5", "a key inside kv_transfer_config"),
        ("kv-transfer-config.kv_rank", "0.32.0", "kv_role"),
        ("kv-transfer-config.kv_connector", "0.8.5", "whole value"),
        ("max-model-len.x", "0.32.0", "takes no keys"),
        ("tp", "0.32.0", "write tensor_parallel_size"),
        ("max_modl_len", "0.32.0", "max_model_len"),
        ("calculate-kv-scales", "0.32.0", "0.7.0 to 0.27.1"),
        ("nnodes", "0.11.0", "0.11.1 or later"),
        ("enable-bf16x3-router-gemm", "0.25.1", "0.26.0 to 0.29.0"),
        ("no-calculate-kv-scales", "0.32.0", "0.7.0 to 0.27.1"),
        ("no-headless", "0.32.0", "headless has no opposite"),
        ("disable-prefix-caching", "0.32.0", "enable_prefix_caching: false"),
        ("utterly-different", "0.32.0", "--help=all"),
    ],
)
def test_advice_leads_on(name, version, words):
    assert words in flags.advice(name, version)


def test_what_it_is_called_now_and_since_when():
    gone = flags.find("swap_space", "0.20.0")
    assert (gone.valid, gone.known, gone.now) == (False, True, {"flags": ("kv-offloading-size",)})
    here = flags.find("enable-chunked-prefill", "0.8.5")
    assert (here.since, here.until) == ("0.7.0", None), "a change of kind is no end"
    passing = flags.find("disable-log-requests", "0.9.0")
    assert (passing.since, passing.until) == ("0.7.0", "0.17.0")
    assert not flags.find("enable-prometheus", "0.20.0").known


def test_every_spelling_of_every_option_is_taken():
    for release in tables.sampled():
        for name in flags.names(release):
            assert name in flags.spellings(name, release)
            for spelling in flags.spellings(name, release):
                assert flags.accepts(spelling, release), (spelling, release)
                assert flags.kind(spelling, release) == flags.kind(name, release)


def test_a_large_plan_asks_quickly():
    names = flags.names(tables.newest())
    flags.accepts(names[0], "0.32.0")
    start = time.process_time()
    for _round in range(100):
        for name in names:
            flags.accepts(name, "0.32.0")
    assert time.process_time() - start < 2, "about 35,000 questions, as 1,000 services of 35 options ask"
