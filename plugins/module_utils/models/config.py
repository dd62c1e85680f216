# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a model is, from its config.json."""

from __future__ import annotations

import dataclasses
import typing as t

from . import attention, context, document, feed_forward, layers, quantization, stack
from .attention import Cache
from .document import Document
from .fields import Fields
from .quantization import Quantization
from .weights import EACH, EXPERT, EXPERTS, HEADS, NORMS, OUTPUT, SHARED, Weight

# Where the bytes of the weights come from.
FROM_CONFIG = "config"
FROM_FILES = "files"

_LOADED_BYTES = 2  # vLLM's ``--dtype auto`` loads what is written in four bytes in two


@dataclasses.dataclass(frozen=True)
class Bytes:
    """Bytes by the way that tensor-parallel ranks split them (see weights.py)."""

    shared: int = 0
    heads: int = 0
    each: int = 0
    expert: int = 0

    @property
    def total(self) -> int:
        return self.shared + self.heads + self.each + self.expert

    def scaled(self, ratio: float) -> Bytes:
        return Bytes(*(round(value * ratio) for value in dataclasses.astuple(self)))


@dataclasses.dataclass(frozen=True)
class ModelFacts:
    """What is known of a model.

    known: its kind is, so that sizes are counted and not guessed from a plain decoder.
    tied: the output matrix is the embedding.
    kv_heads, head_dim: of full attention. Latent attention (MLA) keeps one vector of head_dim numbers for all heads.
    experts: routed experts of a layer, 0 in a dense model; expert_layers: how many layers have them.
    recurrent_heads: of Mamba and linear attention layers, which tensor parallelism must divide.
    dtype: of what is not quantized. quantization: None when nothing is.
    parameters, parameters_by_part: without draft layers. draft_parameters: of layers for multi-token prediction.
    weight_bytes: in the memory of all GPUs together, each weight once, without draft layers.
    checkpoint_bytes: of all tensors in the files, draft layers (draft_bytes) included.
    bytes_from: ``config`` or ``files``.
    per_layer: bytes of each decoder layer. first, last: bytes of what only the first and the last pipeline stage hold;
    copied: of the embedding that the last of several stages holds once more for its output.
    caches: what each layer keeps for each token or sequence. context: see context.py.
    dense_width, expert_width: of the feed-forward networks; 0 without. notes: what a reader must know.
    """

    architectures: tuple[str, ...]
    model_type: str
    known: bool
    layers: int
    hidden_size: int
    vocabulary_size: int
    tied: bool
    attention_heads: int
    kv_heads: int
    head_dim: int
    latent: bool
    experts: int
    experts_per_token: int
    expert_layers: int
    recurrent_heads: tuple[int, ...]
    dense_width: int
    expert_width: int
    dtype: str
    quantization: Quantization | None
    multimodal: bool
    parameters: int
    draft_parameters: int
    parameters_by_part: t.Mapping[str, int]
    weight_bytes: int
    checkpoint_bytes: int
    draft_bytes: int
    bytes_from: str
    per_layer: tuple[Bytes, ...]
    first: Bytes
    last: Bytes
    copied: Bytes
    caches: tuple[tuple[Cache, ...], ...]
    context: context.Context
    notes: tuple[str, ...]

    @property
    def is_moe(self) -> bool:
        return self.experts > 0

    @property
    def is_hybrid(self) -> bool:
        """Whether layers keep different things, so that the cache's size is only bounded."""
        return len({cache for kept in self.caches for cache in kept if cache.kind != "state"}) > 1 or self.has_state

    @property
    def has_state(self) -> bool:
        return any(cache.kind == "state" for kept in self.caches for cache in kept)

    def with_files(self, tensor_bytes: int) -> ModelFacts:
        """The same with the bytes that the files really hold. tensor_bytes: of all tensors, without headers."""
        main = self.checkpoint_bytes - self.draft_bytes
        drafts = min((self.draft_bytes, 0), key=lambda drafts: abs(main + drafts - tensor_bytes))
        ratio = tensor_bytes / max(1, main + drafts)
        notes = self.notes
        if abs(ratio - 1) > 0.05:
            notes += (f"the files hold {ratio:.2f} times the bytes that {document.CONFIG} tells of; the files count",)
        return dataclasses.replace(
            self,
            weight_bytes=round(self.weight_bytes * ratio),
            checkpoint_bytes=tensor_bytes,
            bytes_from=FROM_FILES,
            per_layer=tuple(each.scaled(ratio) for each in self.per_layer),
            first=self.first.scaled(ratio),
            last=self.last.scaled(ratio),
            copied=self.copied.scaled(ratio),
            notes=notes,
        )


def parse(text: str, quantization_text: str | None = None) -> ModelFacts:
    """The facts of a model.

    text: its config.json. quantization_text: its hf_quant_config.json, where ModelOpt puts what older releases of it
    do not put into config.json. Raises ModelError when either cannot be trusted.
    """
    whole = document.read(text)
    made = stack.build(whole)
    settings = quantization.read(whole)
    if settings is None and quantization_text is not None:
        path = "hf_quant_config.json"
        settings = quantization.of_settings(Fields(document.parse_object(quantization_text, path), path), whole)
    return _facts(whole, made, settings)


