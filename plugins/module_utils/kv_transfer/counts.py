# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an engine's /metrics says of where prompts' tokens came from."""

from __future__ import annotations

import dataclasses
import math
import typing as t

from ..clients.prometheus import Sample, Scrape
from .knowledge import Expectation, Series

#: From this release on engines count what connectors bring.
COUNTED_SINCE = "0.11.1"
#: What is read of every engine.
PROMPT = Series("vllm:prompt_tokens_total", "0.7.0")
EXTERNAL = Series("vllm:external_prefix_cache_hits_total", "0.11.1")
SOURCES = Series("vllm:prompt_tokens_by_source_total", "0.16.0")
CACHED = Series("vllm:prefix_cache_hits_total", "0.9.2")
BLOCKS = "vllm:cache_config_info"
ACTIVE = ("vllm:num_requests_running", "vllm:num_requests_waiting")


@dataclasses.dataclass(frozen=True)
class Counts:
    """Of one engine, all its ranks together; tokens since its start, or between two looks (``since``).

    prompt: of all prompts. computed: by the engine itself. cached: from its own prefix cache. external: by its
    connector. None: the page does not show it. moved: bytes. transfers: how many. failed, expired: by their names.
    block: tokens of a block of its cache. derived: whether computed is what came from nowhere else, which is true of
    requests that are done. active: requests that are not done.
    """

    prompt: float | None = None
    computed: float | None = None
    cached: float | None = None
    external: float | None = None
    moved: float | None = None
    transfers: float | None = None
    failed: t.Mapping[str, float] = dataclasses.field(default_factory=dict)
    expired: t.Mapping[str, float] = dataclasses.field(default_factory=dict)
    block: int | None = None
    derived: bool = False
    active: float = 0.0

    @property
    def complete(self) -> bool:
        """Whether the page tells what the proof needs."""
        return None not in (self.prompt, self.computed, self.external)

    def since(self, before: Counts) -> Counts:
        """What was added. A series that was not there before is counted from 0: some are made by their first use."""
        return Counts(
            **{name: _less(getattr(self, name), getattr(before, name)) for name in _NUMBERS},
            failed=_added(self.failed, before.failed),
            expired=_added(self.expired, before.expired),
            block=self.block,
            derived=self.derived,
            active=self.active,
        )

    @property
    def restarted(self) -> bool:
        """Whether a difference can only come from an engine that began to count anew."""
        return any((getattr(self, name) or 0) < 0 for name in _NUMBERS)


_NUMBERS = ("prompt", "computed", "cached", "external", "moved", "transfers")


def together(pages: t.Sequence[Counts]) -> Counts:
    """Counts of several servers as one; what one does not show is not known of all."""
    blocks = [page.block for page in pages if page.block]
    return Counts(
        **{name: _total([getattr(page, name) for page in pages]) for name in _NUMBERS},
        failed=_joined([page.failed for page in pages]),
        expired=_joined([page.expired for page in pages]),
        block=max(blocks) if blocks else None,
        derived=any(page.derived for page in pages),
        active=math.fsum(page.active for page in pages),
    )


def read(scrape: Scrape, expected: Expectation) -> Counts:
    """The counts of a page."""
    prompt = _sum(scrape.samples(PROMPT.name))
    sources = scrape.samples(SOURCES.name)
    hits = _sum(scrape.samples(EXTERNAL.name))
    cached = _sum(scrape.samples(CACHED.name))
    by_source = {
        source: _sum([sample for sample in sources if sample.labels.get("source") == source])
        for source in ("local_compute", "local_cache_hit", "external_kv_transfer")
    }
    told = [value for value in (by_source["external_kv_transfer"], hits) if value is not None]
    external = max(told) if told else None
    computed = by_source["local_compute"]
    derived = computed is None
    if computed is None and prompt is not None and external is not None:
        computed = max(0.0, prompt - (cached or 0) - external)
    return Counts(
        prompt=prompt,
        computed=computed,
        cached=by_source["local_cache_hit"] if by_source["local_cache_hit"] is not None else cached,
        external=external,
        moved=_of(scrape, expected.bytes),
        transfers=_of(scrape, expected.transfers),
        failed=_named(scrape, expected.failed),
        expired=_named(scrape, expected.expired),
        block=_block(scrape.samples(BLOCKS)),
        derived=derived,
        active=math.fsum(_sum(scrape.samples(name)) or 0.0 for name in ACTIVE),
    )


def _block(samples: t.Sequence[Sample]) -> int | None:
    sizes = [sample.labels.get("block_size", "") for sample in samples]
    return max((int(size) for size in sizes if size.isdigit() and int(size)), default=None)


def _of(scrape: Scrape, series: t.Sequence[Series]) -> float | None:
    return _total([value for value in (_sum(scrape.samples(item.name)) for item in series) if value is not None])


def _named(scrape: Scrape, series: t.Sequence[Series]) -> dict[str, float]:
    found = {item.name: _sum(scrape.samples(item.name)) for item in series}
    return {name: value for name, value in found.items() if value is not None}


def _sum(samples: t.Sequence[Sample]) -> float | None:
    values = [sample.value for sample in samples if math.isfinite(sample.value)]
    return math.fsum(values) if values else None


def _total(values: t.Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) if known and len(known) == len(values) else None


def _joined(groups: t.Sequence[t.Mapping[str, float]]) -> dict[str, float]:
    names = dict.fromkeys(name for group in groups for name in group)
    return {name: math.fsum(group.get(name, 0.0) for group in groups) for name in names}


def _less(after: float | None, before: float | None) -> float | None:
    return None if after is None else after - (before or 0.0)


def _added(after: t.Mapping[str, float], before: t.Mapping[str, float]) -> dict[str, float]:
    return {name: value - before.get(name, 0.0) for name, value in after.items()}
