# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GPU memory that somebody else holds. An engine that finds less free than its share at start ends at once."""

from __future__ import annotations

import math
import typing as t

from ..releases import runtimes, versions
from .capability import gpus_of
from .devices import Probe
from .errors import Refusals
from .intent import Service
from .options import Options
from .placement import Engine
from .wording import some

_GIB = 2**30
#: v1/worker/gpu_worker.py, init_device; v1/worker/utils.py, request_memory: the first release that looks, V1 alone.
_LOOKS_SINCE = "0.9.1"
#: What CUDA itself takes of the free memory before vLLM looks.
_CONTEXT = 3 * _GIB // 4
_OURS = "vllm-"
#: No engine does with less of a GPU.
_LEAST_SHARE = 0.1


def check(service: Service, engines: t.Sequence[Engine], probes: t.Mapping[str, Probe], refusals: Refusals) -> None:
    """Refuse GPUs of which less is free than the engine's share. What an engine of ours may hold does not count."""
    options = Options(service)
    share = options.number("gpu-memory-utilization") or runtimes.gpu_memory_utilization(service["version"])
    early = versions.parse(service["version"]) < versions.parse(_LOOKS_SINCE)
    if early or not 0 < share <= 1 or options.env.get("VLLM_USE_V1") == "0":
        return
    short: dict[str, tuple[int, int]] = {}
    for engine in engines:
        for host, gpus in gpus_of(engine, probes).items():
            if engine.grants:
                short.update(_short(host, [gpu for gpu in gpus if not _ours(gpu, probes.get(host))], share))
    if not short:
        return
    told = [f"{free / _GIB:.1f} of {total / _GIB:.1f} GiB of {name}" for name, (free, total) in short.items()]
    rule = f"the engine takes {share:g} of a GPU's memory and does not start where less is free: {some(told)} are"
    fits = min(math.floor(100 * (free - _CONTEXT) / total) / 100 for free, total in short.values())
    enough = fits >= _LEAST_SHARE and all(_holds(engine, fits) for engine in engines)
    lower = f", or set {options.path('gpu-memory-utilization')} to {fits:g}" if enough else ""
    fix = f"end what holds it (nvidia-smi), or name other GPUs in {service.path}.devices{lower}"
    key = "devices" if service["devices"] is not None else "hosts"
    value = list(service["devices"]) if service["devices"] is not None else list(service.hosts)
    refusals.add("gpu-memory-held", f"{service.path}.{key}", value, rule, fix)


def _holds(engine: Engine, share: float) -> bool:
    """Whether the model would still fit."""
    fit = engine.fit
    return fit is None or fit.weights + fit.overhead.total + fit.kv <= share * fit.gpu_memory


def _short(host: str, gpus: t.Sequence[t.Mapping[str, t.Any]], share: float) -> dict[str, tuple[int, int]]:
    """(free, all that CUDA sees) of the GPUs that have too little, by what to call them.

    What the driver keeps for itself is neither free nor used, and not part of what the engine takes its share of.
    """
    found = {}
    for gpu in gpus:
        free, used, size = (gpu.get(f"memory_{part}bytes") for part in ("free_", "used_", ""))
        if free is None or not size:
            continue
        total = min(size, free + used) if used is not None else size
        if total and free < total * share:
            found[f"GPU {gpu.get('index')} of {host}"] = free, total
    return found


def _ours(gpu: t.Mapping[str, t.Any], probe: Probe) -> bool:
    """Whether an engine of ours may hold the GPU's memory: its restart frees it.

    Where the probe sees no process of ours on any GPU although units of ours listen, they may be hidden from it.
    """
    if _of_units(gpu.get("processes")):
        return True
    visible = any(_of_units(other.get("processes")) for other in (probe or {}).get("gpus") or ())
    return not visible and _of_units((probe or {}).get("listeners"))


def _of_units(items: t.Iterable[t.Mapping[str, t.Any]] | None) -> bool:
    return any(str(item.get("unit") or "").startswith(_OURS) for item in items or ())
