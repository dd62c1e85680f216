# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's settings that its memory depends on."""

from __future__ import annotations

import dataclasses

from ..releases.versions import parse as parse_version
from .config import ModelFacts
from .errors import ModelError

GIB = 2**30


@dataclasses.dataclass(frozen=True)
class Settings:
    """How an engine is to run; None is what vLLM takes by itself.

    tensor, pipeline, data, decode_context: parallel sizes. expert_parallel: tensor x data ranks hold whole experts.
    max_model_len: tokens of a request. concurrency: requests of that length that must fit at once.
    utilization: share of a GPU's memory. version: the release, None for the newest.
    """

    tensor: int = 1
    pipeline: int = 1
    data: int = 1
    decode_context: int = 1
    expert_parallel: bool = False
    max_model_len: int | None = None
    concurrency: int = 1
    max_num_batched_tokens: int | None = None
    max_num_seqs: int | None = None
    utilization: float | None = None
    kv_cache_dtype: str = "auto"
    enforce_eager: bool = False
    version: str | None = None

    @property
    def ranks(self) -> int:
        return self.tensor * self.pipeline

    def length(self, facts: ModelFacts) -> int:
        return self.max_model_len or facts.context.limit

    def share(self) -> float:
        """Share of a GPU's memory that the engine takes: 0.9 up to 0.19.x, 0.92 from 0.20.0 on."""
        if self.utilization is not None:
            return self.utilization
        return 0.9 if self.version is not None and parse_version(self.version) < parse_version("0.20.0") else 0.92

    def batched_tokens(self, gpu_memory: int) -> int:
        """Tokens of one step. The API server's defaults by GPU (vllm/engine/arg_utils.py, 0.32)."""
        if self.max_num_batched_tokens is not None:
            return self.max_num_batched_tokens
        return 16384 if gpu_memory >= 160 * GIB else 8192 if gpu_memory >= 70 * GIB else 2048

    def sequences(self, gpu_memory: int) -> int:
        """Requests of one step, likewise."""
        if self.max_num_seqs is not None:
            return self.max_num_seqs
        return 1024 if gpu_memory >= 70 * GIB else 256

    def check(self, facts: ModelFacts) -> None:
        """Raises ModelError for a setting that no engine can have."""
        try:
            parse_version(self.version or "0.0.0")
        except ValueError as error:
            raise ModelError("vllm_version", self.version, str(error), "write a release such as 0.32.0") from None
        for name in ("tensor", "pipeline", "data", "decode_context", "concurrency"):
            if getattr(self, name) < 1:
                raise ModelError(name, getattr(self, name), "is less than 1", "write a number from 1 on")
        for name in ("max_model_len", "max_num_batched_tokens", "max_num_seqs"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ModelError(name, value, "is less than 1", "write a number from 1 on, or leave it out")
        if not 0 < self.share() <= 1:
            raise ModelError("gpu_memory_utilization", self.utilization, "is not above 0 and at most 1", "write 0.9")
        if self.max_model_len is not None and self.max_model_len > facts.context.longest:
            raise ModelError(
                "max_model_len",
                self.max_model_len,
                f"is more than the model takes ({facts.context.longest}: {facts.context.why})",
                f"write {facts.context.longest} or less",
            )
