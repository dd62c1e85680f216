# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small model of several files, as hubs of the tests serve it."""

from __future__ import annotations

import hashlib
import json
import random
import struct
from pathlib import Path

CONFIG = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 64}


def write(folder: Path, sizes: tuple[int, ...] = (300_000, 200_000), seed: int = 1) -> dict[str, int]:
    """Shards with these many bytes of weights, their index, and more as repositories have it. Returns sizes by path."""
    chance = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"model-{at:05}-of-{len(sizes):05}.safetensors" for at in range(1, len(sizes) + 1)]
    for name, size in zip(names, sizes):
        header = json.dumps({name: {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
        (folder / name).write_bytes(struct.pack("<Q", len(header)) + header + chance.randbytes(size))
    index = {"metadata": {"total_size": sum(sizes)}, "weight_map": {name: name for name in names}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    (folder / "config.json").write_text(json.dumps(CONFIG))
    (folder / "tokenizer.json").write_text(json.dumps({"seed": seed}))
    (folder / "onnx").mkdir(exist_ok=True)
    (folder / "onnx" / "model.onnx").write_bytes(chance.randbytes(5_000))
    (folder / "pytorch_model.bin").write_bytes(chance.randbytes(7_000))
    return {str(path.relative_to(folder)): path.stat().st_size for path in folder.rglob("*") if path.is_file()}


def write_sums(folder: Path) -> None:
    """SHA256SUMS of all files, as sha256sum writes it."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "SHA256SUMS")
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  ./{path.relative_to(folder)}\n" for path in files]
    (folder / "SHA256SUMS").write_text("".join(lines))
