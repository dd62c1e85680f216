# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading the headers of weight files, without the weights."""

from __future__ import annotations

import json
import os
import struct
import typing as t

from .errors import ModelError

#: Bits of a number, by the format's names.
_BITS: t.Mapping[str, int] = {
    **dict.fromkeys(("F4", "F4_E2M1"), 4),
    **dict.fromkeys(("F6_E2M3", "F6_E3M2"), 6),
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"), 8),
    **dict.fromkeys(("U16", "I16", "F16", "BF16"), 16),
    **dict.fromkeys(("U32", "I32", "F32"), 32),
    **dict.fromkeys(("U64", "I64", "F64", "C64"), 64),
}
#: What the format's own library takes at most.
_LONGEST_HEADER = 100_000_000
_POINTER = b"version https://git-lfs"
_AGAIN = "download the file again"


class Header(t.NamedTuple):
    """size: bytes that the file must have. tensor_bytes: of its tensors. tensors: their names."""

    size: int
    tensor_bytes: int
    tensors: frozenset[str]


def safetensors_header(path: str) -> Header:
    """The header of a .safetensors file. Raises ModelError for a file that is damaged within its header, or no such."""
    name = os.path.basename(path)
    try:
        size = os.path.getsize(path)
        with open(path, "rb") as handle:
            start = handle.read(8)
            _refuse_pointer(name, start + handle.read(24))
            if len(start) < 8:
                raise ModelError(name, None, f"is only {size} bytes long", _AGAIN)
            (length,) = struct.unpack("<Q", start)
            if length > min(size - 8, _LONGEST_HEADER):
                raise ModelError(name, length, "has a header that runs past its end, or is no safetensors file", _AGAIN)
            handle.seek(8)
            text = handle.read(length)
    except OSError as error:
        raise ModelError(name, None, f"cannot be read ({error.strerror})", "make it readable") from None
    return parse_header(text, name)


def parse_header(text: bytes, name: str) -> Header:
    """The JSON part of a header. Raises ModelError unless its tensors lie one after another without a hole."""
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError):
        raise ModelError(name, None, "has a header that is not JSON", _AGAIN) from None
    if not isinstance(entries, dict):
        raise ModelError(name, None, "has a header that is not a JSON object", _AGAIN)
    spans = [_span(name, tensor, entry) for tensor, entry in entries.items() if tensor != "__metadata__"]
    end = 0
    for begin, stop in sorted(spans):
        if begin != end:
            raise ModelError(name, begin, f"has a tensor that does not start where the last one ends ({end})", _AGAIN)
        end = stop
    return Header(8 + len(text) + end, end, frozenset(entries) - {"__metadata__"})


def _span(name: str, tensor: str, entry: t.Any) -> tuple[int, int]:
    """Where a tensor begins and ends, of the right length for its shape."""
    values = entry if isinstance(entry, dict) else {}
    shape, offsets, bits = values.get("shape"), values.get("data_offsets"), _BITS.get(str(values.get("dtype")))
    if not _counts(shape) or not _counts(offsets) or len(offsets) != 2:
        raise ModelError(name, tensor, "is a tensor without a shape and two offsets", _AGAIN)
    if bits is None:
        raise ModelError(name, values.get("dtype"), "is a kind of number that is not known", "tell its size by hand")
    numbers = 1
    for length in shape:
        numbers *= length
    if (offsets[1] - offsets[0]) * 8 != numbers * bits:
        raise ModelError(name, tensor, "is a tensor whose bytes do not fill its shape", _AGAIN)
    return offsets[0], offsets[1]


def _counts(values: t.Any) -> t.TypeGuard[list[int]]:
    return isinstance(values, list) and all(
        isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**60 for value in values
    )


def pickle_problem(path: str) -> str:
    """What is wrong with a pytorch_model*.bin file: the archive must end where its last record says.

    Files older than PyTorch 1.6 are no archives and say nothing of their length. An empty string: nothing is.
    """
    size = os.path.getsize(path)
    with open(path, "rb") as handle:
        start = handle.read(32)
        handle.seek(max(0, size - 66_000))
        end = handle.read()
    if start.startswith(_POINTER):
        return "is a git-lfs pointer and not the file itself"
    if size == 0:
        return "is empty"
    if not start.startswith(b"PK"):
        return ""
    at = end.rfind(b"PK\x05\x06")  # end of the central directory: 22 bytes and a comment
    if at < 0 or len(end) - at < 22:
        return "is cut off: it is an archive without an end"
    (comment,) = struct.unpack_from("<H", end, at + 20)
    return "" if at + 22 + comment == len(end) else "is cut off, or has something behind its end"


def _refuse_pointer(name: str, start: bytes) -> None:
    if start.startswith(_POINTER):
        raise ModelError(
            name,
            None,
            "is a git-lfs pointer and not the file itself",
            "fetch the files, with git lfs pull or hf download",
        )
