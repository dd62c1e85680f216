# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why the parts of a layout that nobody wrote are as they are, for a person."""

from __future__ import annotations

import typing as t

from ..models import parallelism
from ..models.config import ModelFacts
from .advice import Room


def divides(facts: ModelFacts, room: Room, sizes: t.Mapping[str, t.Any]) -> str:
    """Why the tensor size of these sizes goes with the model and the GPUs."""
    tensor = sizes["tensor"]
    if tensor == 1 and sizes["pipeline"] > 1:
        return "one GPU holds a stage"
    if tensor == 1:
        shared = sizes["data"] > 1 and facts.is_moe
        return "one GPU holds all but the experts, which the ranks share" if shared else "one GPU holds the model"
    link = room.linked.get(tensor)
    joined = f"{tensor} GPUs joined by {link}" if link else f"{tensor} GPUs, not all joined by NVLink"
    return f"{facts.attention_heads} attention heads divide by {tensor}, {joined}"


def stages(
    facts: ModelFacts,
    room: Room,
    sizes: t.Mapping[str, t.Any],
    hosts: int,
    *,
    expert_parallel: bool,
    version: str,
) -> str:
    """Why there are so many pipeline stages, and not more tensor parallelism."""
    count, ranks = sizes["pipeline"], sizes["tensor"] * sizes["pipeline"]
    if hosts > 1:
        return over_hosts(count, hosts)
    refusal = parallelism.tensor_refusal(facts, ranks, expert_parallel=expert_parallel, version=version)
    if refusal is not None:
        return f"{count} stages in one host: no tensor parallelism over {ranks} GPUs, {refusal.rule}"
    if ranks not in room.linked:
        return f"{count} stages in one host: the GPUs' best links join no more than a stage's"
    return f"{count} stages in one host: each GPU holds less than with tensor parallelism over {ranks}"


def over_hosts(count: int, hosts: int) -> str:
    """Why an engine of several hosts has stages."""
    if hosts == 1:
        return f"{count} stages in one host"
    each = "one stage a host" if count == hosts else f"{count // hosts} stages a host"
    return f"{each}, {hosts} hosts: tensor parallelism stays inside a host"
