# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""config.json as a whole: where in it the language model is described, and where the other parts are."""

from __future__ import annotations

import dataclasses
import json
import typing as t

from .errors import ModelError
from .fields import Fields
from .omitted import OMITTED

CONFIG = "config.json"

#: Where configurations of several parts put the language model, in the order in which they are looked up.
_TEXT = ("thinker_config", "text_config", "language_config", "llm_config", "language_model_config", "decoder")
_VISION = ("vision_config", "visual", "vision_tower_config", "vit_config")
_AUDIO = ("audio_config", "audio_encoder_config", "speech_config", "whisper_config")

#: Every name of a part.
PARTS = (*_TEXT, *_VISION, *_AUDIO)

#: Values that the library computes where they are not written: by the kinds of models and from what.
_COMPUTED: t.Mapping[str, tuple[frozenset[str], tuple[str, ...]]] = {
    "head_dim": (
        frozenset(("cohere2", "llama", "mistral", "qwen3_vl_moe_text")),
        ("hidden_size", "num_attention_heads"),
    ),
    "num_key_value_heads": (frozenset(("cohere2", "granite", "llama", "phi3")), ("num_attention_heads",)),
}

_DTYPE_BYTES: t.Mapping[str, int] = {
    "bfloat16": 2,
    "bf16": 2,
    "float16": 2,
    "half": 2,
    "fp16": 2,
    "float32": 4,
    "float": 4,
    "fp32": 4,
    "float64": 8,
    "double": 8,
    "float8_e4m3fn": 1,
    "float8_e5m2": 1,
}


@dataclasses.dataclass(frozen=True)
class Document:
    """top: the whole. text: the language model. vision, audio: their configurations, or None."""

    top: Fields
    text: Fields
    vision: Fields | None
    audio: Fields | None

    @property
    def model_type(self) -> str:
        """Of the language model; of the whole where it says nothing."""
        return self.text.text("model_type") or self.top.text("model_type") or ""

    @property
    def architectures(self) -> list[str]:
        return self.top.texts("architectures") or self.text.texts("architectures") or []


def parse_object(text: str, path: str) -> dict[str, t.Any]:
    """A JSON object. Raises ModelError for anything else."""
    try:
        found = json.loads(text)
    except RecursionError:
        raise ModelError(path, None, "is nested too deep", "take the file from the model's repository again") from None
    except ValueError as error:
        raise ModelError(
            path, None, f"is not JSON ({error})", "take the file from the model's repository again"
        ) from None
    if not isinstance(found, dict):
        raise ModelError(path, found, "is not a JSON object", "take the file from the model's repository again")
    return found


def read(text: str) -> Document:
    """The parts of a config.json. Raises ModelError."""
    top = Fields(parse_object(text, CONFIG), CONFIG)
    level = top
    for _depth in range(3):  # thinker_config.text_config is the deepest known
        found = next((name for name in _TEXT if isinstance(level.values.get(name), dict) and level.values[name]), None)
        if found is None:
            break
        level = Fields(level.values[found], level.where(found))
    model_type = level.text("model_type") or top.text("model_type") or ""
    # Only parts are saved without their library's defaults; what the whole lacks is missing.
    language = Fields(level.values, level.path, _defaults(level.values, model_type) if level is not top else {})
    holders = (top, top.inner("thinker_config") or top)
    return Document(top, language, _part(holders, _VISION), _part(holders, _AUDIO))


def _defaults(values: t.Mapping[str, t.Any], model_type: str) -> dict[str, t.Any]:
    """What a part of this kind leaves out, but for what its library computes from sizes that are written."""
    defaults = dict(OMITTED.get(model_type, {}))
    for name, (kinds, bases) in _COMPUTED.items():
        if model_type in kinds and any(values.get(base, defaults.get(base)) != defaults.get(base) for base in bases):
            defaults.pop(name, None)
    return defaults


def _part(holders: t.Sequence[Fields], names: t.Sequence[str]) -> Fields | None:
    for holder in holders:
        for name in names:
            if isinstance(holder.values.get(name), dict) and holder.values[name]:
                inner = holder.values[name]
                return Fields(inner, holder.where(name), OMITTED.get(str(inner.get("model_type")), {}))
    return None


def dtype(document: Document) -> tuple[str, int, bool]:
    """The numbers that weights are written in: name, bytes each, and whether the configuration says so."""
    for level in (document.text, document.top):
        name = level.text("dtype", "torch_dtype")
        if name is not None:
            name = name.rsplit(".", maxsplit=1)[-1]
            if name == "auto":
                continue
            if name not in _DTYPE_BYTES:
                raise level.error("torch_dtype", name, f"is none of {', '.join(sorted(_DTYPE_BYTES))}")
            return name, _DTYPE_BYTES[name], True
    return "bfloat16", 2, False
