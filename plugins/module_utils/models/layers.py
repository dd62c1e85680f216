# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each decoder layer is made of: how it mixes tokens, and what feed-forward network it has."""

from __future__ import annotations

import typing as t

from .families import (
    CHUNKED,
    CONVOLUTION,
    FULL,
    GATED_DELTA,
    HYBRID,
    KIMI_DELTA,
    LIGHTNING,
    MAMBA1,
    MAMBA2,
    NOTHING,
    SLIDING,
    Family,
)
from .fields import Fields

# Feed-forward networks of a layer.
DENSE = "dense"
EXPERTS = "experts"

#: More than any model has; a larger number is damage.
MOST_LAYERS = 2000

# Words for layers as configurations write them. None: what the family calls linear.
_WORDS: t.Mapping[str, str | None] = {
    "attention": FULL,
    "chunked_attention": CHUNKED,
    "compressed_sparse_attention": FULL,
    "conv": CONVOLUTION,
    "full": FULL,
    "full_attention": FULL,
    "global": FULL,
    "heavily_compressed_attention": FULL,
    "hybrid": HYBRID,
    "indexed_attention": FULL,
    "linear_attention": None,
    "local": SLIDING,
    "local_attention": SLIDING,
    "mamba": None,
    "mamba1": MAMBA1,
    "mamba2": MAMBA2,
    "mlp": NOTHING,
    "moe": NOTHING,
    "sliding": SLIDING,
    "sliding_attention": SLIDING,
    "sliding_window": SLIDING,
}
_TOLD_BY: t.Mapping[str, str] = {
    GATED_DELTA: "linear_num_key_heads",
    KIMI_DELTA: "linear_attn_config",
    MAMBA1: "mamba_dt_rank",
    MAMBA2: "mamba_n_heads",
    CONVOLUTION: "conv_L_cache",
}
_UNKNOWN = ("is a kind of layer that is not known here", "set the memory options by hand for this model")
_SPARSE = frozenset(("sparse", "moe", "hash_moe", "experts", "E"))


def layer_count(fields: Fields) -> int:
    """Decoder layers, without draft layers."""
    names = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")
    count = fields.integer(*names, most=MOST_LAYERS)
    if count is None:  # some write the layers and leave their number out
        words = fields.texts("layers_block_type", "layer_types")
        count = len(words) if words else None
    return count if count is not None else fields.need_integer(*names, most=MOST_LAYERS)


def mixers(fields: Fields, family: Family, layers: int) -> list[str]:
    """How each layer mixes tokens, in order."""
    for way in (_by_pattern, _by_words, _by_numbers, _by_period):
        found = way(fields, family, layers)
        if found is not None:
            return found
    return [_named(fields, SLIDING) if family.mixer == FULL else family.mixer] * layers


def _by_pattern(fields: Fields, family: Family, layers: int) -> list[str] | None:
    """Nemotron-H: a letter a layer."""
    pattern = fields.text("hybrid_override_pattern")
    if pattern is None:
        return None
    kinds = {"M": family.recurrent or MAMBA2, "*": FULL, "-": NOTHING, "E": NOTHING}
    letters = fields.of_layers("hybrid_override_pattern", list(pattern), layers)
    unknown = sorted(set(letters) - set(kinds))
    if unknown:
        raise fields.error("hybrid_override_pattern", pattern, f"has the unknown letters {''.join(unknown)!r}")
    return [kinds[letter] for letter in letters]


def _by_words(fields: Fields, family: Family, layers: int) -> list[str] | None:
    """The common way: a word a layer."""
    names = ("layer_types", "layers_block_type", "attn_layer_types")
    words = fields.texts(*names)
    if not words:
        return None
    name = next(name for name in names if fields.has(name))
    result = []
    for word in fields.of_layers(name, words, layers):
        if word not in _WORDS:
            raise fields.error(name, word, *_UNKNOWN)
        kind = _WORDS[word] or _recurrent(fields, family, name, word)
        if kind == HYBRID and not family.recurrent:
            raise fields.error(name, word, *_UNKNOWN)
        result.append(kind)
    return [_named(fields, kind) for kind in result]


