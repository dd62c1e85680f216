# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import math
import struct

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.models.safetensors import (
    ALIGNMENT,
    Tensor,
    bfloat16,
    serialize,
)


def decode(data):
    return [struct.unpack("<f", b"\0\0" + data[at : at + 2])[0] for at in range(0, len(data), 2)]


@pytest.mark.parametrize("value", [0.0, 1.0, -1.0, 0.5, -40.0, 3.140625])
def test_what_bfloat16_can_hold_is_kept(value):
    assert decode(bfloat16([value])) == [value]


@pytest.mark.parametrize(
    ("value", "rounded"),
    [
        (1 + 2**-9, 1.0),  # below the middle of 1 and 1 + 2**-7
        (1 + 2**-8, 1.0),  # the middle goes to the even one
        (1 + 3 * 2**-8, 1 + 2**-6),
        (1 + 2**-8 + 2**-12, 1 + 2**-7),
        (-(1 + 2**-8 + 2**-12), -(1 + 2**-7)),
    ],
)
def test_the_rest_is_rounded_to_nearest_even(value, rounded):
    assert decode(bfloat16([value])) == [rounded]


def test_the_file_reads_back():
    tensors = [Tensor("b.weight", (2, 3), bfloat16([1.0] * 6)), Tensor("a.bias", (3,), bfloat16([0.5] * 3))]
    data = serialize(tensors)
    (length,) = struct.unpack("<Q", data[:8])
    assert (8 + length) % ALIGNMENT == 0
    header = json.loads(data[8 : 8 + length])
    assert header.pop("__metadata__") == {"format": "pt"}
    assert list(header) == ["b.weight", "a.bias"]
    end = 0
    for tensor in tensors:
        entry = header[tensor.name]
        begin, end = entry["data_offsets"]
        assert entry["dtype"] == "BF16"
        assert math.prod(entry["shape"]) * 2 == end - begin
        assert data[8 + length :][begin:end] == tensor.data
    assert len(data) == 8 + length + end


def test_data_that_does_not_fill_its_shape_is_refused():
    with pytest.raises(ValueError, match=r"x: 2 bytes do not fill shape \(2, 2\)"):
        serialize([Tensor("x", (2, 2), b"\0\0")])
