# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configurations that cannot be trusted."""

from __future__ import annotations

import json

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.models import config
from ansible_collections.vllm.cluster.plugins.module_utils.models.errors import ModelError

from .samples import LLAMA, facts


def refusal(values, **changes):
    with pytest.raises(ModelError) as caught:
        facts(values, **changes)
    return caught.value


@pytest.mark.parametrize(
    ("changes", "path", "rule"),
    [
        ({"hidden_size": "4096"}, "config.json: hidden_size", "is not a whole number"),
        ({"hidden_size": 4096.5}, "config.json: hidden_size", "is not a whole number"),
        ({"hidden_size": True}, "config.json: hidden_size", "is not a whole number"),
        ({"hidden_size": 0}, "config.json: hidden_size", "is not between 1 and"),
        ({"num_hidden_layers": -1}, "config.json: num_hidden_layers", "is not between 1 and 2000"),
        ({"num_hidden_layers": 10**9}, "config.json: num_hidden_layers", "is not between 1 and 2000"),
        ({"num_hidden_layers": None}, "config.json: num_hidden_layers", "is missing"),
        ({"num_attention_heads": None}, "config.json: num_attention_heads", "is missing"),
        ({"vocab_size": []}, "config.json: vocab_size", "is not a whole number"),
        ({"tie_word_embeddings": "no"}, "config.json: tie_word_embeddings", "is neither true nor false"),
        ({"torch_dtype": "int3"}, "config.json: torch_dtype", "is none of"),
        ({"layer_types": ["full_attention"] * 3}, "config.json: layer_types", "has fewer items"),
        ({"layer_types": ["telepathy"] * 32}, "config.json: layer_types", "is a kind of layer that is not known"),
        ({"layer_types": ["linear_attention"] * 32}, "config.json: layer_types", "is a kind of layer that"),
        ({"layer_types": "full"}, "config.json: layer_types", "is not a list of strings"),
        ({"moe_layers_enum": "1;2", "num_experts": 4}, "config.json: moe_layers_enum", "is not a list of layer"),
        ({"block_configs": [1]}, "config.json: block_configs", "is not a list of objects"),
        ({"kv_lora_rank": 512}, "config.json: qk_nope_head_dim", "is missing"),
        ({"rope_scaling": {"factor": "two"}}, "config.json: rope_scaling.factor", "is not a finite number"),
        ({"rope_scaling": []}, "config.json: rope_scaling", "is not an object"),
        ({"architectures": "Llama"}, "config.json: architectures", "is not a list of strings"),
        ({"text_config": {"hidden_size": 8}}, "config.json: text_config.vocab_size", "is missing"),
    ],
)
def test_damage_is_refused_with_its_place(changes, path, rule):
    error = refusal(LLAMA if "text_config" not in changes else {}, **changes)
    if "text_config" not in changes:
        assert error.path == path
    assert rule in error.rule
    assert error.fix
    assert str(error).startswith(error.path)
    json.dumps(error.as_dict())


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "is not JSON"),
        ("{", "is not JSON"),
        (json.dumps(LLAMA)[:-5], "is not JSON"),
        ("[]", "is not a JSON object"),
        ("null", "is not a JSON object"),
        ("[" * 100_000, "is nested too deep"),
        ('{"hidden_size": 1' + "0" * 5000 + "}", "is not JSON"),
        ("<html>404</html>", "is not JSON"),
    ],
)
def test_no_configuration_at_all(text, rule):
    with pytest.raises(ModelError) as caught:
        config.parse(text)
    assert caught.value.path == "config.json"
    assert rule in caught.value.rule


@pytest.mark.parametrize("depth", [50, 300, 900, 990, 2000])
def test_a_deep_value_is_refused_too(depth):
    with pytest.raises(ModelError):
        config.parse('{"hidden_size": ' + "[" * depth + "]" * depth + "}")


def test_a_long_value_is_shown_short():
    assert len(str(refusal(LLAMA, hidden_size="x" * 10_000))) < 300


@pytest.mark.parametrize(
    ("settings", "rule"),
    [
        ([], "is not an object"),
        ({"quant_method": 8}, "is not a string"),
        ({"quant_method": "gptq"}, "is missing"),
        ({"quant_method": "gptq", "bits": "four"}, "is not a whole number"),
        ({"quant_method": "awq", "bits": 4, "group_size": 0.5}, "is not a whole number"),
        ({"quant_method": "fp8", "weight_block_size": [128]}, "does not have two numbers"),
        ({"quant_method": "fp8", "weight_block_size": [0, 128]}, "is not between 1 and"),
        ({"quant_method": "fp8", "ignored_layers": ["re:("]}, "is not a regular expression"),
        ({"quant_method": "fp8", "ignored_layers": ["re:(.*)*x"]}, "is an expression that may take for ever"),
        ({"quant_method": "fp8", "ignored_layers": "lm_head"}, "is not a list of strings"),
        ({"quant_method": "compressed-tensors", "config_groups": {"group_0": {"weights": 1}}}, "is not an object"),
    ],
)
def test_quantization_that_cannot_be(settings, rule):
    error = refusal(LLAMA, quantization_config=settings)
    assert rule in error.rule
    assert error.path.startswith("config.json: quantization_config")


def test_a_damaged_file_of_quantization():
    with pytest.raises(ModelError) as caught:
        facts(LLAMA, "{")
    assert caught.value.path == "hf_quant_config.json"
