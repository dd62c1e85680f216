# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Memory that somebody else holds on GPUs, kernels that GPUs lack, and the memory of hosts without GPUs."""

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.models import memory
from ansible_collections.vllm.cluster.plugins.module_utils.models.settings import Settings
from ansible_collections.vllm.cluster.plugins.module_utils.planning.devices import Grant
from ansible_collections.vllm.cluster.plugins.module_utils.topology.groups import Group

from .cases import GIB, S0, assert_said, engine, model, refuses, said, table, warns
from .gpu_hosts import CPU, HOSTS, check, host

OURS = {"pid": 1, "name": "vllm", "kind": "C", "unit": "vllm-a-0.service"}
MODEL, LENGTH = f"{S0}.model", f"{S0}.args.max_model_len"


def held(gib, first_processes=(), **changes):
    """A host with so much in use on its first GPU, and one GiB on the others. The driver keeps one GiB of 80."""
    found = host(**changes)
    for gpu in found["gpus"]:
        used = gib if gpu["index"] == 0 else 1
        gpu.update(memory_used_bytes=used * GIB, memory_free_bytes=(79 - used) * GIB, processes=[])
    found["gpus"][0]["processes"] = list(first_processes)
    return found


def granted(probe, gpus=(0, 1), **keys):
    def run():
        group = Group(tuple(gpus), None, False, None, ())
        made = engine(grants=(Grant((group,)),), parallel={"tensor": len(gpus)}, **keys)
        return check(made, {"gpu1": probe})

    return run


DEEPSEEK = {
    "model_type": "deepseek_v32",
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "num_hidden_layers": 4,
    "num_attention_heads": 16,
    "num_key_value_heads": 16,
    "vocab_size": 32000,
    "max_position_embeddings": 32768,
    "kv_lora_rank": 512,
    "qk_rope_head_dim": 64,
    "qk_nope_head_dim": 128,
    "v_head_dim": 128,
    "q_lora_rank": 1536,
    "index_head_dim": 128,
    "index_n_heads": 64,
    "index_topk": 2048,
}
SPARSE = model(**DEEPSEEK)
DENSE = model(**{**DEEPSEEK, "model_type": "deepseek_v3", "index_head_dim": None, "index_n_heads": None})
BIG = model(hidden_size=8192, intermediate_size=28672, num_attention_heads=64, vocab_size=128256, num_hidden_layers=80)


