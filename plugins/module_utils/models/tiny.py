# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A complete, tiny, random model directory that real engines load: for the lab, the demo and the tests."""

from __future__ import annotations

import json

from .safetensors import serialize
from .tiny_tokenizer import (
    END_OF_TEXT,
    TURN_END,
    VOCABULARY_SIZE,
    tokenizer_config_json,
    tokenizer_json,
    vocabulary,
)
from .tiny_weights import HEADS, HIDDEN, INTERMEDIATE, LAYERS, tensors

GENERATION = 1  # goes up when any byte of the files changes, so that hosts renew theirs
CONTEXT_LENGTH = 2048
# Of seeds 1 to 10 and 20 to 28 the one with the best answers to fifteen short questions, by greedy decoding: the
# shortest has 47 tokens, most end by themselves within 200, and none falls into a loop.
DEFAULT_SEED = 10


def model_files(seed: int) -> dict[str, bytes]:
    """File name to content; equal seeds give equal bytes. Takes about a second."""
    ids = vocabulary()
    stops = [ids[TURN_END], ids[END_OF_TEXT]]
    config = {
        "architectures": ["Qwen2ForCausalLM"],
        "attention_dropout": 0.0,
        "bos_token_id": None,
        "eos_token_id": ids[TURN_END],
        "hidden_act": "silu",
        "hidden_size": HIDDEN,
        "initializer_range": 0.02,
        "intermediate_size": INTERMEDIATE,
        "max_position_embeddings": CONTEXT_LENGTH,
        "max_window_layers": LAYERS,
        "model_type": "qwen2",
        "num_attention_heads": HEADS,
        "num_hidden_layers": LAYERS,
        "num_key_value_heads": HEADS,
        "pad_token_id": ids[END_OF_TEXT],
        "rms_norm_eps": 1e-06,
        "rope_theta": 10000.0,
        "tie_word_embeddings": False,
        "torch_dtype": "bfloat16",
        "use_cache": True,
        "use_sliding_window": False,
        "vocab_size": VOCABULARY_SIZE,
    }
    generation = {"eos_token_id": stops, "pad_token_id": ids[END_OF_TEXT]}
    return {
        "config.json": _json(config),
        "generation_config.json": _json(generation),
        "model.safetensors": serialize(tensors(seed)),
        "tokenizer.json": tokenizer_json().encode(),
        "tokenizer_config.json": tokenizer_config_json(CONTEXT_LENGTH).encode(),
    }


def _json(document: dict[str, object]) -> bytes:
    return (json.dumps(document, indent=2) + "\n").encode()
