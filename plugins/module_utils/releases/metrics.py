# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The metrics of a release, by the names that a scrape of /metrics shows."""

from __future__ import annotations

import typing as t

from . import timelines
from .standing import Standing, standing

#: One quantity, its names through the releases: a dashboard for all of them joins them with ``or``.
QUANTITIES: t.Mapping[str, tuple[str, ...]] = {
    "kv_cache_usage": ("vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"),
    "prefix_cache_hits": ("vllm:prefix_cache_hits_total", "vllm:gpu_prefix_cache_hits_total"),
    "prefix_cache_queries": ("vllm:prefix_cache_queries_total", "vllm:gpu_prefix_cache_queries_total"),
    "requests_running": ("vllm:num_requests_running",),
    "requests_waiting": ("vllm:num_requests_waiting",),
    "prompt_tokens": ("vllm:prompt_tokens_total",),
    "generation_tokens": ("vllm:generation_tokens_total",),
    "time_between_tokens": ("vllm:inter_token_latency_seconds", "vllm:time_per_output_token_seconds"),
}


def names(version: str) -> list[str]:
    """What a server of this release shows unless told otherwise; those of connectors only where one is in use.

    A histogram is scraped as three series, with ``_bucket``, ``_count`` and ``_sum`` after its name.
    """
    return sorted(name for name, line in _lines().items() if (line.at(version) or "").endswith(" shown"))


def kind(name: str, version: str) -> str | None:
    """``counter``, ``gauge`` or ``histogram``; None where the release has no such metric."""
    return _part(name, version, 0)


def state(name: str, version: str) -> str | None:
    """How the metric can be had.

    ``shown``; ``hidden`` (comes back with show_hidden_metrics_for_version); ``v0`` or ``v1`` (only with that engine,
    which is not the release's default); None: not at all.
    """
    return _part(name, version, 1)


def of(quantity: str, version: str) -> str | None:
    """The name that a quantity of QUANTITIES has in the release, None where it is not shown. Raises KeyError."""
    return next((name for name in QUANTITIES[quantity] if state(name, version) == "shown"), None)


def find(name: str, version: str) -> Standing:
    """How a metric stands in the release; hidden ones are valid."""
    return standing(name, version, _lines(), "metrics", "leave it out: no release shows it")


def _lines() -> t.Mapping[str, timelines.Timeline]:
    return timelines.timelines("metrics", "metrics")


def _part(name: str, version: str, place: int) -> str | None:
    value = _lines().get(name, timelines.NEVER).at(version)
    return None if value is None else str(value).split()[place]
