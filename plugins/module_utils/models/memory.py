# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a model fits into the memory of GPUs, and on how few it does."""

from __future__ import annotations

import dataclasses
import typing as t

from . import kv_cache, overhead, parallelism
from .config import Bytes, ModelFacts
from .errors import ModelError
from .overhead import Overhead
from .settings import GIB, Settings


@dataclasses.dataclass(frozen=True)
class Fit:
    """What one GPU of the fullest pipeline stage holds, in bytes.

    budget: what the engine may take. kv: of settings.concurrency requests of full length. free: what remains, negative
    when it does not fit; budget = weights + overhead + kv + free. kv_per_token: of each token, all layers of the stage.
    requests: full-length requests that fit at once, as vLLM counts them; requests_least: if every attention layer kept
    everything, which differs for models with windows or recurrent layers (bounded). tokens: requests x their length.
    why: one sentence.
    """

    fits: bool
    why: str
    settings: Settings
    max_model_len: int
    gpu_memory: int
    budget: int
    weights: int
    overhead: Overhead
    kv: int
    free: int
    kv_per_token: int
    requests: float
    requests_least: float
    bounded: bool
    tokens: int
    stage: int


class Choice(t.NamedTuple):
    """The smallest layout that fits. why: what it leaves free, and what the next smaller one lacks."""

    tensor: int
    pipeline: int
    hosts: int
    fit: Fit
    why: str


def weights_per_rank(facts: ModelFacts, settings: Settings) -> list[int]:
    """Bytes of weights on a rank of each pipeline stage.

    Matrices are divided by the tensor size, those of keys and values only down to one head, and small ones (routers,
    norms, the low ranks of latent attention) not at all. Experts are divided by tensor x data; where whole ones are
    spread, the rank that holds most counts.
    """
    found, start = [], 0
    counts = parallelism.stage_layers(facts.layers, settings.pipeline)
    for stage, count in enumerate(counts):
        parts = list(facts.per_layer[start : start + count])
        if stage == 0:
            parts.append(facts.first)
        if stage == len(counts) - 1:
            parts += [facts.last, facts.copied] if stage else [facts.last]
        found.append(sum(_share(facts, part, settings) for part in parts))
        start += count
    return found


def _share(facts: ModelFacts, part: Bytes, settings: Settings) -> int:
    tensor = settings.tensor
    heads = max(1, min(tensor, facts.kv_heads))
    ranks = tensor * settings.data
    expert = part.expert // ranks
    if settings.expert_parallel and facts.experts and parallelism.spreads(tensor, settings.data, settings.version):
        expert = part.expert * parallelism.most_experts(facts, ranks, settings.version) // facts.experts
    return part.shared // tensor + part.heads // heads + part.each + expert


def fit(facts: ModelFacts, gpu_memory: int, settings: Settings) -> Fit:
    """What a GPU of gpu_memory bytes would hold. Raises ModelError for settings that no engine can have."""
    if gpu_memory < 1:
        raise ModelError("gpu_memory", gpu_memory, "is less than 1 byte", "give the memory of a GPU in bytes")
    settings.check(facts)
    refusal = parallelism.pipeline_refusal(facts, settings.pipeline)
    if refusal is not None:
        raise ModelError("pipeline", settings.pipeline, *refusal)
    budget = int(gpu_memory * settings.share())
    other = overhead.estimate(facts, settings, gpu_memory)
    requests = kv_cache.per_stage(facts, settings, settings.batched_tokens(gpu_memory))
    stages = list(zip(weights_per_rank(facts, settings), requests))

    def room(stage: int) -> int:
        return budget - other.total - stages[stage][0]

    def count(stage: int, least: bool) -> float:
        need = stages[stage][1].most if least else stages[stage][1].least
        return max(0, room(stage)) / need if need else float("inf") if room(stage) > 0 else 0.0

    fullest = min(range(len(stages)), key=lambda stage: (count(stage, False), room(stage)))
    weights, request = stages[fullest]
    held = min(count(stage, False) for stage in range(len(stages)))
    length = settings.length(facts)
    kv = request.least * settings.concurrency
    free = room(fullest) - kv
    return Fit(
        fits=free >= 0,
        why=_sentence(free, weights, other.total, kv, budget, length, settings),
        settings=settings,
        max_model_len=length,
        gpu_memory=gpu_memory,
        budget=budget,
        weights=weights,
        overhead=other,
        kv=kv,
        free=free,
        kv_per_token=request.per_token,
        requests=held,
        requests_least=min(count(stage, True) for stage in range(len(stages))),
        bounded=any(each.bounded for each in requests),
        tokens=int(min(held, 2**40) * length),
        stage=fullest,
    )


