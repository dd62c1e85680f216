# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Damaged configurations of every kind: facts or a ModelError, never anything else."""

from __future__ import annotations

import json

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.models import config, memory, parallelism, report
from ansible_collections.vllm.cluster.plugins.module_utils.models.errors import ModelError
from ansible_collections.vllm.cluster.plugins.module_utils.models.settings import Settings
from hypothesis import given, settings
from hypothesis import strategies as st

from .samples import DEEPSEEK, GEMMA_27B, GIB, GPT_OSS, LLAMA, QWEN_NEXT, REFERENCE

BASES = [LLAMA, DEEPSEEK, GEMMA_27B, GPT_OSS, QWEN_NEXT, *(entry["config"] for entry in REFERENCE.values())]
QUANTIZED = [
    {
        "quant_method": method,
        "bits": 4,
        "group_size": 32,
        "ignore": ["re:.*a.*"],
        "config_groups": {"a": {"weights": {"num_bits": 4}}},
    }
    for method in ("fp8", "gptq", "awq", "bitsandbytes", "compressed-tensors", "mxfp4", "modelopt", "quark", "x")
]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-2, 70)
    | st.integers()
    | st.floats()
    | st.sampled_from(["", "auto", "-", "re:(", "*[", "full_attention", "MMM*E-", "1,2", "llama", "linear"])
    | st.text(max_size=4)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "0", "attention", "weights"]), inner)
    ),
    max_leaves=6,
)
KEYS = sorted(
    {key for base in BASES for key in base} | {"quantization_config", "block_configs", "hc_mult", "compress_ratios"}
)
RULES = settings(max_examples=400, deadline=None)


def attempt(act):
    """What it gives, or the ModelError that it raises; anything else fails the test."""
    try:
        return act(), None
    except ModelError as error:
        json.dumps(error.as_dict())
        return (None, error) if error.rule and error.fix else pytest.fail(str(error))


def judge(text):
    """Whatever comes out must be usable, or say where and why not."""
    found, error = attempt(lambda: config.parse(text))
    if error is not None:
        assert error.path.startswith("config.json")
        return
    json.dumps(report.of_model(found))
    assert found.weight_bytes > 0
    assert sum(each.total for each in (*found.per_layer, found.first, found.last)) == found.weight_bytes
    for wanted in (Settings(), Settings(tensor=3, pipeline=2, data=2, expert_parallel=True, decode_context=2)):
        for act in (
            lambda wanted=wanted: parallelism.check(found, wanted),
            lambda wanted=wanted: report.of_fit(memory.fit(found, 80 * GIB, wanted)),
            lambda wanted=wanted: memory.smallest(found, 80 * GIB, 8, wanted, most_hosts=2),
        ):
            json.dumps(attempt(act), default=str)


@RULES
@given(
    st.sampled_from(BASES),
    st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=3),
    st.sets(st.sampled_from(KEYS), max_size=2),
)
def test_values_changed_and_left_out(base, changes, absent):
    judge(json.dumps({key: value for key, value in {**base, **changes}.items() if key not in absent}))


@RULES
@given(
    st.sampled_from(BASES),
    st.sampled_from(QUANTIZED),
    st.dictionaries(st.sampled_from(sorted(QUANTIZED[0])), VALUES, max_size=2),
)
def test_quantization_changed(base, quantized, changes):
    judge(json.dumps({**base, "quantization_config": {**quantized, **changes}}))


@RULES
@given(st.sampled_from(BASES), st.sampled_from(["text_config", "llm_config", "vision_config", "audio_config"]), VALUES)
def test_parts_changed(base, part, value):
    judge(json.dumps({**base, part: value}))


@RULES
@given(st.sampled_from(BASES), st.data())
def test_text_cut_and_mixed(base, data):
    text = json.dumps(base)
    at = data.draw(st.integers(0, len(text)))
    judge(text[:at] + data.draw(st.text(max_size=3)) + text[at + data.draw(st.integers(0, 5)) :])


@RULES
@given(st.text())
def test_any_text(text):
    with pytest.raises(ModelError):
        config.parse(text)
