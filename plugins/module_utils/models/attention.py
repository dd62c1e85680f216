# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Attention: its weights, and what it keeps in the cache for each token."""

from __future__ import annotations

import dataclasses

from .families import CHUNKED, FULL, SLIDING, Family
from .fields import Fields
from .layers import window
from .weights import ATTENTION, EACH, HEADS, NORMS, Shelf

#: Model types whose keys and values vLLM 0.32 keeps as one latent vector, besides those with kv_lora_rank that are
#: not known (vllm/transformers_utils/model_arch_config_convertor.py, is_deepseek_mla).
LATENT = "latent"

#: The width of a token's vector, as kinds of models call it.
HIDDEN = ("hidden_size", "n_embd", "n_embed", "d_model", "model_dim", "dim")


@dataclasses.dataclass(frozen=True)
class Cache:
    """What one layer keeps, in numbers; the bytes of a number depend on the engine's settings.

    kind: ``full``, ``sliding``, ``chunked``, ``latent`` (MLA), or ``state`` (recurrent layers).
    heads: key/value heads; 1 for latent. width: numbers a token and head, keys and values together; key: of the keys.
    window: tokens kept by sliding and chunked layers. ratio: tokens that share one entry.
    extra: further bytes an entry (DeepSeek's sparse-attention index). state: bytes a sequence, whatever its length.
    """

    kind: str
    heads: int = 0
    width: int = 0
    key: int = 0
    window: int | None = None
    ratio: int = 1
    extra: int = 0
    state: int = 0


@dataclasses.dataclass(frozen=True)
class Heads:
    """query, kv: how many. key, value: numbers a head."""

    query: int
    kv: int
    key: int
    value: int


def query_heads(fields: Fields) -> int:
    """Attention heads. Raises ModelError when the configuration has none."""
    return fields.need_integer("num_attention_heads", "n_head", "n_heads", "num_heads")


