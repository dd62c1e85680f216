# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing the safetensors format by hand: an 8-byte length, a JSON header, the raw tensors."""

from __future__ import annotations

import json
import struct
from typing import NamedTuple

ALIGNMENT = 8  # the tensors start at a multiple of it, so that readers can map the file


class Tensor(NamedTuple):
    """One named tensor in bfloat16, row-major."""

    name: str
    shape: tuple[int, ...]
    data: bytes


def bfloat16(values: list[float]) -> bytes:
    """Little-endian bfloat16 of numbers, rounded to nearest, ties to even; two bytes a number."""
    count = len(values)
    words = struct.unpack(f"<{count}I", struct.pack(f"<{count}f", *values))
    return struct.pack(f"<{count}H", *[(word + 0x7FFF + ((word >> 16) & 1)) >> 16 for word in words])


def serialize(tensors: list[Tensor]) -> bytes:
    """The whole file, tensors in the order given. Raises ValueError when a tensor's data is not two bytes an item."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}  # transformers refuses a file without it
    offset = 0
    for tensor in tensors:
        size = 2
        for length in tensor.shape:
            size *= length
        if size != len(tensor.data):
            raise ValueError(f"{tensor.name}: {len(tensor.data)} bytes do not fill shape {tensor.shape}")
        header[tensor.name] = {"dtype": "BF16", "shape": list(tensor.shape), "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    return struct.pack("<Q", len(text)) + text + b"".join(tensor.data for tensor in tensors)