def _recurrent(fields: Fields, family: Family, name: str, word: str) -> str:
    """What "linear attention" or "Mamba" means in this model."""
    if family.recurrent:
        return family.recurrent
    for kind, key in _TOLD_BY.items():
        if fields.has(key):
            return kind
    raise fields.error(name, word, *_UNKNOWN)


def _by_numbers(fields: Fields, family: Family, layers: int) -> list[str] | None:
    """Lists of numbers: of the attention layers, or one a layer."""
    kinds = fields.integers("attn_type_list")  # MiniMax: 0 is linear
    if kinds:
        return [FULL if kind else LIGHTNING for kind in fields.of_layers("attn_type_list", kinds, layers)]
    kinds = fields.integers("hybrid_layer_pattern")  # MiMo: 1 is sliding
    if kinds:
        return [SLIDING if kind else FULL for kind in fields.of_layers("hybrid_layer_pattern", kinds, layers)]
    linear = fields.inner("linear_attn_config")  # Kimi: layers counted from 1
    if linear is not None:
        full = linear.integers("full_attn_layers") or []
        return [FULL if at + 1 in full else KIMI_DELTA for at in range(layers)]
    for name in ("attn_layer_indices", "full_attn_idxs"):
        if fields.has(name):
            indices = fields.integers(name) or []
            return [FULL if at in indices else _recurrent(fields, family, name, "other layers") for at in range(layers)]
    return None


def _by_period(fields: Fields, family: Family, layers: int) -> list[str] | None:
    """Every so many layers another kind."""
    period = fields.integer("attn_layer_period")  # Jamba
    if period:
        offset = fields.integer_or(0, "attn_layer_offset")
        other = _recurrent(fields, family, "attn_layer_period", "other layers")
        return [FULL if at % period == offset else other for at in range(layers)]
    every = fields.integer("full_attention_interval")  # Qwen3-Next
    if every:
        other = _recurrent(fields, family, "full_attention_interval", "other layers")
        return [FULL if (at + 1) % every == 0 else other for at in range(layers)]
    chunk = fields.integer("attention_chunk_size")
    rotary = fields.integers("no_rope_layers")  # Llama 4: 1 has rotary positions, and then chunks
    if chunk and (rotary is not None or fields.has("no_rope_layer_interval", "interleave_moe_layer_step")):
        step = fields.integer_or(4, "no_rope_layer_interval", least=1)
        rotary = rotary or [int((at + 1) % step != 0) for at in range(layers)]
        return [CHUNKED if kind else FULL for kind in fields.of_layers("no_rope_layers", rotary, layers)]
    if not window(fields):
        return None
    first = fields.integer("max_window_layers", least=0)
    if first is not None:  # Qwen: the first layers have none
        return [SLIDING if at >= first else FULL for at in range(layers)]
    found = fields.find("sliding_window_pattern", "_sliding_window_pattern", "global_attn_every_n_layers")
    if found is not None and isinstance(found[1], str) and found[1]:  # EXAONE 4: "LLLG"
        return [SLIDING if found[1][at % len(found[1])] == "L" else FULL for at in range(layers)]
    every = fields.integer(found[0]) if found else family.every
    return [SLIDING if (at + 1) % every else FULL for at in range(layers)] if every else None


def _named(fields: Fields, kind: str) -> str:
    """Sliding layers without a window are full ones."""
    return FULL if kind == SLIDING and not window(fields) else kind


def window(fields: Fields) -> int | None:
    """Tokens that a sliding layer looks back; None when it looks at all of them."""
    if not fields.flag("use_sliding_window", default=True):
        return None
    return fields.integer("sliding_window", "sliding_window_size", "window_size", least=0) or None


def expert_count(fields: Fields) -> int:
    """Routed experts of a layer; 0 in a dense model."""
    names = ("n_routed_experts", "num_local_experts", "num_experts", "moe_num_experts", "num_moe_experts")
    inner = fields.inner("ffn_config")  # DBRX
    if inner is not None and inner.has("moe_num_experts"):
        return inner.integer_or(0, "moe_num_experts")
    found = fields.find(*names)
    if found is not None and isinstance(found[1], list):  # Ernie VL, Hunyuan: one a layer or a modality, all alike
        return max(fields.integers(*names) or [0])
    return fields.integer_or(0, *names)


