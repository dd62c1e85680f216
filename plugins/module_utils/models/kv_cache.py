# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much cache a request takes on one rank.

As vLLM accounts for it (vllm/v1/kv_cache_interface.py, max_memory_usage_bytes, 0.32). Layers that look back only so
far, and recurrent ones, share pages with full attention in ways that waste some memory, so models that mix them get
bounds.
"""

from __future__ import annotations

import typing as t

from ..releases.versions import parse as parse_version
from .attention import Cache
from .config import ModelFacts
from .errors import ModelError
from .parallelism import stage_layers
from .settings import Settings

#: Tokens of a block. Requests take whole blocks.
BLOCK = 16
#: Steps that may be under way at once; their tokens are kept although they left the window (async scheduling).
_STEPS = 2
#: Bytes of an fp8 entry of latent attention that has an index: 512 numbers, 4 scales, 64 positions in two bytes.
_SPARSE_ENTRY = 656
#: The same for DeepSeek V4: 448 numbers, 64 positions in two bytes, 8 bytes of scales.
_COMPRESSED_ENTRY = 584


#: Formats that take less than a byte with their scales (config/cache.py, CacheDType, 0.33), by their start.
_NARROW = ("int4", "nvfp4", "octave", "turboquant", "ultraquant")
_EXACT = ("auto", "bfloat16", "float16", "half", "fp8", "fp8_e4m3", "fp8_e5m2", "fp8_inc", "fp8_ds_mla")


class Request(t.NamedTuple):
    """Bytes of one request on a rank of the stage that keeps most.

    per_token: of each further token. fixed: of windows and states, once full. least: in all, without any waste.
    most: in all, if every attention layer kept everything. bounded: whether least and most differ.
    """

    per_token: int
    fixed: int
    least: int
    most: int

    @property
    def bounded(self) -> bool:
        return self.least != self.most


def bound(kv_cache_dtype: str) -> str:
    """The format whose size is known that this one takes at most the room of: itself where its own size is known."""
    name = kv_cache_dtype.strip().lower()
    if name in _EXACT:
        return name
    return "fp8" if name.startswith(_NARROW) else "auto"


def entry_bytes(facts: ModelFacts, settings: Settings) -> int:
    """Bytes of a number in the cache. Raises ModelError for a kv_cache_dtype that is not known."""
    name = settings.kv_cache_dtype.lower()
    newest = settings.version is None or parse_version(settings.version) >= parse_version("0.32.0")
    if name == "auto" and newest and facts.quantization is not None and facts.quantization.kv_cache == "fp8":
        return 1  # vLLM 0.32 does what the checkpoint says (utils/torch_utils.py, resolve_kv_cache_dtype_string)
    if name in ("auto", "bfloat16", "float16", "half"):
        return 2
    if name.startswith(("fp8", "int8")):
        return 1
    raise ModelError(
        "kv_cache_dtype", settings.kv_cache_dtype, "is not known here", "write auto, bfloat16, float16 or fp8"
    )


def per_stage(facts: ModelFacts, settings: Settings, batched_tokens: int) -> list[Request]:
    """What a request of settings.max_model_len takes on a rank of each pipeline stage."""
    found, start = [], 0
    for count in stage_layers(facts.layers, settings.pipeline):
        found.append(_request(facts, settings, facts.caches[start : start + count], batched_tokens))
        start += count
    return found


def per_token(facts: ModelFacts, settings: Settings) -> int:
    """Bytes that each token takes on a rank of the stage that keeps most, all layers that keep every token together."""
    return max(request.per_token for request in per_stage(facts, settings, 1))


def _request(
    facts: ModelFacts, settings: Settings, layers: t.Sequence[t.Sequence[Cache]], batched_tokens: int
) -> Request:
    length = settings.length(facts)
    bytes_each = entry_bytes(facts, settings)
    growing = fixed = most = 0
    tokens = _blocks(-(-length // settings.decode_context))
    for cache in (cache for kept in layers for cache in kept):
        if cache.kind == "state":
            state = -(-cache.state // settings.tensor)
            fixed += state
            most += 2 * state  # prefix caching keeps a second one
            continue
        entry = _entry(cache, settings, bytes_each)
        most += entry * tokens // cache.ratio
        if cache.window is None:
            growing += entry * tokens // cache.ratio
        else:
            kept = cache.window - 1 + _STEPS * batched_tokens
            fixed += entry * (_blocks(min(kept, length)) + BLOCK if kept < length else tokens)
    each = growing // tokens if tokens else 0
    return Request(-(-each // settings.decode_context), fixed, growing + fixed, max(most, growing + fixed))


def _entry(cache: Cache, settings: Settings, bytes_each: int) -> int:
    """Bytes of a token in one layer on one rank. Heads are divided, never below one; a latent is not divided."""
    if cache.kind == "latent":
        if bytes_each == 1 and cache.extra:
            return _SPARSE_ENTRY + cache.extra
        if bytes_each == 1 and cache.ratio > 1:
            return _COMPRESSED_ENTRY + cache.extra
        return cache.width * bytes_each + cache.extra
    heads = max(1, -(-cache.heads // settings.tensor))
    return heads * cache.width * bytes_each


def _blocks(tokens: int) -> int:
    return -(-tokens // BLOCK) * BLOCK
