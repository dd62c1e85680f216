# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many bytes a quantized matrix takes."""

from __future__ import annotations

import dataclasses

from .fields import Fields

#: A group of this size is the whole length.
WHOLE = 0


@dataclasses.dataclass(frozen=True)
class Scheme:
    """A way to write a matrix with few bits a number.

    bits: of a number. rows, columns: of the piece that shares a scale; WHOLE is all of them. scale: bytes of a scale.
    zero: bits of a zero point for each scale. order: bytes for each column that keep the columns' order (GPTQ).
    """

    name: str
    bits: int
    rows: int = WHOLE
    columns: int = WHOLE
    scale: int = 4
    zero: int = 0
    order: int = 0

    def size(self, rows: int, columns: int) -> int:
        """Bytes of a matrix with so many rows (outputs) and columns (inputs)."""
        pieces = (-(-rows // self.rows) if self.rows else 1) * (-(-columns // self.columns) if self.columns else 1)
        return -(-(rows * columns * self.bits + pieces * self.zero) // 8) + pieces * self.scale + columns * self.order


FP8_TENSOR = Scheme("fp8 per tensor", 8)
FP8_ROW = Scheme("fp8 per channel", 8, rows=1)
MXFP4 = Scheme("mxfp4", 4, rows=1, columns=32, scale=1)
MXFP8 = Scheme("mxfp8", 8, rows=1, columns=32, scale=1)
NVFP4 = Scheme("nvfp4", 4, rows=1, columns=16, scale=1)
INT8_ROW = Scheme("int8 per channel", 8, rows=1)
NF4 = Scheme("nf4", 4, rows=1, columns=64, scale=4)


def fp8_blocks(rows: int, columns: int) -> Scheme:
    """fp8 with a scale for each block of outputs and inputs."""
    return Scheme(f"fp8 in {rows}x{columns} blocks", 8, rows, columns)


def grouped(name: str, bits: int, group: int, *, zero: bool, order: bool = False) -> Scheme:
    """Whole numbers of few bits with a two-byte scale a group of inputs. group: -1 or 0 is all inputs of a row."""
    wide = max(group, 0)
    label = f"{name} {bits} bit" + (f" in groups of {wide}" if wide else "")
    return Scheme(label, bits, 1, wide, 2, bits if zero else 0, 4 if order else 0)


def group_size(fields: Fields, default: int) -> int:
    """Inputs that share a scale; 0 when all do."""
    value = fields.integer("group_size", "q_group_size", least=-1)
    return default if value is None else max(value, 0)


def of_compressed_tensors(weights: Fields, layout: str) -> Scheme | None:
    """The ``weights`` object of a group of compressed-tensors. layout: the group's or the whole's ``format``."""
    bits = weights.integer("num_bits", most=16)
    if bits is None:
        return None
    if layout.startswith("nvfp4"):
        return NVFP4
    if layout.startswith("mxfp4"):
        return MXFP4
    strategy = weights.text("strategy") or ""
    block = weights.integers("block_structure", least=1)
    if strategy == "block" and block and len(block) == 2:
        return Scheme(f"{_kind(weights)}{bits} in {block[0]}x{block[1]} blocks", bits, block[0], block[1], 4)
    if strategy in ("group", "tensor_group"):
        return grouped(_kind(weights), bits, group_size(weights, 128), zero=not weights.flag("symmetric", default=True))
    if strategy == "tensor":
        return Scheme(f"{_kind(weights)}{bits} per tensor", bits)
    return Scheme(f"{_kind(weights)}{bits} per channel", bits, rows=1)


def _kind(weights: Fields) -> str:
    return "fp" if weights.text("type") == "float" else "int"