def feed_forwards(fields: Fields, family: Family, layers: int) -> list[str]:
    """The feed-forward network of each layer, in order."""
    pattern = fields.text("hybrid_override_pattern")
    if pattern is not None:
        return [{"-": DENSE, "E": EXPERTS}.get(letter, NOTHING) for letter in pattern[:layers]]
    blocks = fields.texts("layers_block_type")
    if blocks and {"mlp", "moe"} & set(blocks):
        return [{"mlp": DENSE, "moe": EXPERTS}.get(block, NOTHING) for block in blocks[:layers]]
    if family.mixer in (MAMBA1, MAMBA2) and not fields.has("num_attention_heads"):
        return [NOTHING] * layers
    if not expert_count(fields):
        return [DENSE] * layers
    for way in (_sparse_words, _sparse_list, _sparse_by_rule):
        found = way(fields, layers)
        if found is not None:
            return [EXPERTS if sparse else DENSE for sparse in found]
    return [EXPERTS] * layers


def _sparse_words(fields: Fields, layers: int) -> list[bool] | None:
    words = fields.texts("mlp_layer_types")
    if not words:
        return None
    return [word in _SPARSE for word in fields.of_layers("mlp_layer_types", words, layers)]


def _sparse_list(fields: Fields, layers: int) -> list[bool] | None:
    found = fields.find("moe_layer_freq")
    if found is not None and isinstance(found[1], list):
        return [
            bool(value) for value in fields.of_layers("moe_layer_freq", fields.integers("moe_layer_freq") or [], layers)
        ]
    found = fields.find("moe_layers_enum", "moe_layers")  # Step 3: "4,5,6"; Llama 4: a list
    if found is None:
        return None
    name, value = found
    if isinstance(value, str):
        parts = [part.strip() for part in value.split(",") if part.strip()]
        if not all(part.isdecimal() and len(part) < 5 for part in parts):
            raise fields.error(name, value, "is not a list of layer numbers")
        indices = [int(part) for part in parts]
    else:
        indices = fields.integers(name) or []
    return [at in indices for at in range(layers)]


def _sparse_by_rule(fields: Fields, layers: int) -> list[bool] | None:
    span = range(layers)
    if fields.has("expert_layer_period"):  # Jamba
        period = fields.integer_or(1, "expert_layer_period", least=1)
        offset = fields.integer_or(0, "expert_layer_offset")
        return [at % period == offset for at in span]
    if fields.has("interleave_moe_layer_step"):  # Llama 4
        step = fields.integer_or(1, "interleave_moe_layer_step", least=1)
        return [(at + 1) % step == 0 for at in span]
    if fields.has("moe_layer_start_index", "moe_layer_interval"):  # Ernie
        first = min(_numbers(fields, "moe_layer_start_index", 0))
        last = max(_numbers(fields, "moe_layer_end_index", layers - 1))
        step = fields.integer_or(1, "moe_layer_interval", least=1)
        return [(at + 1) % step == 0 and first <= at <= last for at in span]
    if fields.has("decoder_sparse_step", "mlp_only_layers"):  # Qwen
        step = fields.integer_or(1, "decoder_sparse_step", least=1)
        only = fields.integers("mlp_only_layers") or []
        return [at not in only and (at + 1) % step == 0 for at in span]
    first = fields.integer_or(0, "first_k_dense_replace", "num_dense_layers", "first_dense_layers")
    step = fields.integer_or(1, "moe_layer_freq", least=1)
    return [at >= first and at % step == 0 for at in span]


def _numbers(fields: Fields, name: str, default: int) -> list[int]:
    """A number, or one a modality (Ernie VL). -1 stands for the default."""
    found = fields.find(name)
    if found is not None and isinstance(found[1], list):
        return [default if value < 0 else value for value in fields.integers(name, least=-1) or [default]]
    value = fields.integer_or(default, name, least=-1)
    return [default if value < 0 else value]
