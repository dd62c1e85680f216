# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All weights of a model, and what each of its layers keeps in the cache, from its configuration."""

from __future__ import annotations

import dataclasses
import typing as t

from . import attention, feed_forward, layers, overrides, recurrent, towers
from .attention import Cache
from .document import Document
from .families import ATTENTION, FULL, HYBRID, NOTHING, Family, family
from .fields import Fields
from .weights import DRAFT, EACH, EMBEDDING, FEED_FORWARD, NORMS, OUTPUT, Shelf, Weight

_VOCABULARY = ("padded_vocab_size", "vocab_size")


@dataclasses.dataclass(frozen=True)
class Stack:
    """family: None for a kind of model that is not known, counted as a plain decoder.

    weights: all but those of draft layers, which are in drafts. caches: one tuple a layer.
    """

    family: Family | None
    hidden: int
    vocabulary: int
    tied: bool
    weights: tuple[Weight, ...]
    drafts: tuple[Weight, ...]
    caches: tuple[tuple[Cache, ...], ...]
    feed_forwards: tuple[str, ...]
    recurrent_heads: tuple[int, ...]


def build(document: Document) -> Stack:
    """Raises ModelError when the configuration lacks a size, or has one that cannot be."""
    fields = document.text
    known = family(document.model_type, document.architectures)
    kind = known or Family()
    hidden = fields.need_integer(*attention.HIDDEN, most=2**20)
    vocabulary = fields.need_integer(*_VOCABULARY, most=2**26)
    count = layers.layer_count(fields)
    mixers = layers.mixers(fields, kind, count)
    networks = layers.feed_forwards(fields, kind, count)
    blocks = overrides.blocks(fields, count)
    outside = Shelf("")
    tied = _tied(document, kind)
    _add_embeddings(outside, fields, kind, hidden, vocabulary, count, tied)
    weights: list[Weight] = []
    caches: list[tuple[Cache, ...]] = []
    shared_kv = fields.integer_or(0, "num_kv_shared_layers")
    for at in range(count):
        shelf = Shelf(f"layers.{at}", at)
        own_kv = at < count - shared_kv
        kept = _layer(shelf, fields, kind, (mixers[at], networks[at]), hidden, blocks[at] if blocks else None, own_kv)
        weights += shelf.weights
        caches.append(tuple(kept) if own_kv else ())
    if document.vision is not None:
        inner = overrides.of_layer(fields, 0, mixers[0]).integer_or(4 * hidden, "intermediate_size")
        towers.add_vision(outside, document.top, document.vision, hidden, inner)
    if document.audio is not None:
        towers.add_audio(outside, document.audio, hidden)
    network = layers.EXPERTS if layers.EXPERTS in networks and not kind.draft_dense else layers.DENSE
    drafts = _drafts(fields, kind, hidden, vocabulary, count, network)
    return Stack(
        known,
        hidden,
        vocabulary,
        tied,
        tuple(outside.weights + weights),
        drafts,
        tuple(caches),
        tuple(networks),
        recurrent.head_counts(fields, {*mixers, kind.recurrent if HYBRID in mixers else NOTHING}),
    )


def _tied(document: Document, kind: Family) -> bool:
    for level in (document.top, document.text):
        if level.has("tie_word_embeddings"):
            return level.flag("tie_word_embeddings")
    return kind.tied


def _add_embeddings(
    shelf: Shelf, fields: Fields, kind: Family, hidden: int, vocabulary: int, count: int, tied: bool
) -> None:
    width = fields.integer("word_embed_proj_dim") or hidden
    shelf.matrix("embed_tokens", EMBEDDING, vocabulary, width, linear=False)
    if not tied:
        shelf.matrix("lm_head", OUTPUT, vocabulary, width)
    if width != hidden:  # OPT-350M
        shelf.matrix("project_in", EMBEDDING, hidden, width)
        shelf.matrix("project_out", EMBEDDING, width, hidden)
    if kind.positions:
        shelf.matrix("embed_positions", EMBEDDING, fields.need_integer(kind.positions), hidden, linear=False)
    shelf.vector("norm", NORMS, hidden)
    extra = fields.integer("hidden_size_per_layer_input", least=0)
    if extra:  # Gemma 3n and 4: an embedding for each layer
        words = fields.integer_or(vocabulary, "vocab_size_per_layer_input", least=1)
        shelf.matrix("embed_tokens_per_layer", EMBEDDING, words, count * extra, linear=False)
        shelf.matrix("per_layer_model_projection", EMBEDDING, count * extra, hidden, split=EACH)


