#!/usr/bin/python
# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read what a model is, whether its directory is complete, and whether it fits."""

from __future__ import annotations

DOCUMENTATION = r"""
module: model_info
short_description: Read what a model is, whether its directory is complete, and whether it fits
version_added: 0.1.0
description:
  - Tells a model's parameters, bytes of weights, bytes of key/value cache for each token, and which parallel sizes it
    can be split into, from its C(config.json) and the headers of its weight files. It never reads the weights.
  - Tells whether a model's directory is complete. Every shard that the index names must be there, with the tensors
    that the index says, and as long as its own header demands.
  - Tells what each GPU would hold, and how many requests of full length fit, or on how few GPUs the model does.
  - Changes nothing.
options:
  path:
    description: Directory of the model on the target.
    type: path
  config_text:
    description: Text of a C(config.json), instead of a directory.
    type: str
  quantization_text:
    description: Text of the C(hf_quant_config.json) beside it, which some quantized models have.
    type: str
  fit:
    description: The GPUs and the engine's settings for which to tell the fit.
    type: dict
    suboptions:
      gpu_memory:
        description: Memory of one GPU, in bytes.
        type: int
        required: true
      gpus_per_host:
        description: GPUs of one host, for which the smallest layout is looked for.
        type: int
        default: 8
      hosts:
        description: Hosts that the smallest layout may take.
        type: int
        default: 16
      tensor_parallel_size:
        description: Ranks that share each layer. Without it the smallest layout is told.
        type: int
      pipeline_parallel_size:
        description: Stages of layers. Counts only beside O(fit.tensor_parallel_size).
        type: int
        default: 1
      data_parallel_size:
        description: Copies of attention that share the experts.
        type: int
        default: 1
      decode_context_parallel_size:
        description: Ranks that divide the cache of each request by its tokens.
        type: int
        default: 1
      enable_expert_parallel:
        description: Whether ranks hold whole experts instead of a part of each.
        type: bool
        default: false
      max_model_len:
        description: Tokens of a request. The model's own limit unless told.
        type: int
      concurrency:
        description: Requests of that length that must fit at once.
        type: int
        default: 1
      max_num_batched_tokens:
        description: Tokens of one step. What vLLM takes on such a GPU unless told.
        type: int
      max_num_seqs:
        description: Requests of one step. What vLLM takes on such a GPU unless told.
        type: int
      gpu_memory_utilization:
        description: Share of a GPU's memory. What the release takes unless told.
        type: float
      kv_cache_dtype:
        description: Kind of numbers in the cache.
        type: str
        default: auto
      enforce_eager:
        description: Whether CUDA graphs are left out.
        type: bool
        default: false
      vllm_version:
        description: The release of vLLM. The newest that is known unless told.
        type: str
extends_documentation_fragment:
  - vllm.cluster.read_only
author:
  - The vllm.cluster authors (@vllm-cluster)
"""

EXAMPLES = r"""
- name: Tell whether a model was downloaded whole
  vllm.cluster.model_info:
    path: /data/models/qwen
  register: model
  failed_when: not model.completeness.complete

- name: Tell on how few GPUs of 80 GiB it takes four requests of 32768 tokens at once
  vllm.cluster.model_info:
    path: /data/models/qwen
    fit:
      gpu_memory: 85899345920
      max_model_len: 32768
      concurrency: 4

- name: Tell what each of eight GPUs would hold of a model that is not here yet
  vllm.cluster.model_info:
    config_text: "{{ lookup('ansible.builtin.file', 'config.json') }}"
    fit:
      gpu_memory: 150323855360
      tensor_parallel_size: 8
"""

RETURN = r"""
facts:
  description:
    - What the model is. Null where RV(facts_problem) says why it cannot be told.
    - Its C(architectures) and C(model_type), and whether that is C(known) here, so that sizes are counted, not
      guessed.
    - Its shape, with C(layers), C(attention_heads), C(kv_heads), C(head_dim), C(latent_attention), C(is_moe),
      C(experts), and the C(tensor_parallel_sizes) up to 64 that work.
    - C(parameters) without those of draft layers (C(draft_parameters)), C(weight_bytes) in the memory of all GPUs
      together, C(checkpoint_bytes) in the files, and whether those are C(bytes_from) V(config) or V(files).
    - C(kv_bytes_per_token) and the least and most C(kv_bytes_per_request) of full length, on one rank that holds the
      whole model. The two differ where C(kv_bytes_bounded), since layers keep different things.
    - C(max_model_len) that vLLM takes unless told, the C(longest_max_model_len) that it accepts, and C(notes).
  returned: always
  type: dict
facts_problem:
  description: Why there are no facts, with C(path), C(value), C(rule) and C(fix), else null.
  returned: always
  type: dict
completeness:
  description: Whether the directory is complete. Null without O(path).
  returned: always
  type: dict
  contains:
    complete:
      description: Whether nothing is missing, cut off or damaged.
      type: bool
    kind:
      description: Format of the weights, V(safetensors), V(pickle) or V(none).
      type: str
    shards:
      description: Files of weights that must be there.
      type: list
      elements: str
    file_bytes:
      description: Bytes of those that are.
      type: int
    tensor_bytes:
      description: Bytes of all tensors; null unless all headers could be read.
      type: int
    problems:
      description: One item a problem, with file, rule and fix.
      type: list
      elements: dict
    leftovers:
      description: Files of downloads that did not end. They do not make the directory incomplete.
      type: list
      elements: str
fit:
  description:
    - What one GPU of the fullest stage would hold, in bytes. Null without O(fit) or facts.
    - The C(budget) is the sum of C(weights), C(overhead), C(kv) of the wanted requests, and what is C(free).
    - C(requests) of full length fit at once, C(requests_at_least) if every attention layer kept every token.
    - For the smallest layout also its C(hosts) and, as C(layout_why), what the next smaller one lacks.
  returned: always
  type: dict
  contains:
    fits:
      description: Whether the weights, the overhead and the wanted requests fit.
      type: bool
    why:
      description: The sum in one sentence.
      type: str
    overhead_parts:
      description: What the estimated overhead is made of.
      type: dict
source:
  description: What the facts come from, with C(config_text), C(quantization_text) and C(tensor_bytes), for planning.
  returned: always
  type: dict
"""

