# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recurrent layers (Mamba, linear attention, short convolutions): weights, and the state of a sequence.

The shapes of the states are those that vLLM allocates (vllm/model_executor/layers/mamba/mamba_utils.py, 0.32).
"""

from __future__ import annotations

import typing as t

from .attention import Cache, query_heads
from .families import CONVOLUTION, GATED_DELTA, KIMI_DELTA, LIGHTNING, MAMBA1, MAMBA2
from .fields import Fields
from .weights import NORMS, RECURRENT, Shelf

_STATE_BYTES = 4  # a number of the recurrent state; engines may keep it in 2
_CONV_BYTES = 2

_INNER = ("mamba_intermediate_size", "mamba_d_ssm", "intermediate_size_mamba")
_EXPAND = ("mamba_expand", "expand")
_STATE = ("ssm_state_size", "mamba_d_state", "state_size")
_KERNEL = ("mamba_d_conv", "conv_kernel", "conv_kernel_size")
_HEADS = ("mamba_num_heads", "mamba_n_heads", "n_mamba_heads", "num_heads")
_HEAD_SIZE = ("mamba_head_dim", "mamba_d_head", "mamba_headdim", "head_dim")
_GROUPS = ("mamba_n_groups", "mamba_ngroups", "n_groups")


def add(shelf: Shelf, fields: Fields, kind: str, hidden: int) -> Cache:
    """The weights of a recurrent layer, and what it keeps of a sequence."""
    ways = {
        MAMBA1: _mamba1,
        MAMBA2: _mamba2,
        GATED_DELTA: _gated_delta,
        KIMI_DELTA: _kimi_delta,
        LIGHTNING: _lightning,
        CONVOLUTION: _convolution,
    }
    state, convolution = ways[kind](shelf, fields, hidden)
    return Cache("state", state=state * _STATE_BYTES + convolution * _CONV_BYTES)


def head_counts(fields: Fields, kinds: t.Container[str]) -> tuple[int, ...]:
    """Heads of the recurrent layers, which tensor-parallel ranks divide among them. kinds: of layers that there are."""
    names: list[tuple[str, ...]] = []
    if MAMBA2 in kinds:
        names += [_HEADS]
    if GATED_DELTA in kinds:
        names += [("linear_num_key_heads",), ("linear_num_value_heads",)]
    if LIGHTNING in kinds:
        names += [("num_attention_heads",)]
    found = [fields.integer(*each) for each in names]
    if KIMI_DELTA in kinds:
        own = fields.inner("linear_attn_config")
        found.append(own.integer("num_heads") if own is not None else fields.integer("linear_num_heads"))
    return tuple(count for count in found if count is not None)


def _mamba1(shelf: Shelf, fields: Fields, hidden: int) -> tuple[int, int]:
    inner = fields.integer(*_INNER) or fields.integer_or(2, *_EXPAND, least=1) * hidden
    size, kernel = fields.integer_or(16, *_STATE, least=1), fields.integer_or(4, *_KERNEL, least=1)
    rank = fields.integer("mamba_dt_rank") if not isinstance(fields.values.get("mamba_dt_rank"), str) else None
    rank = rank or fields.integer("time_step_rank") or -(-hidden // 16)
    shelf.matrix("mamba.in_proj", RECURRENT, 2 * inner, hidden)
    shelf.matrix("mamba.x_proj", RECURRENT, rank + 2 * size, inner)
    shelf.matrix("mamba.dt_proj", RECURRENT, inner, rank, bias=True)
    shelf.matrix("mamba.out_proj", RECURRENT, hidden, inner)
    shelf.matrix("mamba.conv1d", RECURRENT, inner, kernel, bias=True, linear=False)
    shelf.matrix("mamba.A_log", RECURRENT, inner, size + 1, linear=False)  # and D
    return inner * size, inner * (kernel - 1)


def _mamba2(shelf: Shelf, fields: Fields, hidden: int) -> tuple[int, int]:
    heads, each = fields.integer(*_HEADS), fields.integer(*_HEAD_SIZE)
    inner = fields.integer(*_INNER) or (
        heads * each if heads and each else fields.integer_or(2, *_EXPAND, least=1) * hidden
    )
    heads = heads or max(1, inner // (each or 64))
    size, kernel = fields.integer_or(128, *_STATE, least=1), fields.integer_or(4, *_KERNEL, least=1)
    mixed = inner + 2 * fields.integer_or(1, *_GROUPS, least=1) * size
    shelf.matrix("mixer.in_proj", RECURRENT, inner + mixed + heads, hidden)
    shelf.matrix("mixer.out_proj", RECURRENT, hidden, inner)
    shelf.matrix("mixer.conv1d", RECURRENT, mixed, kernel, bias=True, linear=False)
    shelf.vector("mixer.A_log", RECURRENT, 3 * heads)  # and D and dt_bias
    shelf.vector("mixer.norm", NORMS, inner)
    return inner * size, mixed * (kernel - 1)


def _gated_delta(shelf: Shelf, fields: Fields, hidden: int) -> tuple[int, int]:
    """Qwen3-Next and Qwen3.5."""
    key_heads, value_heads = fields.need_integer("linear_num_key_heads"), fields.need_integer("linear_num_value_heads")
    key, value = fields.need_integer("linear_key_head_dim"), fields.need_integer("linear_value_head_dim")
    kernel = fields.integer_or(4, "linear_conv_kernel_dim", least=1)
    keys, values = key_heads * key, value_heads * value
    shelf.matrix("linear_attn.in_proj_qkvz", RECURRENT, 2 * keys + 2 * values, hidden)
    shelf.matrix("linear_attn.in_proj_ba", RECURRENT, 2 * value_heads, hidden)
    shelf.matrix("linear_attn.out_proj", RECURRENT, hidden, values)
    shelf.matrix("linear_attn.conv1d", RECURRENT, 2 * keys + values, kernel, linear=False)
    shelf.vector("linear_attn.A_log", RECURRENT, 2 * value_heads)  # and dt_bias
    shelf.vector("linear_attn.norm", NORMS, value)
    return value_heads * key * value, (2 * keys + values) * (kernel - 1)


def _kimi_delta(shelf: Shelf, fields: Fields, hidden: int) -> tuple[int, int]:
    own = fields.inner("linear_attn_config")
    if own is not None:
        heads, each = own.need_integer("num_heads"), own.need_integer("head_dim")
        kernel = own.integer_or(4, "short_conv_kernel_size", least=1)
    else:
        heads, each = fields.need_integer("linear_num_heads"), fields.need_integer("linear_head_dim")
        kernel = fields.integer_or(4, "linear_conv_kernel_dim", least=1)
    inner = heads * each
    for name in ("q_proj", "k_proj", "v_proj"):
        shelf.matrix(f"self_attn.{name}", RECURRENT, inner, hidden)
    for name in ("f", "g"):
        shelf.matrix(f"self_attn.{name}_a_proj", RECURRENT, each, hidden)
        shelf.matrix(f"self_attn.{name}_b_proj", RECURRENT, inner, each)
    shelf.matrix("self_attn.b_proj", RECURRENT, heads, hidden)
    shelf.matrix("self_attn.o_proj", RECURRENT, hidden, inner)
    shelf.matrix("self_attn.conv1d", RECURRENT, 3 * inner, kernel, linear=False)
    shelf.vector("self_attn.dt_bias", RECURRENT, inner + heads)  # and A_log
    shelf.vector("self_attn.o_norm", NORMS, each)
    return heads * each * each, 3 * inner * (kernel - 1)


def _lightning(shelf: Shelf, fields: Fields, hidden: int) -> tuple[int, int]:
    """MiniMax."""
    heads = query_heads(fields)
    each = fields.integer("head_dim") or max(1, hidden // heads)
    inner = heads * each
    shelf.matrix("self_attn.qkv_proj", RECURRENT, 3 * inner, hidden)
    shelf.matrix("self_attn.out_proj", RECURRENT, hidden, inner)
    shelf.matrix("self_attn.output_gate", RECURRENT, inner, hidden)
    shelf.vector("self_attn.norm", NORMS, inner)
    return heads * each * each, 0


def _convolution(shelf: Shelf, fields: Fields, hidden: int) -> tuple[int, int]:
    """LFM2."""
    kernel = fields.integer_or(3, "conv_L_cache", least=1)
    width = fields.integer_or(hidden, "conv_dim", least=1)
    shelf.matrix("conv.in_proj", RECURRENT, 3 * width, hidden)
    shelf.matrix("conv.out_proj", RECURRENT, hidden, width)
    shelf.matrix("conv.conv", RECURRENT, width, kernel, linear=False)
    return 0, width * (kernel - 1)
