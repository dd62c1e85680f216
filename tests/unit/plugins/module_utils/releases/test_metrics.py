# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.releases import metrics, tables


@pytest.mark.parametrize(
    ("name", "version", "state"),
    [
        ("vllm:kv_cache_usage_perc", "0.9.1", None),
        ("vllm:kv_cache_usage_perc", "0.9.2", "shown"),
        ("vllm:gpu_cache_usage_perc", "0.10.2", "shown"),
        ("vllm:gpu_cache_usage_perc", "0.11.0", "hidden"),
        ("vllm:gpu_cache_usage_perc", "0.12.0", None),
        ("vllm:gpu_prefix_cache_hits_total", "0.7.3", "v1"),
        ("vllm:num_requests_swapped", "0.7.0", "shown"),
        ("vllm:num_requests_swapped", "0.8.0", "v0"),
        ("vllm:time_per_output_token_seconds", "0.14.1", "hidden"),
        ("vllm:time_per_output_token_seconds", "0.15.0", None),
    ],
)
def test_states(name, version, state):
    assert metrics.state(name, version) == state
    assert metrics.find(name, version).valid is (state is not None)


def test_counters_are_named_as_they_are_scraped():
    for name in metrics.names("0.33.0"):
        assert (metrics.kind(name, "0.33.0") == "counter") <= name.endswith("_total"), name
    assert metrics.kind("vllm:iteration_tokens_total", "0.33.0") == "histogram"


@pytest.mark.parametrize("quantity", sorted(metrics.QUANTITIES))
def test_every_quantity_has_a_name_in_every_release_that_counts_it(quantity):
    first = {"prefix_cache_hits": "0.8.0", "prefix_cache_queries": "0.8.0"}.get(quantity, "0.7.0")
    for release in tables.sampled()[tables.sampled().index(first) :]:
        assert metrics.of(quantity, release) in metrics.QUANTITIES[quantity], release


def test_the_present_name_is_preferred():
    assert metrics.of("kv_cache_usage", "0.10.2") == "vllm:kv_cache_usage_perc"
    assert metrics.of("kv_cache_usage", "0.9.1") == "vllm:gpu_cache_usage_perc"
    assert metrics.of("prefix_cache_hits", "0.7.0") is None


def test_only_what_is_shown_counts(monkeypatch):
    assert "vllm:gpu_cache_usage_perc" not in metrics.names("0.11.0")
    assert "vllm:num_requests_swapped" not in metrics.names("0.8.0")
    monkeypatch.setattr(metrics, "QUANTITIES", {"x": ("vllm:gpu_cache_usage_perc",)})
    assert metrics.of("x", "0.10.2") == "vllm:gpu_cache_usage_perc"
    assert metrics.of("x", "0.11.0") is None


def test_advice():
    assert "vllm:kv_cache_usage_perc" in metrics.find("vllm:gpu_cache_usage_perc", "0.33.0").advice
