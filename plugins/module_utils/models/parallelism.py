# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which parallel sizes a model can be split into, and why others fail.

Rules and their sources: ``vllm/config/model.py`` (verify_with_parallel_config, get_num_kv_heads), ``layers/linear.py``
(QKVParallelLinear), ``quantization/utils/fp8_utils.py`` (block shapes), ``fused_moe/config.py`` (experts) of vLLM 0.32;
the same since 0.7, those of decode context parallelism since 0.12.
"""

from __future__ import annotations

import typing as t

from ..releases.versions import parse as parse_version
from .config import ModelFacts
from .errors import ModelError
from .settings import Settings

_MOST = 1024


class Refusal(t.NamedTuple):
    """rule: what a size breaks. fix: what to choose instead."""

    rule: str
    fix: str


def tensor_sizes(
    facts: ModelFacts, most: int = _MOST, *, expert_parallel: bool = False, version: str | None = None
) -> list[int]:
    """Tensor-parallel sizes that work, ascending, up to ``most``. version: the release of vLLM, None for the newest."""
    sizes = range(1, min(most, max(1, facts.attention_heads or facts.hidden_size)) + 1)
    return [size for size in sizes if _tensor_rule(facts, size, expert_parallel, version) is None]


def tensor_refusal(
    facts: ModelFacts, size: int, *, expert_parallel: bool = False, version: str | None = None
) -> Refusal | None:
    """Why this tensor-parallel size cannot work; None when it can."""
    rule = _tensor_rule(facts, size, expert_parallel, version)
    if rule is None:
        return None
    working = tensor_sizes(facts, max(2 * size, 8), expert_parallel=expert_parallel, version=version)
    return Refusal(rule, f"use one of {', '.join(str(each) for each in working)}")


def _tensor_rule(facts: ModelFacts, size: int, expert_parallel: bool, version: str | None) -> str | None:
    if size < 1:
        return "must be at least 1"
    if facts.attention_heads % size:
        return f"{facts.attention_heads} attention heads are not divisible by {size}"
    kept = {cache.heads for layer in facts.caches for cache in layer if cache.heads and cache.kind != "latent"}
    for kv in sorted(kept):
        if size % kv if size >= kv else kv % size:
            return f"{kv} key/value heads and tensor parallel size {size} do not divide one another"
    for heads in facts.recurrent_heads:
        if heads % size:
            return f"{heads} heads of the recurrent layers are not divisible by {size}"
    if facts.dense_width % size:
        return f"the feed-forward width {facts.dense_width} is not divisible by {size}"
    return _block_rule(facts, "feed-forward", facts.dense_width, size) or (
        None if expert_parallel else _experts_rule(facts, size, version)
    )


def _experts_rule(facts: ModelFacts, ranks: int, version: str | None) -> str | None:
    """Experts that are not spread: every rank of tensor x data holds a part of each."""
    if facts.expert_width % ranks:
        return f"the experts' width {facts.expert_width} is not divisible by {ranks}"
    # Newer releases cut the blocks of experts; of the releases that were read the first that does is 0.32.0
    # (fused_moe/oracle/fp8.py), the last issue about one that does not is vllm-project/vllm 54178.
    rule = _block_rule(facts, "experts'", facts.expert_width, ranks)
    return None if rule is None or version is None or parse_version(version) >= parse_version("0.32.0") else rule


def _block_rule(facts: ModelFacts, name: str, width: int, ranks: int) -> str | None:
    """fp8 weights in blocks: a rank's part of a matrix must be whole blocks."""
    block = facts.quantization.block if facts.quantization is not None else None
    part = width // ranks
    if block is None or ranks == 1 or not (part % block[0] or part % block[1]):
        return None
    return (
        f"the {name} width {width} leaves {part} for each rank, "
        f"which is no multiple of the {block[0]}x{block[1]} blocks of its fp8 weights"
    )


def data_refusal(
    facts: ModelFacts, tensor: int, data: int, *, expert_parallel: bool = False, version: str | None = None
) -> Refusal | None:
    """Why this data-parallel size cannot work beside a tensor-parallel size that does.

    Experts are no part of the copies: tensor x data ranks share them, each a part of every one, or whole ones.
    """
    rule = _data_rule(facts, tensor, data, expert_parallel, version)
    if rule is None:
        return None
    sizes = range(1, max(2 * data, 8) + 1)
    working = [size for size in sizes if _data_rule(facts, tensor, size, expert_parallel, version) is None]
    fix = f"use one of {', '.join(str(each) for each in working)}"
    if not expert_parallel and _data_rule(facts, tensor, data, True, version) is None:
        fix = f"spread the experts (expert: true), or {fix}"
    return Refusal(rule, fix)