def heads(fields: Fields) -> Heads:
    """Heads of plain, multi-query and grouped-query attention."""
    query = query_heads(fields)
    key = fields.integer("head_dim", "attention_head_dim", "hidden_size_per_head", "kv_channels", "head_size")
    if key is None:
        key = max(1, fields.need_integer(*HIDDEN) // query)
    return Heads(query, kv_heads(fields, query), key, fields.integer_or(key, "v_head_dim", least=1))


def kv_heads(fields: Fields, query: int) -> int:
    """Key/value heads; as many as query heads unless written."""
    inner = fields.inner("attn_config")  # DBRX, MPT
    if inner is not None and inner.has("kv_n_heads"):
        return inner.integer_or(query, "kv_n_heads", least=1)
    several = fields.flag("new_decoder_architecture")  # Falcon: one head unless the new architecture
    if fields.flag("multi_query") and not several:
        return 1
    names = ("n_head_kv", "num_kv_heads", "num_key_value_heads", "multi_query_group_num", "num_attention_groups")
    return fields.integer_or(query, *names, least=1)


def is_latent(fields: Fields) -> bool:
    """Whether keys and values have a low rank (multi-head latent attention)."""
    return fields.has("kv_lora_rank")


def add(shelf: Shelf, fields: Fields, family: Family, hidden: int, own_kv: bool = True) -> None:
    """The weights of one attention layer. own_kv: it computes keys and values, and does not take another layer's."""
    if fields.has("compress_ratios", "compress_rates"):
        _add_compressed(shelf, fields, hidden)
    elif is_latent(fields):
        _add_latent(shelf, fields, hidden)
    else:
        _add_heads(shelf, fields, family, hidden, own_kv)


def _add_heads(shelf: Shelf, fields: Fields, family: Family, hidden: int, own_kv: bool) -> None:
    sizes = heads(fields)
    bias = family.bias or family.qkv_bias or fields.flag("attention_bias", "qkv_bias", "use_qkv_bias", "add_qkv_bias")
    after = family.bias or (fields.flag("attention_bias") and not family.qkv_bias)
    doubled = 2 if family.gate == "query" else 1
    inside = hidden
    if fields.has("share_q_dim"):  # Step 3
        inside = fields.need_integer("share_q_dim")
        shelf.matrix("self_attn.q_a_proj", ATTENTION, inside, hidden, split=EACH)
    shelf.matrix("self_attn.q_proj", ATTENTION, doubled * sizes.query * sizes.key, inside, bias=bias)
    if own_kv:
        shelf.matrix("self_attn.k_proj", ATTENTION, sizes.kv * sizes.key, hidden, split=HEADS, bias=bias)
        if not fields.flag("attention_k_eq_v"):
            shelf.matrix("self_attn.v_proj", ATTENTION, sizes.kv * sizes.value, hidden, split=HEADS, bias=bias)
    shelf.matrix("self_attn.o_proj", ATTENTION, hidden, sizes.query * sizes.value, bias=after)
    if family.gate in ("heads", "full"):
        rows = sizes.query * (sizes.value if family.gate == "full" else 1)
        shelf.matrix("self_attn.g_proj", ATTENTION, rows, hidden)
    if family.qk_norm == "head":
        shelf.vector("self_attn.q_norm", NORMS, 2 * sizes.key)
    elif family.qk_norm == "full":
        shelf.vector("self_attn.q_norm", NORMS, (sizes.query + sizes.kv) * sizes.key)


def _add_latent(shelf: Shelf, fields: Fields, hidden: int) -> None:
    query = query_heads(fields)
    rank, rope = fields.need_integer("kv_lora_rank"), fields.integer_or(0, "qk_rope_head_dim")
    nope, value = fields.need_integer("qk_nope_head_dim"), fields.need_integer("v_head_dim")
    bias = fields.flag("attention_bias")
    query_rank = fields.integer("q_lora_rank", least=0)
    if query_rank:
        shelf.matrix("self_attn.q_a_proj", ATTENTION, query_rank, hidden, split=EACH, bias=bias)
        shelf.vector("self_attn.q_a_layernorm", NORMS, query_rank)
        shelf.matrix("self_attn.q_b_proj", ATTENTION, query * (nope + rope), query_rank)
    else:
        shelf.matrix("self_attn.q_proj", ATTENTION, query * (nope + rope), hidden)
    shelf.matrix("self_attn.kv_a_proj_with_mqa", ATTENTION, rank + rope, hidden, split=EACH, bias=bias)
    shelf.vector("self_attn.kv_a_layernorm", NORMS, rank)
    shelf.matrix("self_attn.kv_b_proj", ATTENTION, query * (nope + value), rank)
    shelf.matrix("self_attn.o_proj", ATTENTION, hidden, query * value, bias=bias)
    _add_indexer(shelf, fields, hidden, query_rank or hidden)


def _add_indexer(shelf: Shelf, fields: Fields, hidden: int, query_rank: int) -> None:
    """DeepSeek sparse attention: the small heads that choose which tokens to look at."""
    count, size = fields.integer("index_n_heads"), fields.integer("index_head_dim")
    if count and size:
        shelf.matrix("self_attn.indexer.wq_b", ATTENTION, count * size, query_rank, split=EACH)
        shelf.matrix("self_attn.indexer.wk", ATTENTION, size, hidden, split=EACH)
        shelf.vector("self_attn.indexer.k_norm", NORMS, 2 * size)
        shelf.matrix("self_attn.indexer.weights_proj", ATTENTION, count, hidden, split=EACH, linear=False)


def _add_compressed(shelf: Shelf, fields: Fields, hidden: int) -> None:
    """DeepSeek V4: one key that is also the value, and entries that stand for several tokens."""
    query, size = query_heads(fields), fields.need_integer("head_dim")
    rank, groups = fields.need_integer("q_lora_rank"), fields.need_integer("o_groups")
    low = groups * fields.need_integer("o_lora_rank")
    shelf.matrix("self_attn.q_a_proj", ATTENTION, rank, hidden, split=EACH)
    shelf.matrix("self_attn.q_b_proj", ATTENTION, query * size, rank)
    shelf.matrix("self_attn.kv_proj", ATTENTION, size, hidden, split=EACH)
    shelf.matrix("self_attn.o_a_proj", ATTENTION, low, query * size // groups)
    shelf.matrix("self_attn.o_b_proj", ATTENTION, hidden, low)
    ratio = compress_ratio(fields, shelf.layer or 0)
    if not ratio:
        return
    overlap = 2 if ratio == _OVERLAPPING else 1
    shelf.matrix("self_attn.compressor.kv_proj", ATTENTION, 2 * overlap * size, hidden, split=EACH, linear=False)
    if ratio == _OVERLAPPING and fields.has("index_n_heads"):
        count, small = fields.need_integer("index_n_heads"), fields.need_integer("index_head_dim")
        shelf.matrix("self_attn.indexer.kv_proj", ATTENTION, 4 * small, hidden, split=EACH, linear=False)
        shelf.matrix("self_attn.indexer.wq_b", ATTENTION, count * small, rank, split=EACH)
        shelf.matrix("self_attn.indexer.weights_proj", ATTENTION, count, hidden, split=EACH, linear=False)


_OVERLAPPING = 4  # of DeepSeek V4's two ratios the one whose groups overlap and that has an index


def compress_ratio(fields: Fields, at: int) -> int:
    """Tokens that one entry of layer ``at`` stands for; 0 when it keeps no compressed entries."""
    ratios = fields.integers("compress_ratios")
    if ratios:
        return ratios[at] if at < len(ratios) else 0
    rates, words = fields.inner("compress_rates"), fields.texts("layer_types") or []
    return rates.integer_or(0, words[at]) if rates is not None and at < len(words) else 0


def cache(fields: Fields, family: Family, kind: str, at: int) -> list[Cache]:
    """What layer ``at`` keeps. kind: how it mixes tokens."""
    if fields.has("compress_ratios", "compress_rates"):
        size, ratio = fields.need_integer("head_dim"), compress_ratio(fields, at)
        extra = _index_bytes(fields) if ratio == _OVERLAPPING else 0
        found = [Cache(SLIDING, 1, size, size, fields.integer_or(128, "sliding_window", least=1))]
        return found + ([Cache(LATENT, 1, size, size, ratio=ratio, extra=extra)] if ratio else [])
    if is_latent(fields):
        rope = fields.integer_or(0, "qk_rope_head_dim")
        if family.expanded:
            # Values are padded to the keys' width (vLLM's MiniCPM3).
            count, key = query_heads(fields), fields.need_integer("qk_nope_head_dim") + rope
            return [Cache(FULL, count, 2 * key, key)]
        width = fields.need_integer("kv_lora_rank") + rope
        return [Cache(LATENT, 1, width, width, extra=_index_bytes(fields))]
    sizes = heads(fields)
    limit = window(fields) if kind == SLIDING else fields.integer("attention_chunk_size") if kind == CHUNKED else None
    return [Cache(kind if limit else FULL, sizes.kv, sizes.key + sizes.value, sizes.key, limit)]


def _index_bytes(fields: Fields) -> int:
    """A token's entry in the index of sparse attention: a byte a number and a scale of 4 bytes for each 128."""
    size = fields.integer_or(0, "index_head_dim")
    return size + 4 * (-(-size // 128))
