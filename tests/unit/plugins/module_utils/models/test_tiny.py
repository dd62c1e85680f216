# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import hashlib
import json
import statistics
import struct

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.models import tiny, tiny_tokenizer, tiny_weights

# The files of the default seed. Other bytes under the same generation would leave hosts with the old ones:
# whoever changes them raises GENERATION, too.
PINNED = (1, "b96d1938f18ba8aad4929a9e5291f3071c59648df2422a5a3aca2b756cbbc64c")


@pytest.fixture(scope="module")
def files():
    return tiny.model_files(tiny.DEFAULT_SEED)


@pytest.fixture(scope="module")
def tensors():
    return {tensor.name: tensor for tensor in tiny_weights.tensors(tiny.DEFAULT_SEED)}


def values(tensor):
    return [struct.unpack("<f", b"\0\0" + tensor.data[at : at + 2])[0] for at in range(0, len(tensor.data), 2)]


def column_0(tensor):
    return values(tensor)[:: tensor.shape[1]]


def test_the_bytes_are_those_of_their_generation(files):
    digest = hashlib.sha256(b"".join(name.encode() + files[name] for name in sorted(files))).hexdigest()
    assert (tiny.GENERATION, digest) == PINNED


def test_equal_seeds_give_equal_bytes_and_others_do_not(files):
    assert tiny.model_files(tiny.DEFAULT_SEED) == files
    other = tiny.model_files(tiny.DEFAULT_SEED + 1)
    assert {name for name in files if files[name] != other[name]} == {"model.safetensors"}


def test_the_configuration_agrees_with_the_weights(files, tensors):
    config = json.loads(files["config.json"])
    assert config["vocab_size"] == len(tiny_tokenizer.vocabulary()) == tensors["lm_head.weight"].shape[0]
    assert config["hidden_size"] == tensors["model.norm.weight"].shape[0]
    assert config["intermediate_size"] == tensors["model.layers.0.mlp.up_proj.weight"].shape[0]
    layers = {name.split(".")[2] for name in tensors if name.startswith("model.layers.")}
    assert config["num_hidden_layers"] == len(layers)
    assert config["hidden_size"] % config["num_attention_heads"] == 0
    assert config["num_attention_heads"] == config["num_key_value_heads"] == 4
    assert config["max_position_embeddings"] == json.loads(files["tokenizer_config.json"])["model_max_length"] == 2048
    ids = tiny_tokenizer.vocabulary()
    assert config["eos_token_id"] == ids["<|im_end|>"]
    assert config["eos_token_id"] in json.loads(files["generation_config.json"])["eos_token_id"]


def test_a_layer_has_the_tensors_of_qwen2(tensors):
    prefix = "model.layers.3."
    names = {name[len(prefix) :] for name in tensors if name.startswith(prefix)}
    attention = {f"self_attn.{part}_proj.{kind}" for part in "qkv" for kind in ("weight", "bias")}
    mlp = {f"mlp.{part}_proj.weight" for part in ("gate", "up", "down")}
    norms = {"input_layernorm.weight", "post_attention_layernorm.weight"}
    assert names == attention | {"self_attn.o_proj.weight"} | mlp | norms


@pytest.mark.parametrize(
    ("name", "std"),
    [
        ("model.embed_tokens.weight", 1.0),
        ("lm_head.weight", 0.3),
        ("model.layers.0.self_attn.q_proj.weight", 0.15),
        ("model.layers.1.self_attn.k_proj.weight", 0.15),
        ("model.layers.2.self_attn.v_proj.weight", 0.12),
        ("model.layers.3.self_attn.o_proj.weight", 0.12),
        ("model.layers.0.mlp.gate_proj.weight", 0.12),
        ("model.layers.0.mlp.down_proj.weight", 0.12),
    ],
)
def test_weights_are_drawn_so_that_context_counts(tensors, name, std):
    tensor = tensors[name]
    width = tensor.shape[1]
    drawn = [value for at, value in enumerate(values(tensor)) if at % width and at >= width]
    assert statistics.fmean(drawn) == pytest.approx(0, abs=0.02 * std)
    assert statistics.pstdev(drawn) == pytest.approx(std, rel=0.02)
    within = sum(abs(value) < std for value in drawn) / len(drawn)
    assert within == pytest.approx(0.68, abs=0.02), "not like a normal distribution"


def test_norms_are_one_and_biases_zero(tensors):
    for name, tensor in tensors.items():
        if "norm" in name:
            assert set(values(tensor)) == {1.0}
        if name.endswith("bias"):
            assert set(values(tensor)) == {0.0}


def test_no_layer_writes_to_hidden_dimension_0(tensors):
    assert set(column_0(tensors["model.embed_tokens.weight"])) == {tiny_weights.BIAS_INPUT}
    for name, tensor in tensors.items():
        if name.endswith(("o_proj.weight", "down_proj.weight")):
            assert set(values(tensor)[: tensor.shape[1]]) == {0.0}


def test_only_words_punctuation_and_the_end_are_spoken(tensors):
    biases = column_0(tensors["lm_head.weight"])
    loud = {token for token, bias in enumerate(biases) if bias > -10}
    assert loud == {*tiny_tokenizer.spoken_tokens(), tiny_tokenizer.vocabulary()["<|im_end|>"]}


def test_each_tensor_has_a_stream_of_its_own():
    one = tiny_weights.normal(1, "a", 4, 1.0)
    assert one == tiny_weights.normal(1, "a", 4, 1.0)
    assert one != tiny_weights.normal(1, "b", 4, 1.0)
    assert one != tiny_weights.normal(2, "a", 4, 1.0)
