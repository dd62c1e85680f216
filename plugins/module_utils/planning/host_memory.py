# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the weights and caches of engines on the CPU fit into their hosts' own memory."""

from __future__ import annotations

import math
import typing as t

from ..models import kv_cache, memory
from ..models.errors import ModelError
from ..releases import versions
from . import layout
from .devices import Probe
from .errors import Refusals
from .options import Options
from .placement import Engine

_GIB = 2**30
#: More than this share of the memory leaves the system and the engines' own work too little.
_TIGHT = 0.85
#: v1/worker/cpu_worker.py: from this release on an engine does not start without the memory that it is told to take.
_SPACE_KEPT_SINCE = "0.20.0"
_SPACE = "VLLM_CPU_KVCACHE_SPACE"
#: platforms/cpu.py: the cache of a rank that is told nothing. First so many bytes, from one release on this share of a
#: NUMA node's memory, and since _SPACE_KEPT_SINCE what weights leave of gpu_memory_utilization of the node.
_SMALL, _SHARE, _SHARE_SINCE = 4 * _GIB, 0.5, "0.13.0"


class _Needs(t.NamedTuple):
    """What one engine wants on one host: bytes of the weights and of the cache of one request, of each rank there.

    told: cache of a rank as a person wrote it, None where nobody did, 0 for what is no number.
    """

    engine: Engine
    weights: tuple[int, ...]
    requests: tuple[int, ...]
    told: int | None

    @property
    def cache(self) -> int:
        """What its caches will likely take."""
        return max(sum(self.requests), (self.told or 0) * len(self.weights))

    @property
    def certain(self) -> int:
        """What it does not run without."""
        kept = versions.parse(self.engine.service["version"]) >= versions.parse(_SPACE_KEPT_SINCE)
        return sum(self.weights) + (self.cache if kept else sum(self.requests))


def check(engines: t.Sequence[Engine], probes: t.Mapping[str, Probe], refusals: Refusals) -> None:
    """Refuse hosts that cannot hold all of their engines, warn where it is close. Unknown models do not count."""
    by_host: dict[str, list[_Needs]] = {}
    for engine in engines:
        for index, host in enumerate(engine.hosts if engine.accelerator == "cpu" else ()):
            needs = _needs(engine, index)
            if needs is not None and (probes.get(host) or {}).get("memory_bytes"):
                by_host.setdefault(host, []).append(needs)
    for host, all_needs in by_host.items():
        probe = probes[host] or {}
        if _fits(host, all_needs, int(probe["memory_bytes"]), refusals):
            for needs in all_needs:
                _check_cache(host, needs, probe, refusals)


def _needs(engine: Engine, index: int) -> _Needs | None:
    """What the ranks of one of the engine's hosts hold, as far as it is known."""
    known, parallel, options = engine.known, engine.parallel, Options(engine.service)
    facts = known.counted
    if facts is None:
        return None
    settings = layout.settings_of(known, parallel)
    try:
        weights = memory.weights_per_rank(facts, settings)
        requests = [each.least for each in kv_cache.per_stage(facts, settings, settings.batched_tokens(0))]
    except ModelError:
        return None  # what no engine can have is refused elsewhere
    first = index * engine.ranks_per_host
    ranks = range(first, first + engine.ranks_per_host)
    stages = [rank // parallel["tensor"] % parallel["pipeline"] for rank in ranks]
    written = options.env.get(_SPACE, "0" if options.sets(_SPACE) else "").strip()
    told = (int(written) * _GIB if written.isdecimal() and len(written) < 7 else 0) if written else None
    return _Needs(
        engine,
        tuple(weights[stage] for stage in stages),
        tuple(0 if known.fit_length else requests[stage] for stage in stages),
        told,
    )


def _fits(host: str, all_needs: t.Sequence[_Needs], size: int, refusals: Refusals) -> bool:
    """Whether the host holds all of its engines."""
    certain, weights = sum(need.certain for need in all_needs), sum(sum(need.weights) for need in all_needs)
    likely = weights + sum(need.cache for need in all_needs)
    largest = max(all_needs, key=lambda need: sum(need.weights) + need.cache)
    service, options = largest.engine.service, Options(largest.engine.service)
    told = " + ".join(
        f"{sum(need.weights) / _GIB:.1f} GiB weights and {need.cache / _GIB:.1f} GiB cache of engine {need.engine.name}"
        for need in all_needs[:3]
    ) + (f" + {len(all_needs) - 3} more engines" if len(all_needs) > 3 else "")
    told += f" on host {host}, which has {size / _GIB:.1f} GiB of memory"
    ways = ["use a smaller or more quantized model"]
    if weights < _TIGHT * size and largest.cache:
        larger = largest.cache > sum(largest.requests)
        ways.insert(0, f"lower {options.env_path(_SPACE) if larger else options.path('max-model-len')}")
    if len(all_needs) > 1:
        ways.append(f"move an engine from {host}")
    fix = f"{', '.join(ways)}, or use hosts with {math.ceil(likely / _TIGHT / _GIB)} GiB or more"
    if certain > size:
        rule = f"does not fit into the host's memory: {told}"
        refusals.add("host-memory", f"{service.path}.model", service["model"], rule, fix)
    elif likely > _TIGHT * size:
        message = f"{told}: little is left for the engine's own work and the system"
        refusals.warn("host-memory-tight", f"{service.path}.model", message, fix)
    return certain <= size


def _check_cache(host: str, needs: _Needs, probe: t.Mapping[str, t.Any], refusals: Refusals) -> None:
    """Refuse a cache in which one request of full length has no room: the engine ends with that at start."""
    options, service = Options(needs.engine.service), needs.engine.service
    nodes = [int(node.get("memory_bytes") or 0) for node in probe.get("numa") or ()]
    node = max(nodes, default=0) or int(probe["memory_bytes"])
    weights, request = max(zip(needs.weights, needs.requests), key=sum)
    version = versions.parse(service["version"])
    if needs.told is not None:
        room, why = needs.told or request, f"{options.env_path(_SPACE)} gives a rank"
    elif version < versions.parse(_SHARE_SINCE):
        room, why = _SMALL, f"vLLM {service['version']} gives a rank"
    elif version < versions.parse(_SPACE_KEPT_SINCE):
        room = int(_SHARE * int(probe["memory_bytes"]) / max(1, len(nodes)))
        why = f"vLLM {service['version']} gives a rank, half of a NUMA node's memory,"
    else:
        share = needs.engine.known.settings.share()
        room = max(0, int(share * node) - weights)
        why = f"{weights / _GIB:.1f} GiB of weights leave of {share:g} of a NUMA node ({node / _GIB:.1f} GiB)"
    if request <= room:
        return
    length = options.path("max-model-len")
    rule = f"one request of full length takes {request / _GIB:.1f} GiB of cache on host {host}, more than the "
    rule += f"{room / _GIB:.1f} GiB that {why}"
    space = f"set {options.env_path(_SPACE)} to {math.ceil(request / _GIB)}, or "
    possible = weights + math.ceil(request / _GIB) * _GIB <= _TIGHT * node
    fix = f"{space if possible else ''}lower {length}" if room else f"{space}use hosts with larger NUMA nodes"
    if not room and not possible:
        fix = f"divide the model (parallel: {{tensor: {2 * needs.engine.parallel['tensor']}}}), or use a smaller one"
    refusals.add("host-cache-small", length, options.get("max-model-len"), rule, fix)