def _facts(whole: Document, made: stack.Stack, settings: Quantization | None) -> ModelFacts:
    fields = whole.text
    dtype, dtype_bytes, written = document.dtype(whole)
    loaded = _Sizes(settings, min(dtype_bytes, _LOADED_BYTES))
    stored = _Sizes(settings, dtype_bytes)
    outside = [weight for weight in made.weights if weight.layer is None]
    last = [weight for weight in outside if weight.part in (OUTPUT, NORMS)]
    first = [weight for weight in outside if weight.part not in (OUTPUT, NORMS)]
    by_layer: list[list[Weight]] = [[] for _layer in made.feed_forwards]
    by_part: dict[str, int] = {}
    for weight in made.weights:
        by_part[weight.part] = by_part.get(weight.part, 0) + weight.parameters
        if weight.layer is not None:
            by_layer[weight.layer].append(weight)
    query, kv, dim, latent = _attention(fields, made)
    return ModelFacts(
        architectures=tuple(whole.architectures),
        model_type=whole.model_type,
        known=made.family is not None,
        layers=len(by_layer),
        hidden_size=made.hidden,
        vocabulary_size=made.vocabulary,
        tied=made.tied,
        attention_heads=query,
        kv_heads=kv,
        head_dim=dim,
        latent=latent,
        experts=layers.expert_count(fields) if EXPERTS in by_part else 0,
        experts_per_token=feed_forward.experts_per_token(fields) if EXPERTS in by_part else 0,
        expert_layers=made.feed_forwards.count(layers.EXPERTS),
        recurrent_heads=made.recurrent_heads,
        dense_width=max((w.rows for w in made.weights if w.module.endswith("mlp.up_proj") and w.linear), default=0),
        expert_width=feed_forward.expert_width(fields) if EXPERTS in by_part else 0,
        dtype=dtype,
        quantization=settings,
        multimodal=whole.vision is not None or whole.audio is not None,
        parameters=stack.parameters(made.weights),
        draft_parameters=stack.parameters(made.drafts),
        parameters_by_part=by_part,
        weight_bytes=loaded.total(made.weights),
        checkpoint_bytes=stored.total(made.weights) + stored.total(made.drafts),
        draft_bytes=stored.total(made.drafts),
        bytes_from=FROM_CONFIG,
        per_layer=tuple(loaded.split(weights) for weights in by_layer),
        first=loaded.split(first),
        last=loaded.split(last),
        copied=loaded.split(w for w in first if made.tied and w.module == "embed_tokens"),
        caches=made.caches,
        context=context.read(whole),
        notes=tuple(_notes(whole, made, settings, written)),
    )


def _attention(fields: Fields, made: stack.Stack) -> tuple[int, int, int, bool]:
    """Query heads, key/value heads, numbers a head, and whether attention is latent."""
    kinds = [cache for kept in made.caches for cache in kept if cache.kind != "state"]
    if not kinds:
        return 0, 0, 0, False
    query = attention.query_heads(fields)
    latent = next((cache for cache in kinds if cache.kind == "latent"), None)
    if latent is not None:
        return query, attention.kv_heads(fields, query), latent.width, True
    whole = next((cache for cache in kinds if cache.kind == "full"), kinds[0])
    return query, whole.heads, whole.key, False


class _Sizes:
    """Bytes of weights as they are written."""

    def __init__(self, settings: Quantization | None, dtype_bytes: int) -> None:
        self._settings = settings
        self._dtype_bytes = dtype_bytes

    def of(self, weight: Weight) -> int:
        scheme = self._settings.scheme(weight) if self._settings is not None else None
        if scheme is None:
            return weight.parameters * self._dtype_bytes
        return scheme.size(weight.rows, weight.columns) * weight.copies

    def total(self, weights: t.Iterable[Weight]) -> int:
        return sum(self.of(weight) for weight in weights)

    def split(self, weights: t.Iterable[Weight]) -> Bytes:
        sums = {SHARED: 0, HEADS: 0, EACH: 0, EXPERT: 0}
        for weight in weights:
            sums[weight.split] += self.of(weight)
        return Bytes(*sums.values())


def _notes(whole: Document, made: stack.Stack, settings: Quantization | None, written: bool) -> t.Iterator[str]:
    if made.family is None:
        name = whole.model_type or "(none written)"
        yield f"the kind of model {name!r} is not known, so it is counted as a plain decoder"
    if not written:
        yield "no dtype is written, so two bytes are counted for each parameter that is not quantized"
    if whole.vision is not None or whole.audio is not None:
        yield "the parts for pictures and sound are estimated, not counted"
    if settings is not None and not settings.known:
        yield f"how quantization {settings.method!r} writes weights is not known, so their bytes are an upper bound"
    taken = {**whole.text.taken, **(whole.vision.taken if whole.vision is not None else {})}
    if taken:
        values = ", ".join(f"{name}={value}" for name, value in sorted(taken.items()))
        yield f"the configuration leaves out what equals its library's defaults: {values}"