def on_cpu(gib, services=1, nodes=1, **keys):
    def run():
        numa = [{"node": node, "memory_bytes": gib * GIB // nodes} for node in range(nodes)]
        made = [engine(**CPU, parallel={"tensor": 1, "pipeline": 1}, facts=BIG, **keys) for _each in range(services)]
        return check(made, {"gpu1": host(gpus=0, driver="absent", memory_bytes=gib * GIB, numa=numa)})

    return run


def sparse_on(power, **keys):
    return granted(host(power=power), facts=SPARSE, **keys)


CASES = [
    refuses(
        "gpu-memory-held",
        granted(held(69)),
        HOSTS,
        ["takes 0.92 of a GPU's memory", "10.0 of 79.0 GiB of GPU 0 of gpu1"],
        "nvidia-smi",
        f"{S0}.devices",
        f"{S0}.args.gpu_memory_utilization to 0.11",
    ),
    refuses(
        "gpu-memory-held", granted(held(78), devices=[0, 1]), f"{S0}.devices", ["[0, 1]", "1.0 of 79.0"], "devices"
    ),
    refuses(
        "gpu-memory-held",
        granted(held(30), args={"gpu_memory_utilization": 0.7}, version="0.9.1"),
        HOSTS,
        ["takes 0.7", "49.0 of 79.0"],
        "0.61",
    ),
    refuses(
        "gpu-memory-held",
        granted({**held(69), "listeners": [{"port": 22, "unit": "ssh.service"}]}),
        HOSTS,
        ["GPU 0"],
        "nvidia-smi",
    ),
    refuses(
        "gpu-no-sparse-attention",
        sparse_on("8.0", version="0.33.0"),
        MODEL,
        ["8.0", "vLLM 0.33.0", "sparse attention for 9.x, 10.x and 12.x only"],
        "9.x, 10.x or 12.x",
    ),
    refuses("gpu-no-sparse-attention", sparse_on("8.9", version="0.16.0"), MODEL, ["9.x and 10.x only"], "10.x"),
    refuses("gpu-no-sparse-attention", sparse_on("12.0", version="0.23.0"), MODEL, ["12.0"], "release 0.24.0 or later"),
    refuses(
        "host-memory",
        on_cpu(32),
        MODEL,
        ["weights and", "cache of engine a-0 on host gpu1, which has 32.0 GiB"],
        "smaller or more quantized",
        "hosts with ",
    ),
    refuses(
        "host-memory", on_cpu(200, env={"VLLM_CPU_KVCACHE_SPACE": 100}), MODEL, ["100.0 GiB cache"], "KVCACHE_SPACE"
    ),
    refuses("host-memory", on_cpu(250, services=2), MODEL, ["engine a-0 + "], "move an engine from gpu1"),
    refuses(
        "host-cache-small",
        on_cpu(512, version="0.12.0"),
        LENGTH,
        ["takes 10.0 GiB of cache on host gpu1", "4.0 GiB that vLLM 0.12.0 gives a rank"],
        f"{S0}.env.VLLM_CPU_KVCACHE_SPACE to 10",
        "lower",
    ),
    refuses(
        "host-cache-small",
        on_cpu(512, env={"VLLM_CPU_KVCACHE_SPACE": 8}),
        LENGTH,
        ["8.0 GiB that", "KVCACHE_SPACE gives a rank"],
        "to 10",
    ),
    refuses(
        "host-cache-small",
        on_cpu(300, nodes=2),
        LENGTH,
        ["131.4 GiB of weights leave of 0.92 of a NUMA node (150.0 GiB)"],
        "lower",
    ),
    refuses("host-cache-small", on_cpu(240, nodes=2), LENGTH, ["more than the 0.0 GiB"], "parallel: {tensor: 2}"),
    refuses(
        "host-cache-small",
        on_cpu(151, nodes=8, version="0.19.1", args={"max_model_len": 32000}),
        LENGTH,
        ["32000", "9.4 GiB that vLLM 0.19.1"],
        "lower",
    ),
    warns("host-memory-tight", on_cpu(160), MODEL, ["which has 160.0 GiB", "little is left"], "max_model_len"),
]

GOOD = {
    "little held": granted(held(2)),
    "held by an engine of ours": granted(held(75, [OURS])),
    "held by processes that the probe does not see, where ours listen": granted(
        {**held(75), "listeners": [{"port": 8000, "unit": "vllm-a-0.service"}]}
    ),
    "held on a GPU that the engine does not get": granted(held(75), gpus=(1, 2)),
    "a smaller share": granted(held(30), args={"gpu_memory_utilization": 0.6}),
    "a release that does not look": granted(held(69), version="0.9.0"),
    "the V0 engine": granted(held(69), version="0.10.0", env={"VLLM_USE_V1": 0}),
    "unknown use": granted(host()),
    "sparse attention on Hopper": sparse_on("9.0"),
    "sparse attention on Blackwell": sparse_on("10.0", version="0.33.0"),
    "sparse attention on small Blackwell": sparse_on("12.0", version="0.24.0"),
    "the same model without an index": granted(host(power="8.0"), facts=DENSE),
    "enough memory for the CPU": on_cpu(256),
    "enough cache, and told so": on_cpu(512, nodes=2, version="0.12.0", env={"VLLM_CPU_KVCACHE_SPACE": 10}),
    "half of a node": on_cpu(512, nodes=2, version="0.19.1"),
    "a cache that a secret tells": on_cpu(512, version="0.12.0", secrets={"VLLM_CPU_KVCACHE_SPACE": "1"}),
}


@table(CASES)
def test_what_is_said(case):
    assert_said(case)


@pytest.mark.parametrize("make", GOOD.values(), ids=GOOD)
def test_nothing_is_said_of_what_works(make):
    wanted = {"gpu-memory-held", "gpu-no-sparse-attention", "host-memory", "host-memory-tight", "host-cache-small"}
    assert [item for item in said(make()) if item.id in wanted] == []


def test_an_engine_of_ours_beside_does_not_excuse_what_others_hold():
    probe = held(69)
    probe["gpus"][3]["processes"] = [OURS]
    assert [item.id for item in said(granted(probe)())] == ["gpu-memory-held"]


def test_what_the_fix_says_is_enough():
    share = float(said(granted(held(69))())[0].fix.rpartition(" ")[2])
    assert said(granted(held(69), args={"gpu_memory_utilization": share})()) == []


def test_a_share_that_the_model_does_not_fit_into_is_not_advised():
    group = Group((0, 1), None, False, None, ())
    fit = memory.fit(BIG, 80 * GIB, Settings(tensor=8))
    made = dataclasses.replace(engine(grants=(Grant((group,)),), parallel={"tensor": 2}), fit=fit)
    assert "gpu_memory_utilization to 0.61" in said(check(made, {"gpu1": held(30)}))[0].fix
    assert "gpu_memory_utilization" not in said(check(made, {"gpu1": held(69)}))[0].fix
