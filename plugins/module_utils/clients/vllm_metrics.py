# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a vLLM server's /metrics says of its load, under the names of any release."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from .prometheus import Sample, Scrape


class Load(NamedTuple):
    """Sums over the engines behind one page (data parallel ranks). None: the page does not have it.

    running, waiting: requests now. kv_cache_usage: of the fullest engine, 0 to 1. prefix_hits, prefix_queries:
    tokens found in the prefix cache, and asked of it. prompt_tokens, generation_tokens: done since the start.
    engines: how many the page shows.
    """

    running: float | None
    waiting: float | None
    kv_cache_usage: float | None
    prefix_hits: float | None
    prefix_queries: float | None
    prompt_tokens: float | None
    generation_tokens: float | None
    engines: int


def load(scrape: Scrape, names: Mapping[str, Sequence[str]]) -> Load:
    """The load that a page shows.

    names: by quantity, the names that releases gave it, best first (``QUANTITIES`` of releases.metrics). Where a
    page shows several, as releases do that rename one, the first counts. Fetch the page without an Accept header:
    asked for OpenMetrics alone, prometheus_client 0.26 writes vllm_ for vllm: in the names.
    """

    def samples(quantity: str) -> list[Sample]:
        return next((found for found in map(scrape.samples, names[quantity]) if found), [])

    def total(quantity: str) -> float | None:
        values = _known(samples(quantity))
        return math.fsum(values) if values else None

    # Pages of 0.7 and older name no engine: there is one.
    engines = {sample.labels.get("engine", "") for sample in samples("requests_running")}
    return Load(
        running=total("requests_running"),
        waiting=total("requests_waiting"),
        kv_cache_usage=max(_known(samples("kv_cache_usage")), default=None),
        prefix_hits=total("prefix_cache_hits"),
        prefix_queries=total("prefix_cache_queries"),
        prompt_tokens=total("prompt_tokens"),
        generation_tokens=total("generation_tokens"),
        engines=len(engines),
    )


def _known(samples: list[Sample]) -> list[float]:
    return [sample.value for sample in samples if math.isfinite(sample.value)]
