# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Feed-forward networks: one dense network a layer, or many experts and a router."""

from __future__ import annotations

from .families import Family
from .fields import Fields
from .layers import expert_count
from .weights import EACH, EXPERT, EXPERTS, FEED_FORWARD, ROUTER, SHARED_EXPERTS, Shelf

_DENSE = ("intermediate_size_mlp", "intermediate_size", "ffn_hidden_size", "n_inner", "ffn_dim", "d_ff", "ff_dim")
_EXPERT = ("moe_intermediate_size", "expert_ffn_hidden_size", "moe_ffn_hidden_size", "expert_dim")
_PER_TOKEN = ("num_experts_per_tok", "num_experts_per_token", "moe_topk", "moe_top_k", "moe_k", "top_k_experts")


def dense_width(fields: Fields, hidden: int) -> int:
    """Width of the dense network."""
    width = fields.integer(*_DENSE)
    if width is None:
        ratio = fields.integer("expansion_ratio", "mlp_ratio")  # MPT
        inner = fields.inner("ffn_config")
        width = inner.integer("ffn_hidden_size") if inner is not None else None
        return width or (ratio or 4) * hidden
    if fields.flag("block_auto_adjust_ff_dim"):  # LFM2
        scaled = int((fields.number("block_ffn_dim_multiplier") or 1.0) * (2 * width // 3))
        step = fields.integer_or(256, "block_multiple_of", least=1)
        return -(-scaled // step) * step
    return width


def expert_width(fields: Fields) -> int:
    """Width of one routed expert."""
    inner = fields.inner("ffn_config")  # DBRX
    if inner is not None and inner.has("ffn_hidden_size"):
        return inner.need_integer("ffn_hidden_size")
    found = fields.find(*_EXPERT)
    if found is not None and isinstance(found[1], list):  # Ernie VL: text and vision
        return max(fields.integers(*_EXPERT, least=1) or [1])
    return fields.integer(*_EXPERT) or fields.need_integer("intermediate_size", "ffn_hidden_size")


def experts_per_token(fields: Fields) -> int:
    """Routed experts that a token passes."""
    inner = fields.inner("ffn_config")
    if inner is not None and inner.has("moe_top_k"):
        return inner.integer_or(0, "moe_top_k")
    found = fields.find(*_PER_TOKEN)
    if found is not None and isinstance(found[1], list):
        return max(fields.integers(*_PER_TOKEN) or [0])
    return fields.integer_or(0, *_PER_TOKEN)


def shared_width(fields: Fields) -> int:
    """Width of all shared experts of a layer together; 0 without."""
    names = (
        "shared_expert_intermediate_size",
        "moe_shared_expert_intermediate_size",
        "shared_intermediate_size",
        "share_expert_dim",
        "share_expert_dims",
    )
    count_names = ("n_shared_experts", "num_shared_experts", "num_shared_expert", "moe_num_shared_experts")
    found = fields.find(*count_names)
    if found is not None and isinstance(found[1], list):
        count: int | None = max(fields.integers(*count_names) or [0])
    else:
        count = fields.integer(*count_names, least=0)
    width = fields.integer(*names, least=0)
    if width is not None:
        return width * (1 if count is None or fields.has("share_expert_dim") else count)
    return (count or 0) * expert_width(fields) if count else 0


def add_dense(shelf: Shelf, fields: Fields, family: Family, hidden: int, width: int) -> None:
    """The dense network of one layer."""
    bias = family.bias or fields.flag("mlp_bias", "use_mlp_bias")
    _network(shelf, "mlp", FEED_FORWARD, hidden, width, family.gated, bias=bias)


def add_experts(shelf: Shelf, fields: Fields, family: Family, hidden: int) -> None:
    """Router, routed and shared experts of one layer."""
    count, width = expert_count(fields), expert_width(fields)
    # Nemotron 3: experts work on a narrower vector.
    inside = fields.integer("moe_latent_size", least=0) or hidden
    if inside != hidden:
        shelf.matrix(f"{family.moe}.fc1_latent_proj", FEED_FORWARD, inside, hidden)
        shelf.matrix(f"{family.moe}.fc2_latent_proj", FEED_FORWARD, hidden, inside)
    routed = count + fields.integer_or(0, "zero_expert_num")  # LongCat: experts without weights
    shelf.matrix(f"{family.moe}.{family.router}", ROUTER, routed, hidden, split=EACH, linear=False)
    _network(
        shelf, f"{family.moe}.experts.0", EXPERTS, inside, width, family.gated, count, bias=family.bias, split=EXPERT
    )
    shared = shared_width(fields) or (width if family.shared_always else 0)
    if shared:
        _network(shelf, f"{family.moe}.{family.shared}", SHARED_EXPERTS, hidden, shared, family.gated)
    if shared and family.shared_gate:
        shelf.matrix(f"{family.moe}.shared_expert_gate", ROUTER, 1, hidden, split=EACH, linear=False)


def _network(
    shelf: Shelf,
    name: str,
    part: str,
    hidden: int,
    width: int,
    gated: bool,
    copies: int = 1,
    *,
    bias: bool = False,
    split: str = "shared",
) -> None:
    names = ("gate_proj", "up_proj") if gated else ("up_proj",)
    for each in names:
        shelf.matrix(f"{name}.{each}", part, width, hidden, copies=copies, bias=bias, split=split)
    shelf.matrix(f"{name}.down_proj", part, hidden, width, copies=copies, bias=bias, split=split)