def _data_rule(facts: ModelFacts, tensor: int, data: int, expert_parallel: bool, version: str | None) -> str | None:
    if data < 1:
        return "must be at least 1"
    if data == 1 or not facts.expert_width or (expert_parallel and spreads(tensor, data, version)):
        return None
    rule = _experts_rule(facts, tensor * data, version)
    return f"tensor {tensor} x data {data} ranks share each expert, and {rule}" if rule else None


def spreads(tensor: int, data: int, version: str | None) -> bool:
    """Whether these ranks hold whole experts when told to; before 0.8.4 data alone did not (fused_moe/layer.py)."""
    return tensor > 1 or (data > 1 and (version is None or parse_version(version) >= parse_version("0.8.4")))


def most_experts(facts: ModelFacts, ranks: int, version: str | None) -> int:
    """Experts of a layer on the rank that holds most, where whole ones are spread.

    What is left over goes one each to the first ranks; before 0.10.1 all of it to the last (determine_expert_map).
    """
    if version is not None and parse_version(version) < parse_version("0.10.1"):
        return facts.experts // ranks + facts.experts % ranks
    return -(-facts.experts // ranks)


def check(facts: ModelFacts, settings: Settings) -> None:
    """Raises ModelError for the first parallel size that cannot work."""
    tensor, spread = settings.tensor, settings.expert_parallel
    found = (
        ("tensor", tensor, tensor_refusal(facts, tensor, expert_parallel=spread, version=settings.version)),
        ("pipeline", settings.pipeline, pipeline_refusal(facts, settings.pipeline)),
        ("expert_parallel", spread, expert_refusal(facts) if spread else None),
        (
            "data",
            settings.data,
            data_refusal(facts, tensor, settings.data, expert_parallel=spread, version=settings.version)
            if tensor > 0
            else None,
        ),
        (
            "decode_context",
            settings.decode_context,
            decode_context_refusal(facts, tensor, settings.decode_context) if tensor > 0 else None,
        ),
    )
    for name, value, refusal in found:
        if refusal is not None:
            raise ModelError(name, value, *refusal)


def pipeline_refusal(facts: ModelFacts, size: int) -> Refusal | None:
    """Why this pipeline-parallel size cannot work. Layers may be divided unevenly."""
    if 1 <= size <= max(1, facts.layers):
        return None
    return Refusal(f"{facts.layers} layers cannot make {size} stages", f"use 1 to {facts.layers}")


def expert_refusal(facts: ModelFacts) -> Refusal | None:
    """Why experts cannot be spread over ranks (--enable-expert-parallel)."""
    if facts.is_moe:
        return None
    return Refusal("the model has no experts", "leave expert parallelism out")


def decode_context_sizes(facts: ModelFacts, tensor: int) -> list[int]:
    """Decode-context-parallel sizes that work with this tensor-parallel size, ascending."""
    return [size for size in range(1, tensor + 1) if _decode_context_rule(facts, tensor, size) is None]


def decode_context_refusal(facts: ModelFacts, tensor: int, size: int) -> Refusal | None:
    """Why this decode-context-parallel size cannot work beside this tensor-parallel size."""
    rule = _decode_context_rule(facts, tensor, size)
    if rule is None:
        return None
    shown = ", ".join(str(each) for each in decode_context_sizes(facts, tensor))
    return Refusal(rule, f"with tensor parallel size {tensor} use one of {shown}")


def _decode_context_rule(facts: ModelFacts, tensor: int, size: int) -> str | None:
    if size == 1:
        return None
    if size < 1 or tensor % size:
        return f"it does not divide the tensor parallel size {tensor}"
    if facts.latent:
        return None
    kv = max(1, facts.kv_heads)
    if tensor <= kv:
        return f"the tensor parallel size {tensor} is not above the {facts.kv_heads} key/value heads"
    if size > tensor // kv:
        return f"{tensor} ranks hold only {tensor // kv} copies of each of the {kv} key/value heads"
    if facts.attention_heads // kv % size:
        return f"{facts.attention_heads // kv} query heads for each key/value head are not divisible by {size}"
    return None


def stage_layers(layers: int, stages: int) -> list[int]:
    """Layers of each pipeline stage, as vLLM divides them (distributed/utils.py, get_pp_indices).

    What is left over goes to the stages before the last, from the back.
    """
    counts = [layers // stages] * stages
    for at in range(2, layers % stages + 2):
        counts[-at] += 1
    return counts
