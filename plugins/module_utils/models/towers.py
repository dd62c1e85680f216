# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts that read pictures and sound: about how many weights they have.

They are a few percent of a model, so one plain transformer with the sizes that the configuration gives stands for all.
"""

from __future__ import annotations

from .fields import Fields
from .weights import AUDIO, VISION, Shelf

_WIDTH = ("vt_hidden_size", "embed_dim", "hidden_size", "width", "d_model")
_DEPTH = ("vt_num_hidden_layers", "depth", "num_hidden_layers", "num_layers", "layers", "encoder_layers")
_INNER = ("vt_intermediate_size", "intermediate_size", "mlp_dim", "encoder_ffn_dim", "ffn_dim")
_MERGE = ("spatial_merge_size", "merge_size")

#: Vision transformers whose feed-forward network has a gate.
_GATED = ("pixtral", "qwen2_5_vl", "qwen2_5_omni", "glm4v", "glm46v", "glmga", "exaone4_5")
#: Those whose output passes a network as wide as the patches that it joins (Qwen, Kimi), and the GLM ones.
_MERGING = (
    "qwen2_vl",
    "qwen2_5_vl",
    "qwen2_5_omni",
    "qwen3_vl",
    "qwen3_omni",
    "qwen3_5",
    "exaone4_5",
    "kimi",
    "moonvit",
)
_GLM = ("glm4v", "glm46v", "glmga")


def add_vision(shelf: Shelf, top: Fields, fields: Fields, text_width: int, text_inner: int) -> None:
    """A vision transformer and the network that hands its output to the language model.

    top: the whole configuration. text_width, text_inner: the language model's widths.
    """
    width = _size(fields, *_WIDTH)
    if width is None:
        return
    kinds = (fields.text("model_type") or "", top.text("model_type") or "")
    gated = _any(kinds, _GATED)
    inner = _inner(fields, width)
    if _any(kinds, _GLM):  # intermediate_size is the merger's
        text_inner, inner = inner, fields.integer_or(width, "out_hidden_size")
    _add_blocks(shelf, "vision", fields.integer_or(0, *_DEPTH, most=1000), width, inner, 3 if gated else 2)
    patch = area(fields, 196, "patch_size")
    channels = fields.integer_or(3, "in_channels", "num_channels", "in_chans")
    pixels = patch * channels * fields.integer_or(1, "temporal_patch_size", least=1)
    shelf.matrix("vision.patch_embed", VISION, width, pixels, linear=False)
    positions = fields.integer("num_position_embeddings") or area(fields, 0, "image_size") // patch
    if not gated:
        shelf.matrix("vision.position", VISION, max(1, positions), width, linear=False)
    joined = width * _joined(top, fields)
    out = fields.integer("out_hidden_size") or text_width
    if _any(kinds, _MERGING):
        count = 1 + len(fields.integers("deepstack_visual_indexes") or [])
        shelf.matrix("vision.merger", VISION, joined + out, joined, copies=count, bias=True, linear=False)
    elif _any(kinds, _GLM):
        shelf.matrix("vision.merger", VISION, joined + out + 3 * text_inner, out, linear=False)
    else:
        shelf.matrix("vision.projector", VISION, text_width, joined + text_width, bias=True, linear=False)


def add_audio(shelf: Shelf, fields: Fields, text_width: int) -> None:
    """A Whisper-like encoder and its projection."""
    width = _size(fields, "d_model", *_WIDTH)
    if width is None:
        return
    _add_blocks(
        shelf, "audio", fields.integer_or(0, "encoder_layers", *_DEPTH, most=1000), width, _inner(fields, width), 2
    )
    columns = 3 * (width + fields.integer_or(80, "num_mel_bins"))
    shelf.matrix("audio.conv", AUDIO, width, columns, linear=False)
    shelf.matrix("audio.projector", AUDIO, text_width, width, bias=True, linear=False)


def _add_blocks(shelf: Shelf, part: str, depth: int, width: int, inner: int, matrices: int) -> None:
    shelf.matrix(f"{part}.blocks.attn", part, 4 * width, width, copies=depth, bias=True, linear=False)
    shelf.matrix(f"{part}.blocks.mlp", part, matrices * inner, width, copies=depth, bias=True, linear=False)
    shelf.vector(f"{part}.blocks.norm", part, 5 * width, copies=depth)


def _joined(top: Fields, fields: Fields) -> int:
    """Patches that become one token."""
    for level in (fields, top):
        if level.has("merge_kernel_size"):
            return area(level, 1, "merge_kernel_size")
        side = level.integer(*_MERGE)
        if side is not None:
            return side**2
    ratio = top.number("downsample_ratio") or fields.number("pixel_shuffle_ratio") or 1.0
    return max(1, round(1 / ratio**2)) if 0.05 < ratio < 1 else 1


def area(fields: Fields, default: int, name: str) -> int:
    """A square written as its side, or a rectangle as a list of two."""
    found = fields.find(name)
    if found is None:
        return default
    if isinstance(found[1], list):
        sides = fields.integers(name, least=1, most=2**15) or []
        return sides[0] * sides[-1] if sides else default
    return fields.integer_or(1, name, most=2**15) ** 2 or default


def _any(kinds: tuple[str, str], prefixes: tuple[str, ...]) -> bool:
    return any(kind.startswith(prefixes) for kind in kinds)


def _inner(fields: Fields, width: int) -> int:
    written = _size(fields, *_INNER)
    return written or int((fields.number("mlp_ratio") or 4) * width)


def _size(fields: Fields, *names: str) -> int | None:
    return fields.integer(*names, most=2**20)
