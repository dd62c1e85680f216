# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of vLLM's /metrics page the guard needs: a few counters and gauges of each engine core."""

from __future__ import annotations

import math
import re

from .model import Page

#: What grows, or changes, whenever an engine core works. Present from vLLM 0.9; older pages have some of them.
_MOVES = (
    "vllm:generation_tokens_total",
    "vllm:prompt_tokens_total",
    "vllm:iteration_tokens_total_count",
    "vllm:request_success_total",
    "vllm:kv_cache_usage_perc",
    "vllm:gpu_cache_usage_perc",
)
_RUNNING = "vllm:num_requests_running"
_SLEEP = "vllm:engine_sleep_state"
_NAMES = {*_MOVES, _RUNNING, _SLEEP}

_SAMPLE = re.compile(r"([A-Za-z_:][A-Za-z0-9_:]*)(?:\{(.*)\})?[ \t]+(\S+)(?:[ \t]+\S+)?[ \t]*")
_ENGINE = re.compile(r'(?:^|,)\s*engine="([^"]*)"')
_AWAKE = re.compile(r'(?:^|,)\s*sleep_state="awake"')


def read(text: str) -> dict[str, Page]:
    """The engine cores of a page by their label, "" where a release has none; {} without vLLM's counters."""
    moves: dict[str, dict[str, float]] = {}
    running: dict[str, float] = {}
    asleep: set[str] = set()
    for line in text.split("\n"):
        # Most of a page is histograms' buckets: told apart before the costlier match.
        if not line.startswith("vllm:") or line.partition("{")[0].partition(" ")[0] not in _NAMES:
            continue
        found = _SAMPLE.fullmatch(line.rstrip("\r"))
        value = _number(found[3]) if found else None
        if found is None or value is None:
            continue
        name, labels = found[1], found[2] or ""
        label = _ENGINE.search(labels)
        core = label[1] if label else ""
        if name == _RUNNING:
            running[core] = running.get(core, 0.0) + value
        elif name == _SLEEP:
            if _AWAKE.search(labels) and value == 0:
                asleep.add(core)
        else:
            of_core = moves.setdefault(core, dict.fromkeys(_MOVES, 0.0))
            of_core[name] += value
    return {
        core: Page(tuple(counters.values()), running.get(core, 0.0), core in asleep) for core, counters in moves.items()
    }


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