import os

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.vllm.cluster.plugins.module_utils.models import (
    config,
    directory,
    memory,
    parallelism,
    report,
)
from ansible_collections.vllm.cluster.plugins.module_utils.models.errors import ModelError
from ansible_collections.vllm.cluster.plugins.module_utils.models.settings import Settings

FIT = {
    "gpu_memory": {"type": "int", "required": True},
    "gpus_per_host": {"type": "int", "default": 8},
    "hosts": {"type": "int", "default": 16},
    "tensor_parallel_size": {"type": "int"},
    "pipeline_parallel_size": {"type": "int", "default": 1},
    "data_parallel_size": {"type": "int", "default": 1},
    "decode_context_parallel_size": {"type": "int", "default": 1},
    "enable_expert_parallel": {"type": "bool", "default": False},
    "max_model_len": {"type": "int"},
    "concurrency": {"type": "int", "default": 1},
    "max_num_batched_tokens": {"type": "int", "no_log": False},
    "max_num_seqs": {"type": "int"},
    "gpu_memory_utilization": {"type": "float"},
    "kv_cache_dtype": {"type": "str", "default": "auto"},
    "enforce_eager": {"type": "bool", "default": False},
    "vllm_version": {"type": "str"},
}


def _source(path):
    """The texts of a model's directory; None for a file that is not there."""
    texts = []
    for name in ("config.json", "hf_quant_config.json"):
        file = os.path.join(path, name)
        texts.append(directory.read_text(file) if os.path.isfile(file) else None)
    return texts


def _facts(config_text, quantization_text, tensor_bytes):
    facts = config.parse(config_text, quantization_text)
    return facts if tensor_bytes is None else facts.with_files(tensor_bytes)


def _fit(facts, options):
    tensor = options["tensor_parallel_size"]
    settings = Settings(
        tensor=1 if tensor is None else tensor,
        pipeline=options["pipeline_parallel_size"],
        data=options["data_parallel_size"],
        decode_context=options["decode_context_parallel_size"],
        expert_parallel=options["enable_expert_parallel"],
        max_model_len=options["max_model_len"],
        concurrency=options["concurrency"],
        max_num_batched_tokens=options["max_num_batched_tokens"],
        max_num_seqs=options["max_num_seqs"],
        utilization=options["gpu_memory_utilization"],
        kv_cache_dtype=options["kv_cache_dtype"],
        enforce_eager=options["enforce_eager"],
        version=options["vllm_version"],
    )
    if tensor is None:
        choice = memory.smallest(
            facts, options["gpu_memory"], options["gpus_per_host"], settings, most_hosts=options["hosts"]
        )
        return {**report.of_fit(choice.fit), "hosts": choice.hosts, "layout_why": choice.why}
    settings.check(facts)
    parallelism.check(facts, settings)
    return {**report.of_fit(memory.fit(facts, options["gpu_memory"], settings)), "hosts": None, "layout_why": None}


def main():
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path"},
            "config_text": {"type": "str"},
            "quantization_text": {"type": "str"},
            "fit": {"type": "dict", "options": FIT},
        },
        mutually_exclusive=[("path", "config_text"), ("path", "quantization_text")],
        required_one_of=[("path", "config_text")],
        supports_check_mode=True,
    )
    path = module.params["path"]
    config_text, quantization_text = module.params["config_text"], module.params["quantization_text"]
    completeness, facts, facts_problem, fit = None, None, None, None
    try:
        if path is not None:
            completeness = directory.check(path)
        try:
            if path is not None:
                config_text, quantization_text = _source(path)
            if config_text is not None:
                tensor_bytes = completeness.tensor_bytes if completeness is not None else None
                facts = _facts(config_text, quantization_text, tensor_bytes)
        except ModelError as error:
            if path is None:
                raise
            facts_problem = error.as_dict()  # a damaged config.json is a fact of a directory, as a missing one is
        if facts is not None and module.params["fit"] is not None:
            fit = _fit(facts, module.params["fit"])
    except ModelError as error:
        module.fail_json(msg=str(error), error=error.as_dict())
    module.exit_json(
        changed=False,
        facts=report.of_model(facts) if facts is not None else None,
        facts_problem=facts_problem,
        completeness=completeness.as_dict() if completeness is not None else None,
        fit=fit,
        source={
            "config_text": config_text,
            "quantization_text": quantization_text,
            "tensor_bytes": completeness.tensor_bytes if completeness is not None else None,
        },
    )


if __name__ == "__main__":
    main()
