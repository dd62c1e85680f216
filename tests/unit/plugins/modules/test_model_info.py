# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module itself, run as Ansible runs it: a process that reads arguments and prints JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.models import config, tiny

ROOT = Path(__file__).resolve().parents[4]
GIB = 2**30
LLAMA = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 8192,
    "intermediate_size": 28672,
    "num_hidden_layers": 80,
    "num_attention_heads": 64,
    "num_key_value_heads": 8,
    "vocab_size": 128256,
    "max_position_embeddings": 131072,
    "tie_word_embeddings": False,
    "torch_dtype": "bfloat16",
}


def run(**arguments):
    done = subprocess.run(
        [sys.executable, str(ROOT / "plugins" / "modules" / "model_info.py")],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}),
        env={**os.environ, "PYTHONPATH": str(ROOT / "playbooks" / "collections")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def model(tmp_path):
    for name, content in tiny.model_files(tiny.DEFAULT_SEED).items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def test_a_directory(model):
    found = run(path=str(model))
    assert not found["changed"]
    assert found["completeness"]["complete"]
    assert found["facts_problem"] is None
    assert found["fit"] is None
    facts = found["facts"]
    assert facts["bytes_from"] == "files"
    assert facts["architectures"] == ["Qwen2ForCausalLM"]
    # What the file holds is what config.json tells of, to the byte.
    assert facts["weight_bytes"] == found["completeness"]["tensor_bytes"] == 2 * facts["parameters"]
    assert facts["kv_bytes_per_token"] == 2 * 4 * 128 * 2
    assert facts["tensor_parallel_sizes"] == [1, 2, 4]


def test_the_planner_can_compute_the_same_from_its_source(model):
    found = run(path=str(model))
    source = found["source"]
    facts = config.parse(source["config_text"], source["quantization_text"]).with_files(source["tensor_bytes"])
    assert facts.weight_bytes == found["facts"]["weight_bytes"]


def test_check_mode_does_the_same(model):
    assert run(path=str(model), _ansible_check_mode=True)["facts"] == run(path=str(model))["facts"]


def test_a_truncated_shard(model):
    weights = model / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    found = run(path=str(model))
    assert not found["completeness"]["complete"]
    assert "its own header demands" in found["completeness"]["problems"][0]["rule"]
    assert found["facts"]["bytes_from"] == "config"
    assert found["source"]["tensor_bytes"] is None


@pytest.mark.parametrize("text", [None, "{", '{"hidden_size": "wide"}'])
def test_a_configuration_that_is_missing_or_damaged_is_a_fact(model, text):
    (model / "config.json").unlink()
    if text is not None:
        (model / "config.json").write_text(text)
    found = run(path=str(model), fit={"gpu_memory": GIB})
    assert found["facts"] is found["fit"] is None
    assert (found["facts_problem"] is None) == (text is None)
    assert found["completeness"]["complete"] == (text == '{"hidden_size": "wide"}')
    assert "failed" not in found


def test_the_file_of_quantization_beside_it(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(LLAMA))
    (tmp_path / "hf_quant_config.json").write_text('{"quantization": {"quant_algo": "FP8"}}')
    assert run(path=str(tmp_path))["facts"]["quantization"] == "modelopt (fp8 per tensor)"
    text = (tmp_path / "hf_quant_config.json").read_text()
    found = run(config_text=json.dumps(LLAMA), quantization_text=text)
    assert found["facts"]["quantization"] == "modelopt (fp8 per tensor)"


def test_a_text_and_sizes_that_are_given():
    fit = run(
        config_text=json.dumps(LLAMA), fit={"gpu_memory": 80 * GIB, "tensor_parallel_size": 4, "max_model_len": 8192}
    )["fit"]
    assert (fit["fits"], fit["hosts"], fit["layout_why"]) == (True, None, None)
    assert fit["weights"] == pytest.approx(141107412992 / 4, rel=0.001)
    assert fit["weights"] + fit["overhead"] + fit["kv"] + fit["free"] == fit["budget"] == int(80 * GIB * 0.92)


def test_the_smallest_layout():
    found = run(
        config_text=json.dumps(LLAMA),
        fit={"gpu_memory": 80 * GIB, "max_model_len": 32768, "concurrency": 2, "vllm_version": "0.11.0"},
    )["fit"]
    assert (found["tensor_parallel_size"], found["pipeline_parallel_size"], found["hosts"]) == (4, 1, 1)
    assert found["gpu_memory_utilization"] == 0.9
    assert "tensor parallel size 2" in found["layout_why"]


def test_every_setting_counts():
    given = {
        "gpu_memory": 80 * GIB,
        "tensor_parallel_size": 8,
        "pipeline_parallel_size": 2,
        "max_model_len": 8192,
        "kv_cache_dtype": "fp8",
        "gpu_memory_utilization": 0.8,
        "enforce_eager": True,
        "max_num_batched_tokens": 8192,
        "max_num_seqs": 16,
        "concurrency": 3,
        "vllm_version": "0.20.0",
    }
    whole = run(config_text=json.dumps(LLAMA), fit=given)["fit"]
    assert whole["pipeline_parallel_size"] == 2
    other = {
        "pipeline_parallel_size": 1,
        "max_model_len": 4096,
        "kv_cache_dtype": "auto",
        "gpu_memory_utilization": 0.7,
        "enforce_eager": False,
        "max_num_batched_tokens": 262144,
        "max_num_seqs": 2048,
        "concurrency": 1,
    }
    for name, value in other.items():
        assert run(config_text=json.dumps(LLAMA), fit={**given, name: value})["fit"] != whole, name


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        ({"config_text": "{"}, "config.json"),
        ({"config_text": "{}"}, "config.json: hidden_size"),
        ({"config_text": json.dumps(LLAMA), "quantization_text": "["}, "hf_quant_config.json"),
        ({"path": "/absent/model"}, "/absent/model"),
        ({"config_text": json.dumps(LLAMA), "fit": {"gpu_memory": GIB}}, "gpu_memory"),
        ({"config_text": json.dumps(LLAMA), "fit": {"gpu_memory": GIB, "tensor_parallel_size": 3}}, "tensor"),
        ({"config_text": json.dumps(LLAMA), "fit": {"gpu_memory": GIB, "tensor_parallel_size": 0}}, "tensor"),
        (
            {
                "config_text": json.dumps(LLAMA),
                "fit": {"gpu_memory": GIB, "tensor_parallel_size": 8, "decode_context_parallel_size": 2},
            },
            "decode_context",
        ),
        (
            {
                "config_text": json.dumps(LLAMA),
                "fit": {"gpu_memory": GIB, "tensor_parallel_size": 8, "enable_expert_parallel": True},
            },
            "expert_parallel",
        ),
        ({"config_text": json.dumps(LLAMA), "fit": {"gpu_memory": GIB, "vllm_version": "new"}}, "vllm_version"),
    ],
)
def test_what_cannot_be_is_refused(arguments, path):
    found = run(**arguments)
    assert found["failed"]
    assert found["error"]["path"] == path
    assert found["error"]["fix"]
    assert found["msg"].startswith(path)


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"path": "/m", "config_text": "{}"},
        {"path": "/m", "quantization_text": "{}"},
        {"config_text": "{}", "fit": {}},
    ],
)
def test_arguments_that_do_not_go_together(arguments):
    assert run(**arguments)["failed"]
