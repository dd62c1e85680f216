# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages of several releases -> where prompts' tokens came from."""

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.clients import prometheus
from ansible_collections.vllm.cluster.plugins.module_utils.kv_transfer import counts, knowledge
from ansible_collections.vllm.cluster.plugins.module_utils.releases import metrics, tables, versions

NIXL = knowledge.expect("NixlConnector", (), "0.32.0")

OLDEST = """\
vllm:prompt_tokens_total{model_name="m"} 900.0
vllm:cache_config_info{block_size="16",cache_dtype="auto"} 1.0
"""
#: 0.11.1 to 0.15: hits of caches, no sources.
HITS = """\
vllm:cache_config_info{block_size="32",engine="0"} 1.0
vllm:prompt_tokens_total{engine="0",model_name="m"} 900.0
vllm:prefix_cache_hits_total{engine="0",model_name="m"} 100.0
vllm:external_prefix_cache_hits_total{engine="0",model_name="m"} 700.0
vllm:num_requests_running{engine="0",model_name="m"} 1.0
vllm:num_requests_waiting{engine="0",model_name="m"} 2.0
vllm:nixl_bytes_transferred_sum{engine="0"} 4096.0
vllm:nixl_xfer_time_seconds_count{engine="0"} 3.0
vllm:nixl_num_failed_transfers_total{engine="0"} 0.0
"""
SOURCES = """\
vllm:cache_config_info{block_size="None",engine="0"} 1.0
vllm:cache_config_info{block_size="128",engine="1"} 1.0
vllm:prompt_tokens_total{engine="0"} 600.0
vllm:prompt_tokens_total{engine="1"} 400.0
vllm:external_prefix_cache_hits_total{engine="0"} 500.0
vllm:prompt_tokens_by_source_total{engine="0",source="local_compute"} 50.0
vllm:prompt_tokens_by_source_total{engine="1",source="local_compute"} 350.0
vllm:prompt_tokens_by_source_total{engine="0",source="local_cache_hit"} 100.0
vllm:prompt_tokens_by_source_total{engine="0",source="external_kv_transfer"} 450.0
vllm:nixl_num_kv_expired_reqs_total{engine="0"} 2.0
"""


def read(text, expected=NIXL):
    return counts.read(prometheus.read(text), expected)


def test_the_oldest_tell_nothing_of_the_proof():
    found = read(OLDEST)
    assert found == counts.Counts(prompt=900, block=16, derived=True)
    assert not found.complete


def test_hits_alone_leave_the_rest_to_the_engine():
    found = read(HITS)
    assert (found.prompt, found.computed, found.cached, found.external) == (900, 100, 100, 700)
    assert (found.moved, found.transfers, found.block, found.derived, found.active) == (4096, 3, 32, True, 3)
    assert found.failed == {"vllm:nixl_num_failed_transfers_total": 0}
    assert found.complete


def test_sources_are_read_of_all_ranks():
    found = read(SOURCES)
    assert (found.prompt, found.computed, found.cached, found.external) == (1000, 400, 100, 500)
    assert (found.block, found.derived, found.moved) == (128, False, None)
    assert found.expired == {"vllm:nixl_num_kv_expired_reqs_total": 2}


def test_counters_of_other_connectors_are_not_read():
    found = read(HITS, knowledge.expect("ExampleConnector", (), "0.32.0"))
    assert (found.moved, found.transfers, found.failed) == (None, None, {})


@pytest.mark.parametrize("text", ["", "<html>", "vllm:prompt_tokens_total NaN\n"])
def test_unknown_is_not_zero(text):
    assert read(text).prompt is None


def test_a_difference_begins_at_zero_for_what_was_not_there():
    before = counts.Counts(prompt=10, computed=10, failed={"a": 1})
    after = counts.Counts(prompt=15, computed=12, external=3, moved=8, failed={"a": 1, "b": 2}, block=16)
    added = after.since(before)
    assert (added.prompt, added.computed, added.external, added.moved, added.cached) == (5, 2, 3, 8, None)
    assert (added.failed, added.block, added.restarted) == ({"a": 0, "b": 2}, 16, False)
    assert before.since(after).restarted


def test_servers_of_one_engine_are_added():
    one = counts.Counts(prompt=1, computed=1, cached=0, external=0, failed={"a": 1}, block=16)
    both = counts.together([one, dataclasses.replace(one, moved=5, block=32)])
    assert (both.prompt, both.moved, both.failed, both.block) == (2, None, {"a": 2}, 32)


def _series():
    own = [counts.PROMPT, counts.EXTERNAL, counts.SOURCES, counts.CACHED]
    return {*own, *(series for known in knowledge.CONNECTORS.values() for series in _told(known))}


def _told(known):
    return (*known.bytes, *known.transfers, *known.failed, *known.expired)


@pytest.mark.parametrize("series", sorted(_series()))
def test_names_and_releases_are_those_of_the_table(series):
    name = series.name.removesuffix("_sum").removesuffix("_count")
    known = next(found for found in (name, series.name) if metrics.state(found, tables.newest()) is not None)
    shown = [release for release in tables.sampled() if metrics.state(known, release) == "shown"]
    assert shown[0] == series.since
    assert shown[-1] == tables.newest()


def test_the_first_release_that_counts_what_comes():
    assert counts.EXTERNAL.since == counts.COUNTED_SINCE
    assert versions.parse(counts.COUNTED_SINCE) < versions.parse(counts.SOURCES.since)
