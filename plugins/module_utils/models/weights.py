# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One entry for each kind of matrix or vector that a checkpoint holds."""

from __future__ import annotations

import typing as t

# How the ranks of a tensor-parallel group share a weight.
SHARED = "shared"  # an equal part each
HEADS = "heads"  # by key/value head: at least one head each, so copies beyond their number
EACH = "each"  # a whole copy each
EXPERT = "expert"  # a part each, or whole experts with expert parallelism

# What a weight belongs to, as reports name it.
EMBEDDING = "embedding"
OUTPUT = "output"
ATTENTION = "attention"
RECURRENT = "recurrent"
FEED_FORWARD = "feed_forward"
EXPERTS = "experts"
SHARED_EXPERTS = "shared_experts"
ROUTER = "router"
NORMS = "norms"
VISION = "vision"
AUDIO = "audio"
DRAFT = "draft"


class Weight(t.NamedTuple):
    """A matrix of rows (outputs) x columns (inputs), or a vector (one column), ``copies`` times.

    module: its name from ``layers.<n>`` on. layer: None outside the decoder layers. linear: a matrix that
    quantization applies to; engines never quantize routers.
    """

    module: str
    part: str
    layer: int | None
    rows: int
    columns: int = 1
    copies: int = 1
    split: str = SHARED
    linear: bool = True

    @property
    def parameters(self) -> int:
        return self.rows * self.columns * self.copies


class Shelf:
    """Collects the weights of one layer, or of what stands outside the layers (layer None)."""

    def __init__(self, prefix: str, layer: int | None = None) -> None:
        self.prefix = prefix
        self.layer = layer
        self.weights: list[Weight] = []

    def matrix(
        self,
        name: str,
        part: str,
        rows: int,
        columns: int,
        *,
        split: str = SHARED,
        copies: int = 1,
        bias: bool = False,
        linear: bool = True,
    ) -> None:
        """A matrix and its bias. linear: False for embeddings and convolutions, which are not quantized."""
        self._add(name, part, rows, columns, copies, split, linear)
        if bias:
            self._add(name, part, rows, 1, copies, split, False)

    def vector(self, name: str, part: str, size: int, *, split: str = EACH, copies: int = 1) -> None:
        if size and copies:
            self._add(name, part, size, 1, copies, split, False)

    def _add(self, name: str, part: str, rows: int, columns: int, copies: int, split: str, linear: bool) -> None:
        module = f"{self.prefix}.{name}" if self.prefix else name
        self.weights.append(Weight(module, part, self.layer, rows, columns, copies, split, linear))
