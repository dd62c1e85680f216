# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Layers whose sizes differ from those of the model as a whole."""

from __future__ import annotations

import typing as t

from .families import FULL, NOTHING, SLIDING
from .fields import Fields


def of_layer(fields: Fields, at: int, mixer: str) -> Fields:
    """The configuration as layer ``at`` sees it."""
    changed: dict[str, t.Any] = {}
    if mixer == SLIDING:
        changed.update(_sliding(fields))
    elif mixer == FULL and fields.has("layer_types"):
        changed.update(_global(fields))
    per_layer = fields.inner("per_layer_config")
    if per_layer is not None:
        for name, values in per_layer.values.items():
            if name.isdecimal() and int(name) == at and isinstance(values, dict):
                changed.update(values)
    counts = fields.per_layer(at + 1, "num_attention_heads_per_layer")
    if counts is not None:
        changed["num_attention_heads"] = counts[at]
    changed.update(_listed(fields, at))
    return fields.changed(changed) if changed else fields


def _sliding(fields: Fields) -> dict[str, t.Any]:
    """MiMo writes the sliding layers' sizes under ``swa_``, Step under ``attention_other_setting``."""
    changed: dict[str, t.Any] = {"attention_k_eq_v": False}  # Gemma 4 has such values in full layers only
    changed.update((name[4:], value) for name, value in fields.values.items() if name.startswith("swa_"))
    other = fields.inner("attention_other_setting")
    changed.update(other.values if other is not None else {})
    return {name: value for name, value in changed.items() if value is not None}


def _global(fields: Fields) -> dict[str, t.Any]:
    """Gemma 4 writes the full layers' sizes under names of their own."""
    names = {"global_head_dim": "head_dim", "num_global_key_value_heads": "num_key_value_heads"}
    return {name: fields.values[other] for other, name in names.items() if fields.values.get(other) is not None}


def _listed(fields: Fields, at: int) -> dict[str, t.Any]:
    """Sizes that are lists, one item a layer."""
    names = ("num_attention_heads", "num_key_value_heads", "intermediate_size", "num_experts", "moe_intermediate_size")
    lists = {name: fields.values[name] for name in names if isinstance(fields.values.get(name), list)}
    return {name: items[at] for name, items in lists.items() if at < len(items)}


def blocks(fields: Fields, layers: int) -> list[Fields] | None:
    """The blocks of a model found by architecture search (Nemotron): what each of them keeps of a whole layer."""
    found = fields.find("block_configs")
    if found is None:
        return None
    name, items = found
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise fields.error(name, items, "is not a list of objects")
    return [
        Fields(item, fields.where(f"{name}[{at}]")) for at, item in enumerate(fields.of_layers(name, items, layers))
    ]


def block_attention(block: Fields, query_heads: int) -> dict[str, t.Any] | str:
    """What a block does to the attention of its layer: other sizes, or ``nothing`` when it has none."""
    attention = block.inner("attention")
    if attention is None or attention.flag("no_op") or attention.flag("replace_with_linear"):
        return NOTHING
    group = attention.integer("n_heads_in_group")
    return {"num_key_value_heads": query_heads // group} if group else {}


def block_width(block: Fields, fields: Fields) -> int:
    """Width of a block's feed-forward network; 0 when it has none. The multiplier rule is Nemotron's own."""
    network = block.inner("ffn")
    if network is None or network.flag("no_op") or network.flag("replace_with_linear"):
        return 0
    width = network.integer("intermediate_size")
    if width is not None:
        return width
    multiplier = network.number("ffn_mult")
    if multiplier is None:
        return fields.need_integer("intermediate_size")
    width = int(2 * multiplier * fields.need_integer("hidden_size") / 3)
    return -(-width // 256) * 256
