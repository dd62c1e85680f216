# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tiny model's weights: random, yet drawn so that an answer depends on everything before it and reads as words."""

from __future__ import annotations

import hashlib
import random
import struct

from .safetensors import Tensor, bfloat16
from .tiny_tokenizer import PUNCTUATION, TURN_END, VOCABULARY_SIZE, spoken_tokens, vocabulary

HIDDEN = 128
INTERMEDIATE = 256
LAYERS = 4
HEADS = 4  # query, key and value heads alike
# Standard deviations. Training code's usual 0.02 makes a model that repeats one token whatever its context is;
# with these a changed or lost KV cache changes the answer.
STD_EMBEDDING = 1.0
STD_LM_HEAD = 0.3
STD_QUERY_KEY = 0.15
STD_OTHER = 0.12
# Hidden dimension 0 holds the same number at every token and no layer writes to it, so that a row of the language
# model head can raise or lower its own logit always. It keeps bytes and fragments of words out of the answers.
BIAS_INPUT = 2.0  # about 0.4 after the last norm; the biases below are multiplied by that
BIAS_UNSPOKEN = -40.0
BIAS_PUNCTUATION = 2.0  # somewhat more of it than of each word
BIAS_TURN_END = -1.0  # somewhat less: answers go on for 50 to 200 tokens

_DRAWS = 4  # uniform numbers that one nearly normal number is the sum of
_MEAN = _DRAWS * 65535 / 2
_STD = (_DRAWS * (65536**2 - 1) / 12) ** 0.5


def normal(seed: int, name: str, count: int, std: float) -> list[float]:
    """``count`` nearly normal numbers around 0, the same for the same arguments on every machine and Python.

    Sums of uniform integers: unlike ``random.gauss`` they use neither the platform's logarithm nor a method that a
    Python release may change. ``name`` gives each tensor a stream of its own, whatever the order of the calls.
    """
    digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
    generator = random.Random(int.from_bytes(digest, "little"))  # noqa: S311 - weights, no secrets
    size = 2 * _DRAWS * count
    draws = struct.unpack(f"<{_DRAWS * count}H", generator.getrandbits(8 * size).to_bytes(size, "little"))
    scale = std / _STD
    return [(sum(draws[at : at + _DRAWS]) - _MEAN) * scale for at in range(0, len(draws), _DRAWS)]


def tensors(seed: int) -> list[Tensor]:
    """All tensors of a Qwen2 of this shape, in the names and layout ([out, in]) of its checkpoints."""
    result = [_embedding(seed)]
    for layer in range(LAYERS):
        result += _layer(seed, f"model.layers.{layer}")
    return [*result, _ones("model.norm.weight"), _lm_head(seed)]


def _matrix(seed: int, name: str, rows: int, columns: int, std: float) -> Tensor:
    return Tensor(name, (rows, columns), bfloat16(normal(seed, name, rows * columns, std)))


def _matrix_without_row_0(seed: int, name: str, rows: int, columns: int) -> Tensor:
    values = normal(seed, name, rows * columns, STD_OTHER)
    values[:columns] = [0.0] * columns
    return Tensor(name, (rows, columns), bfloat16(values))


def _ones(name: str) -> Tensor:
    return Tensor(name, (HIDDEN,), bfloat16([1.0] * HIDDEN))


def _embedding(seed: int) -> Tensor:
    name = "model.embed_tokens.weight"
    values = normal(seed, name, VOCABULARY_SIZE * HIDDEN, STD_EMBEDDING)
    values[::HIDDEN] = [BIAS_INPUT] * VOCABULARY_SIZE
    return Tensor(name, (VOCABULARY_SIZE, HIDDEN), bfloat16(values))


def _layer(seed: int, prefix: str) -> list[Tensor]:
    attention = f"{prefix}.self_attn"
    result = [_ones(f"{prefix}.input_layernorm.weight"), _ones(f"{prefix}.post_attention_layernorm.weight")]
    for part, std in (("q_proj", STD_QUERY_KEY), ("k_proj", STD_QUERY_KEY), ("v_proj", STD_OTHER)):
        result.append(_matrix(seed, f"{attention}.{part}.weight", HIDDEN, HIDDEN, std))
        result.append(Tensor(f"{attention}.{part}.bias", (HIDDEN,), bfloat16([0.0] * HIDDEN)))
    result.append(_matrix_without_row_0(seed, f"{attention}.o_proj.weight", HIDDEN, HIDDEN))
    for part in ("gate_proj", "up_proj"):
        result.append(_matrix(seed, f"{prefix}.mlp.{part}.weight", INTERMEDIATE, HIDDEN, STD_OTHER))
    result.append(_matrix_without_row_0(seed, f"{prefix}.mlp.down_proj.weight", HIDDEN, INTERMEDIATE))
    return result


def _lm_head(seed: int) -> Tensor:
    name = "lm_head.weight"
    values = normal(seed, name, VOCABULARY_SIZE * HIDDEN, STD_LM_HEAD)
    ids = vocabulary()
    bias = dict.fromkeys(spoken_tokens(), 0.0)
    bias.update(dict.fromkeys([ids[mark] for mark in PUNCTUATION], BIAS_PUNCTUATION))
    bias[ids[TURN_END]] = BIAS_TURN_END
    values[::HIDDEN] = [bias.get(token, BIAS_UNSPOKEN) for token in range(VOCABULARY_SIZE)]
    return Tensor(name, (VOCABULARY_SIZE, HIDDEN), bfloat16(values))