def _layer(
    shelf: Shelf,
    whole: Fields,
    kind: Family,
    made_of: tuple[str, str],
    hidden: int,
    block: Fields | None,
    own_kv: bool = True,
) -> list[Cache]:
    """The weights of one layer; gives what it keeps. made_of: its mixer and its feed-forward network."""
    mixer, network = made_of
    at = shelf.layer or 0
    fields = overrides.of_layer(whole, at, mixer)
    width = None
    if block is not None:
        changed = overrides.block_attention(block, attention.query_heads(whole))
        if isinstance(changed, str):
            mixer = NOTHING
        else:
            fields = fields.changed(changed)
        width = overrides.block_width(block, whole)
        network = network if width else NOTHING
    kept: list[Cache] = []
    for _each in range(2 if kind.doubled else 1):
        kept += _mix(shelf, fields, kind, mixer, hidden, own_kv)
    _feed(shelf, fields, kind, network, hidden, width, own_kv)
    shelf.vector("norms", NORMS, kind.norms * hidden)
    _add_particular(shelf, fields, hidden)
    return kept


def _mix(shelf: Shelf, fields: Fields, kind: Family, mixer: str, hidden: int, own_kv: bool) -> list[Cache]:
    if mixer == NOTHING:
        return []
    kept = []
    if mixer in ATTENTION:
        attention.add(shelf, fields, kind, hidden, own_kv)
        kept = attention.cache(fields, kind, FULL if mixer == HYBRID else mixer, shelf.layer or 0)
    if mixer not in ATTENTION or mixer == HYBRID:
        kept.append(recurrent.add(shelf, fields, kind.recurrent if mixer == HYBRID else mixer, hidden))
    return kept


def _feed(
    shelf: Shelf, fields: Fields, kind: Family, network: str, hidden: int, width: int | None, own_kv: bool
) -> None:
    if network == layers.EXPERTS:
        feed_forward.add_experts(shelf, fields, kind, hidden)
        beside = kind.doubled or fields.flag("enable_moe_block")  # LongCat, Gemma 4
        if not beside:
            return
    elif network == NOTHING:
        return
    if width is None:
        width = feed_forward.dense_width(fields, hidden)
        if kind.shared == "shared_mlp" and not layers.expert_count(fields):  # Granite 4 without experts
            width = fields.integer("shared_intermediate_size") or width
        if fields.flag("use_double_wide_mlp") and not own_kv:  # Gemma 4
            width *= 2
    for _each in range(2 if kind.doubled else 1):
        feed_forward.add_dense(shelf, fields, kind, hidden, width)


def _add_particular(shelf: Shelf, fields: Fields, hidden: int) -> None:
    """What only one family has in its layers."""
    extra = fields.integer("hidden_size_per_layer_input", least=0)
    if extra:  # Gemma 3n and 4
        shelf.matrix("per_layer_input_gate", FEED_FORWARD, extra, hidden, split=EACH)
        shelf.matrix("per_layer_projection", FEED_FORWARD, hidden, extra, split=EACH)
    rank = fields.integer("laurel_rank", least=0)
    if rank:  # Gemma 3n
        shelf.matrix("laurel", FEED_FORWARD, 2 * rank, hidden, split=EACH)
    streams = fields.integer("hc_mult", least=0)
    if streams:  # DeepSeek V4: hyper-connections of attention and of the experts
        shelf.matrix("hc", FEED_FORWARD, 2 * (streams + 2) * streams, streams * hidden, split=EACH, linear=False)


def _drafts(fields: Fields, kind: Family, hidden: int, vocabulary: int, count: int, network: str) -> tuple[Weight, ...]:
    """Layers for multi-token prediction. They lie in the checkpoint; an engine loads them only for speculation."""
    number = fields.integer_or(kind.drafts, "num_nextn_predict_layers", "mtp_num_hidden_layers", most=64)
    found: list[Weight] = []
    for at in range(number):
        shelf = Shelf(f"layers.{count + at}", count + at)
        _layer(shelf, fields, kind, (FULL, network), hidden, None)
        shelf.matrix("eh_proj", DRAFT, hidden, 2 * hidden, linear=False)
        if kind.draft_embeddings:
            shelf.matrix("embed_tokens", DRAFT, vocabulary, hidden, linear=False)
            shelf.matrix("shared_head.head", DRAFT, vocabulary, hidden, linear=False)
        found += shelf.weights
    return tuple(found)


def parameters(weights: t.Iterable[Weight]) -> int:
    """All numbers together."""
    return sum(weight.parameters for weight in weights)
