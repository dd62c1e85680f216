# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of a model and of its fit, as documents for people, facts and plans."""

from __future__ import annotations

import dataclasses
import math
import typing as t

from . import kv_cache, parallelism
from .config import ModelFacts
from .memory import Fit
from .settings import Settings

_SIZES = 64  # tensor sizes are listed up to it


def of_model(facts: ModelFacts) -> dict[str, t.Any]:
    """JSON-able. Cache figures are those of one rank that holds the whole model."""
    whole = Settings()
    (request,) = kv_cache.per_stage(facts, whole, whole.batched_tokens(0))
    return {
        "architectures": list(facts.architectures),
        "model_type": facts.model_type,
        "known": facts.known,
        "layers": facts.layers,
        "hidden_size": facts.hidden_size,
        "vocabulary_size": facts.vocabulary_size,
        "attention_heads": facts.attention_heads,
        "kv_heads": facts.kv_heads,
        "head_dim": facts.head_dim,
        "latent_attention": facts.latent,
        "hybrid": facts.is_hybrid,
        "is_moe": facts.is_moe,
        "experts": facts.experts,
        "experts_per_token": facts.experts_per_token,
        "expert_layers": facts.expert_layers,
        "multimodal": facts.multimodal,
        "dtype": facts.dtype,
        "quantization": facts.quantization.description if facts.quantization is not None else None,
        "parameters": facts.parameters,
        "parameters_by_part": dict(facts.parameters_by_part),
        "draft_parameters": facts.draft_parameters,
        "weight_bytes": facts.weight_bytes,
        "checkpoint_bytes": facts.checkpoint_bytes,
        "bytes_from": facts.bytes_from,
        "kv_bytes_per_token": request.per_token,
        "kv_bytes_bounded": request.bounded,
        "kv_bytes_per_request": [request.least, request.most],
        "max_model_len": facts.context.limit,
        "longest_max_model_len": facts.context.longest,
        "max_model_len_why": facts.context.why,
        "tensor_parallel_sizes": parallelism.tensor_sizes(facts, _SIZES),
        "notes": list(facts.notes),
    }


def of_fit(fit: Fit) -> dict[str, t.Any]:
    """JSON-able; bytes of one GPU of the fullest stage. A number of requests without bound is null."""
    return {
        "fits": fit.fits,
        "why": fit.why,
        "tensor_parallel_size": fit.settings.tensor,
        "pipeline_parallel_size": fit.settings.pipeline,
        "max_model_len": fit.max_model_len,
        "gpu_memory_utilization": fit.settings.share(),
        "gpu_memory": fit.gpu_memory,
        "budget": fit.budget,
        "weights": fit.weights,
        "overhead": fit.overhead.total,
        "overhead_parts": dataclasses.asdict(fit.overhead),
        "kv": fit.kv,
        "free": fit.free,
        "kv_bytes_per_token": fit.kv_per_token,
        "requests": _finite(fit.requests),
        "requests_at_least": _finite(fit.requests_least),
        "bounded": fit.bounded,
        "tokens": fit.tokens,
        "stage": fit.stage,
    }


def _finite(number: float) -> float | None:
    return round(number, 2) if math.isfinite(number) else None
