# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a text a model takes."""

from __future__ import annotations

import json
import typing as t

from . import document as documents
from .document import Document
from .fields import LARGEST, Fields

# As vLLM 0.32 looks for them (model_arch_config_convertor.py, derive_max_model_len_and_key); the smallest counts.
_LENGTHS = (
    "max_position_embeddings",
    "n_positions",
    "max_seq_len",
    "seq_length",
    "max_target_positions",
    "max_sequence_length",
    "max_seq_length",
    "seq_len",
)
_ASSUMED = 2048  # what vLLM takes when nothing is written
#: What tells positions, and nothing of any other size.
_POSITIONS = (
    *_LENGTHS,
    "model_max_length",
    "original_max_position_embeddings",
    "partial_rotary_factor",
    "rope_parameters",
    "rope_scaling",
    "rope_theta",
)
_UNSCALED = ("su", "longrope", "llama3", "default", "proportional", "mrope")


class Context(t.NamedTuple):
    """limit: tokens that vLLM takes when it is not told (config/model.py, _get_and_verify_max_len, of 0.32).

    longest: tokens that it accepts when told; with YaRN, releases before that reading came (vLLM pull request 56446)
    take so many without being told. why: where the limit comes from.
    """

    limit: int
    longest: int
    why: str


def read(document: Document) -> Context:
    """The context lengths of a model. Raises ModelError for a length that is no number."""
    fields = document.text
    written = [(value, name) for name in _LENGTHS for value in [fields.integer(name)] if value is not None]
    limit, why = min(written) if written else (_ASSUMED, "nothing is written, so vLLM assumes it")
    own = fields.integer("model_max_length")  # Cohere
    if own is not None:
        limit, why = own, "model_max_length"
    longest = limit
    for rope in _ropes(fields) or _ropes(document.top):
        kind = rope.text("rope_type", "type") or "default"
        factor = rope.number("factor") or 1.0
        original = rope.integer("original_max_position_embeddings") or fields.integer(
            "original_max_position_embeddings"
        )
        if "yarn" in kind:
            longest = max(longest, _scaled(original or limit, factor))
        elif kind == "longrope" and original:
            limit, why = original, "original_max_position_embeddings, as with any longrope"
        elif kind not in _UNSCALED and factor > 1 and "gemma3" not in document.model_type:
            limit, why = _scaled(limit, factor), f"{why} x {factor:g} ({kind})"
            longest = max(longest, limit)
            break
    return Context(limit, max(limit, longest), why)


def only_positions(overrides: t.Mapping[str, t.Any]) -> bool:
    """Whether values that go over a configuration change nothing but positions."""
    return all(
        name in _POSITIONS or (name in documents.PARTS and isinstance(value, dict) and only_positions(value))
        for name, value in overrides.items()
    )


def overridden(text: str, overrides: t.Mapping[str, t.Any]) -> Context:
    """The context lengths of a config.json with values put over it, as ``hf_overrides`` does. Raises ModelError."""
    values = documents.parse_object(text, documents.CONFIG)
    _put(values, overrides)
    return read(documents.read(json.dumps(values, default=str)))


def _put(values: dict[str, t.Any], overrides: t.Mapping[str, t.Any]) -> None:
    for name, value in overrides.items():
        inner = values.get(name)
        if name in documents.PARTS and isinstance(inner, dict) and isinstance(value, dict):
            _put(inner, value)
        else:
            values[name] = value


def _scaled(length: int, factor: float) -> int:
    return min(int(length * factor), LARGEST)


def _ropes(fields: Fields) -> list[Fields]:
    """The settings of rotary positions: one for all layers, or one for each kind of layer."""
    found = []
    for name in ("rope_parameters", "rope_scaling"):
        outer = fields.inner(name)
        if outer is None:
            continue
        inner = [each for each in outer.values if isinstance(outer.values[each], dict)]
        found += [Fields(outer.values[each], outer.where(each)) for each in inner] or [outer]
    return found
