# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a model is, from files on the controller: a model source of docs/plan.md."""

from __future__ import annotations

import json
import os
import re
import typing as t

CONFIG = "config.json"
QUANTIZATION = "hf_quant_config.json"
INDEX = "model.safetensors.index.json"
MOST_BYTES = 2**20  # of a config; the longest known have some 100 KiB
#: Of an index only the head is read: its metadata stand before the map of the weights.
INDEX_BYTES = 2**16

Source = dict[str, t.Any]


class Unusable(Exception):
    """A file that tells nothing. Its text is the rule that it breaks."""


def source(config: bytes, quantization: bytes | None, index: bytes | None) -> Source:
    """A model source of the three files' contents. Raises Unusable for what is not JSON of a mapping."""
    return {
        "config": _text(config, CONFIG),
        "quantization": None if quantization is None else _text(quantization, QUANTIZATION),
        "tensor_bytes": None if index is None else total_size(index),
        "problems": [],
    }


def total_size(index: bytes) -> int | None:
    """``metadata.total_size`` of the head of a safetensors index."""
    found = re.search(rb'"total_size"\s*:\s*(\d{1,18})\b', index[:INDEX_BYTES])
    return int(found[1]) if found else None


def read(path: str) -> Source:
    """From a config.json, or from the directory that holds it. Raises Unusable."""
    path = os.path.expanduser(path)
    directory, config = (path, os.path.join(path, CONFIG)) if os.path.isdir(path) else (os.path.dirname(path), path)
    found = _file(config, MOST_BYTES)
    if found is None:
        raise Unusable(
            f"{config} does not exist on the controller" if config != path else "does not exist on the controller"
        )
    quantization = _file(os.path.join(directory, QUANTIZATION), MOST_BYTES)
    return source(found, quantization, _file(os.path.join(directory, INDEX), None))


def _file(path: str, most: int | None) -> bytes | None:
    """The file's content, None where there is none. most None: its head."""
    try:
        with open(path, "rb") as handle:
            content = handle.read(INDEX_BYTES if most is None else most + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Unusable(f"{path} cannot be read ({error.strerror})") from None
    if most is not None and len(content) > most:
        raise Unusable(f"{path} is longer than {most} bytes")
    return content


def _text(content: bytes, name: str) -> str:
    try:
        text = content.decode("utf-8-sig")
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise Unusable(f"{name} is no JSON") from None
    if not isinstance(found, dict):
        raise Unusable(f"{name} holds no mapping")
    return text