def fit_longest(facts: ModelFacts, gpu_memory: int, settings: Settings) -> Fit:
    """The fit with the longest context that there is room for: what ``max_model_len: auto`` comes to.

    Where not even a block of the cache has room, the fit of one block, which does not fit.
    """
    found = fit(facts, gpu_memory, settings)
    low, high = 1, found.max_model_len // kv_cache.BLOCK
    if found.fits or not high:
        return found
    found = fit(facts, gpu_memory, dataclasses.replace(settings, max_model_len=kv_cache.BLOCK))
    while found.fits and high - low > 1:
        middle = (low + high) // 2
        tried = fit(facts, gpu_memory, dataclasses.replace(settings, max_model_len=middle * kv_cache.BLOCK))
        low, high = (middle, high) if tried.fits else (low, middle)
        found = tried if tried.fits else found
    return found


def _sentence(free: int, weights: int, other: int, kv: int, budget: int, length: int, settings: Settings) -> str:
    parts = (
        f"{weights / GIB:.1f} GiB weights + {other / GIB:.1f} GiB overhead + {kv / GIB:.1f} GiB cache for "
        f"{settings.concurrency} x {length} tokens"
    )
    if free >= 0:
        return f"{parts} leave {free / GIB:.1f} of {budget / GIB:.1f} GiB a GPU"
    return f"{parts} are {-free / GIB:.1f} GiB more than the {budget / GIB:.1f} GiB a GPU that the engine may take"


def smallest(
    facts: ModelFacts,
    gpu_memory: int,
    gpus_per_host: int,
    settings: Settings,
    *,
    most_hosts: int = 16,
    tensor_sizes: t.Sequence[int] | None = None,
    spread: t.Callable[[int], bool] | None = None,
) -> Choice:
    """The fewest hosts, and of one host the fewest GPUs, that hold the model and settings.concurrency full requests.

    Tensor parallelism stays inside a host. Stages inside a host are a last resort, where no tensor size uses enough of
    its GPUs; several hosts are taken whole, a part of the layers each. settings: its tensor and pipeline do not count.
    tensor_sizes: those that the links of the GPUs allow; None is any. spread: whether ranks of a tensor size hold whole
    experts; None is what settings say. Raises ModelError when most_hosts hosts are too few.
    """
    if gpus_per_host < 1:
        raise ModelError("gpus_per_host", gpus_per_host, "is less than 1", "give the GPUs of a host")
    settings.check(facts)
    working = parallelism.tensor_sizes(
        facts, gpus_per_host, expert_parallel=settings.expert_parallel, version=settings.version
    )
    allowed = [size for size in working if tensor_sizes is None or size in tensor_sizes]
    best: Fit | None = None
    for tensor, pipeline, hosts in _layouts(allowed, gpus_per_host, most_hosts, facts.layers):
        whole = settings.expert_parallel if spread is None else spread(tensor)
        sizes = dataclasses.replace(settings, tensor=tensor, pipeline=pipeline, expert_parallel=whole)
        found = fit(facts, gpu_memory, sizes)
        if found.fits:
            return Choice(tensor, pipeline, hosts, found, _reason(found, best, hosts))
        if best is None or found.free > best.free:
            best = found
    raise ModelError(
        "gpu_memory",
        gpu_memory,
        f"the model does not fit on {'one host' if most_hosts == 1 else f'{most_hosts} hosts'} of {gpus_per_host} GPUs"
        + (f": even with {_name(best)} {best.why}" if best is not None else ""),
        "give more hosts or GPUs with more memory, or a smaller max_model_len",
    )


def _layouts(
    allowed: t.Sequence[int], gpus_per_host: int, most_hosts: int, layers: int
) -> t.Iterator[tuple[int, int, int]]:
    """(tensor, pipeline, hosts), best first: one host without stages, with stages, then several whole hosts."""
    one = [(size, stages, 1) for size in allowed for stages in range(1, gpus_per_host // size + 1)]
    several = [
        (size, gpus_per_host // size * hosts, hosts)
        for size in allowed
        for hosts in range(2, most_hosts + 1)
        if gpus_per_host % size == 0
    ]
    usable = [layout for layout in one + several if layout[1] <= layers]
    return iter(sorted(usable, key=lambda each: (each[2], each[1] > 1, each[0] * each[1], each[1])))


def _reason(found: Fit, tried: Fit | None, hosts: int) -> str:
    where = f" on {hosts} hosts" if hosts > 1 else ""
    fewer = f"; with {_name(tried)} {tried.why}" if tried is not None else ""
    return f"{_name(found)}{where}: {found.why}{fewer}"


def _name(found: Fit) -> str:
    stages = f" and {found.settings.pipeline} pipeline stages" if found.settings.pipeline > 1 else ""
    return f"tensor parallel size {found.settings.tensor}{stages}"
