# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GPU memory besides weights and cache: an estimate, in bytes a rank.

runtime + graphs + activations, at least 2 GiB:
  runtime      0.5 GiB of CUDA and its libraries; 1 GiB more for the buffers of NCCL where several ranks work together
  graphs       1 GiB of CUDA graphs, none with --enforce-eager
  activations  the larger of a step's widest layer, 2 x tokens x (4 hidden + query + 3 width / tensor) bytes, where
               experts count experts_per_token x (max(hidden, 2 width / tensor) + width / tensor) each token, and of
               sampling, four copies of the logits in four bytes: 16 x sequences x vocabulary
  pictures     2 GiB for models that read pictures or sound

What vLLM printed in public reports: Llama 3.1 8B on H100 (8192 tokens, 1024 sequences): activations 1.89 GiB, other
0.25 GiB; Qwen2.5 1.5B with 32768 tokens and 256 sequences: 2.02 GiB and 0.01 GiB, graphs 0.17 GiB; a model with experts
on four B300 (205 GiB of weights each): 3.75 GiB, other 1.63 GiB, graphs 0.14 GiB; Llama 4 Maverick: graphs 1.3 GiB.
"""

from __future__ import annotations

import dataclasses

from .config import ModelFacts
from .settings import GIB, Settings

_LEAST = 2 * GIB


@dataclasses.dataclass(frozen=True)
class Overhead:
    """Bytes a rank."""

    runtime: int
    graphs: int
    activations: int
    pictures: int

    @property
    def total(self) -> int:
        return max(_LEAST, self.runtime + self.graphs + self.activations + self.pictures)


def estimate(facts: ModelFacts, settings: Settings, gpu_memory: int) -> Overhead:
    """gpu_memory: bytes of a GPU; vLLM's defaults depend on it."""
    tokens, sequences = settings.batched_tokens(gpu_memory), settings.sequences(gpu_memory)
    numbers = 4 * facts.hidden_size + facts.attention_heads * facts.head_dim // settings.tensor
    dense = 3 * facts.dense_width // settings.tensor
    ranks = 1 if settings.expert_parallel else settings.tensor
    width = facts.expert_width // ranks
    experts = facts.experts_per_token * (max(facts.hidden_size, 2 * width) + width)
    forward = 2 * tokens * (numbers + max(dense, experts))
    sampling = 16 * min(sequences, tokens) * facts.vocabulary_size
    several = settings.ranks * settings.data > 1
    return Overhead(
        runtime=GIB // 2 + (GIB if several else 0),
        graphs=0 if settings.enforce_eager else GIB,
        activations=max(forward, sampling),
        pictures=2 * GIB if facts.multimodal else 0,
    )
