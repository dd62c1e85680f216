# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The load that /metrics shows, with the names that releases have used.

The recorded pages belong to other projects, so they stand beside this checkout and are not part of this one.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.clients import prometheus, vllm_metrics
from ansible_collections.vllm.cluster.plugins.module_utils.releases import metrics

CORPUS = Path(__file__).resolve().parents[6] / "shared" / "corpus" / "vllm-metrics"
FILES = sorted(path.name for path in CORPUS.glob("*.txt"))

needs_corpus = pytest.mark.skipif(not FILES, reason="the collection of real outputs is not beside this checkout")


def load(text):
    return vllm_metrics.load(prometheus.read(text), metrics.QUANTITIES)


def test_data_parallel_engines_are_added():
    found = load(
        'vllm:num_requests_running{engine="0"} 3\nvllm:num_requests_running{engine="1"} 4\n'
        'vllm:num_requests_waiting{engine="0"} 0\nvllm:num_requests_waiting{engine="1"} 7\n'
        'vllm:kv_cache_usage_perc{engine="0"} 0.25\nvllm:kv_cache_usage_perc{engine="1"} 0.75\n'
        'vllm:prompt_tokens_total{engine="0"} 10\nvllm:prompt_tokens_total{engine="1"} 1e3\n'
    )
    assert found == vllm_metrics.Load(7, 7, 0.75, None, None, 1010, None, 2)


def test_the_name_of_today_counts_where_a_page_has_both():
    page = "vllm:gpu_cache_usage_perc 0.1\nvllm:gpu_prefix_cache_hits_total 5\nvllm:gpu_prefix_cache_queries_total 9\n"
    assert load(page)[2:5] == (0.1, 5, 9)
    page += "vllm:kv_cache_usage_perc 0.2\nvllm:prefix_cache_hits_total 6\nvllm:prefix_cache_queries_total 11\n"
    assert load(page)[2:5] == (0.2, 6, 11)


def test_openmetrics_names_counters_without_their_end():
    assert load("# TYPE vllm:prompt_tokens counter\nvllm:prompt_tokens_total 3\n# EOF\n").prompt_tokens == 3


@pytest.mark.parametrize(
    "text", ["", "# TYPE vllm:num_requests_running gauge\n", "<html>", "vllm:num_requests_running NaN\n"]
)
def test_unknown_is_not_zero(text):
    assert load(text)[:-1] == (None,) * 7


#: By the number of the file: families, samples, prompt and generation tokens, prefix cache hits and queries.
READ = {
    "001": (16, 60, 14025, 58149, None, None),
    "002": (86, 405, 0, 0, 0, 0),
    "004": (82, 400, 0, 0, 0, 0),
    "005": (86, 430, 2175482, 158548, 224, 2831523),
    "007": (81, 402, 24, 400, 0, 24),
    "009": (3, 3, None, None, None, None),
    "010": (14, 29, 148, 955, None, None),
}


@needs_corpus
def test_every_file_is_in_the_table():
    assert {name[:3] for name in FILES} == set(READ)


@needs_corpus
@pytest.mark.parametrize("name", FILES)
def test_recorded_pages(name):
    text = (CORPUS / name).read_bytes().decode()
    scrape = prometheus.read(text)
    assert scrape.warnings == ([] if text.endswith("\n") else ["the last line has no end: it may be cut"])
    samples = [sample for family in scrape.families.values() for sample in family.samples]
    assert len(samples) == sum(bool(line) and not line.startswith("#") for line in text.split("\n"))
    assert all(family.type != "untyped" for family in scrape.families.values())
    found = vllm_metrics.load(scrape, metrics.QUANTITIES)
    assert (len(scrape.families), len(samples), *found[5:7], *found[3:5]) == READ[name[:3]]
    assert (found.running, found.waiting, found.engines) == (0, 0, 1)
    assert found.kv_cache_usage == (None if name.startswith("009") else 0)
