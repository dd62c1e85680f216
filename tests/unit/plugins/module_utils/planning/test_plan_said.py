# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What whole plans are refused for, and warned of: sizes, memory, GPUs, and what only the placement tells."""

from __future__ import annotations

import json

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.planning import applicable, intent, plan
from ansible_collections.vllm.cluster.plugins.module_utils.planning.errors import PlanError, Refusals

from tests.unit.plugins.module_utils.models import samples

from .cases import S0, assert_said, item, refuses, said, table, warns
from .machines import KINDS, cpu_host, gpu_host, interface, process

H100, H200, A100 = (next(kind for kind in KINDS if name in kind.name) for name in ("H100", "H200", "A100-SXM4-80"))
TWO = "gpu1 gpu2"
BY_RAY = {"hosts": TWO, "runtime": "container", "executor": "ray", "parallel": {"tensor": 8, "pipeline": 2}}
SOURCES = {
    name: {"config": json.dumps(config), "quantization": None, "tensor_bytes": None, "problems": []}
    for name, config in {
        "org/m": samples.LLAMA,
        "Qwen/Qwen2.5-32B-Instruct": samples.QWEN_32B,
        "deepseek-ai/DeepSeek-R1": samples.DEEPSEEK,
        "Qwen/Qwen3-235B-A22B": samples.QWEN_MOE,
        "org/broken": {"model_type": "llama", "hidden_size": "many"},
    }.items()
}
QWEN, DEEPSEEK, MOE = "Qwen/Qwen2.5-32B-Instruct", "deepseek-ai/DeepSeek-R1", "Qwen/Qwen3-235B-A22B"


def host(number, gpus=8, kind=H100, **changes):
    eth = interface("eth0", f"192.0.2.{number}/24", speed=100000)
    return gpu_host(
        f"gpu{number}", kind, gpus, **{"interfaces": [eth], "pythons": {"/usr/bin/python3": "3.12.3"}, **changes}
    )


PROBES = {"gpu1": host(1), "gpu2": host(2), "cpu1": cpu_host("cpu1")}
ADDRESSES = {"gpu1": "192.0.2.1", "gpu2": "192.0.2.2", "cpu1": "192.0.2.3"}


def planned(*services, probes=None, **variables):
    """The plan's document, and what was said."""
    listed = [item(**{"api_key": "k", **keys}) for keys in services]
    refusals = Refusals()
    document = None
    try:
        read = intent.parse({"vllm_services": listed, **variables}, str.split)
        document = plan.plan(read, {**PROBES, **(probes or {})}, ADDRESSES, SOURCES)
        for warning in document["warnings"]:
            refusals.warn(warning["id"], warning["path"], warning["message"], warning["fix"])
        applicable.check(document)
    except PlanError as error:
        for each in error.refusals:
            refusals.add(each.id, each.path, each.value, each.rule, each.fix)
    return document, refusals


def of(probes=None, variables=None, **keys):
    return lambda: planned(keys, probes=probes, **(variables or {}))[1]


def both(first, second, **more):
    return lambda: planned(first, {"name": "b", **second}, **more)[1]


def tensor(size, **keys):
    return of(model=QWEN, parallel={"tensor": size}, hosts=TWO if size > 8 else "gpu1", **keys)


BUSY = {"gpu1": host(1)}
BUSY["gpu1"]["gpus"][0]["processes"] = [process("python3")]
SSHD = [{"address": "0.0.0.0", "port": 8000, "pid": 7, "process": "nginx", "unit": "nginx.service"}]
HALF = {"exists": True, "directory": True, "model": True, "facts": {**SOURCES["org/m"], "problems": [
    {"file": "model-00002.safetensors", "rule": "is missing", "fix": "download it again"}]}}  # fmt: skip

CASES = [
    refuses(
        "world-size",
        of(hosts=TWO, parallel={"tensor": 16, "pipeline": 2}),
        f"{S0}.parallel",
        ["make 32 ranks", "2 hosts of 8 usable GPUs have 16"],
        "tensor: 8, pipeline: 2",
    ),
    refuses("world-size", of(gpus=4, parallel={"tensor": 2}), f"{S0}.gpus", ["4", "make 2 ranks"], "gpus: 2"),
    refuses(
        "tensor-size", tensor(3), f"{S0}.parallel.tensor", ["40 attention heads are not divisible by 3"], "1, 2, 4"
    ),
    refuses("tensor-size", tensor(6), f"{S0}.parallel.tensor", ["not divisible by 6"], "1, 2, 4"),
    refuses("tensor-size", tensor(16), f"{S0}.parallel.tensor", ["not divisible by 16"], "1, 2, 4, 8"),
    refuses(
        "pipeline-size",
        of(hosts=TWO, parallel={"pipeline": 40, "tensor": 1}),
        f"{S0}.parallel.pipeline",
        ["32 layers cannot make 40"],
        "1 to 32",
    ),
    refuses(
        "data-size",
        of(model=MOE, parallel={"data": 7}),
        f"{S0}.parallel.data",
        ["7 ranks share each expert", "width 1536 is not divisible by 7"],
        "expert: true",
        "1, 2, 3, 4",
    ),
    refuses(
        "decode-context",
        of(parallel={"tensor": 4, "decode_context": 3}),
        f"{S0}.parallel.decode_context",
        ["3"],
        "use one of",
    ),
    refuses(
        "experts-of-dense", of(parallel={"tensor": 4, "expert": True}), f"{S0}.parallel.expert", ["no experts"], "leave"
    ),
    refuses(
        "memory-fit",
        of(model=DEEPSEEK, probes={"gpu1": host(1, gpus=4, kind=A100)}),
        f"{S0}.hosts",
        ["does not fit"],
        "GPUs",
    ),
    refuses("memory-fit", of(model=DEEPSEEK), f"{S0}.hosts", ["does not fit"], "16 GPUs"),
    refuses("too-few-gpus", of(gpus=9), f"{S0}.gpus", ["9", "gpu1"], "name"),
    refuses(
        "devices-written", of(devices=[0, 1], replicas=2), f"{S0}.devices", ["several replicas"], "leave devices out"
    ),
    refuses("no-such-gpu", of(devices=[8]), f"{S0}.devices", ["no GPU 8"], "choose"),
    refuses(
        "gpu-taken",
        both({"devices": [0]}, {"devices": [0]}),
        "vllm_services[1].devices",
        ["GPU 0 of gpu1 is taken"],
        "once",
    ),
    refuses("gpu-unfit", of(devices=[0], probes=BUSY), f"{S0}.devices", ["used by python3"], "free"),
    refuses("not-probed", of(probes={"gpu1": None}), f"{S0}.accelerator", ["gpu1 was not probed"], "limit"),
    refuses(
        "driver-failing",
        of(probes={"gpu1": cpu_host("gpu1", driver="failing", driver_error="NVML mismatch")}),
        f"{S0}.accelerator",
        ["NVML mismatch"],
        "mend",
    ),
    refuses(
        "driver-absent",
        of(probes={"gpu1": cpu_host("gpu1", driver="absent", pci_gpus=["0000:19:00.0"])}),
        f"{S0}.accelerator",
        ["gpu1 has 1 GPUs and no NVIDIA driver"],
        "playbooks/prepare.yml",
        "accelerator: cpu",
    ),
    refuses(
        "driver-absent",
        of(accelerator="cuda", probes={"gpu1": cpu_host("gpu1", driver="absent", pci_gpus=["0000:19:00.0"] * 8)}),
        f"{S0}.accelerator",
        ["cuda", "gpu1 has 8 GPUs"],
        "prepare",
    ),
    refuses("accelerators-mixed", of(hosts="gpu1 cpu1"), f"{S0}.accelerator", ["cpu1 has none"], "leave them out"),
    refuses("model-config", of(model="org/broken"), f"{S0}.model", ["hidden_size"], ""),
    refuses(
        "model-incomplete",
        of(model="/m", probes={"gpu1": host(1, paths={"/m": HALF})}),
        f"{S0}.model",
        ["model-00002.safetensors: is missing"],
        "download",
    ),
    refuses(
        "port-range",
        of(port=65535, replicas=2, gpus=1, router={"enabled": False}),
        f"{S0}.port (engine a-1)",
        ["is not a port"],
        "lower port",
    ),
    refuses(
        "port-taken",
        both({"port": 8000, "gpus": 1}, {"port": 8000, "gpus": 1}),
        "vllm_services[1].port",
        ["taken"],
        "its own",
    ),
    refuses("port-held", of(port=8000, probes={"gpu1": host(1, listeners=SSHD)}), f"{S0}.port", ["nginx"], "stop it"),
    refuses(
        "no-free-port",
        both({"gpus": 1}, {"gpus": 1}, vllm_port_base=65535),
        "vllm_services[1].port",
        ["no free port"],
        "vllm_port_base",
    ),
    refuses("layout-unknown", of(model="org/other", hosts=TWO), f"{S0}.hosts", ["gpu1"], ""),
    refuses("layout-unknown", of(model="org/other"), f"{S0}.parallel", ["a guess"], "model_config"),
    refuses("layout-unknown", of(model="org/other", gpus=2), f"{S0}.parallel", ["a guess"], "write parallel"),
    refuses(
        "image-index-password",
        of(**BY_RAY, variables={"vllm_python_index_url": "https://reader:pass@mirror.example/simple"}),
        "vllm_python_index_url",
        ["history of the image"],
        "index that needs none",
    ),
    refuses(
        "image-index-password",
        of(**BY_RAY, variables={"vllm_python_extra_index_urls": ["https://a.example", "https://t0ken@b.example/x"]}),
        "vllm_python_extra_index_urls[1]",
        ["history of the image"],
        "index that needs none",
    ),
    refuses("image-name", of(runtime="container", image="Mine:1"), f"{S0}.image", ["small letters"], "registry/path"),
    refuses(
        "image-name",
        of(runtime="container", variables={"vllm_image": "mine@sha256:12"}),
        "vllm_image",
        ["64 digits"],
        "registry/path",
    ),
    refuses(
        "image-archive",
        of(runtime="container", image="mine@sha256:" + "a" * 64, variables={"vllm_image_archive": "/srv/i.tar"}),
        f"{S0}.image",
        ["a registry's"],
        "its tag",
    ),
    refuses("ray-on-cpu", of(hosts="cpu1", executor="ray"), f"{S0}.executor", ["CPU platform"], "VLLM_PLUGINS"),
    warns(
        "tensor-across-hosts",
        of(hosts=TWO, parallel={"tensor": 16}, model=DEEPSEEK),
        f"{S0}.parallel.tensor",
        ["16", "network"],
        "inside a host",
    ),
    refuses(
        "layout-unknown",
        of(args={"hf_overrides": {"num_hidden_layers": 8}}),
        f"{S0}.parallel",
        ["a guess", "hf_overrides"],
        "write gpus",
    ),
    warns(
        "gpus-unused",
        of(hosts=TWO, probes={"gpu2": host(2, gpus=4)}),
        f"{S0}.hosts",
        ["gpu1 has more GPUs than gpu2"],
        "a service for gpu1",
    ),
    warns("hosts-unused", of(hosts=TWO, replicas=1, gpus=1), f"{S0}.hosts", ["gpu2"], "leave them out"),
    warns("memory-unknown", of(model="org/other"), f"{S0}.model", ["org/other", "not judged"], "model_config"),
    warns(
        "misspelt-variable",
        of(variables={"vllm_verison": "0.32.0"}),
        "vllm_verison",
        ["vllm_version is one"],
        "correct",
    ),
    warns("no-key", lambda: planned({"api_key": None})[1], f"{S0}.api_key", ["has no key"], "127.0.0.1"),
    warns("release-unknown", of(version="9.0.0"), f"{S0}.version", ["9.0.0 is outside"], "check"),
]


@table(CASES)
def test_what_is_said(case):
    assert_said(case)


@pytest.mark.parametrize(
    ("keys", "probes"),
    [
        ({}, {}),
        ({"model": QWEN, "args": {"max_model_len": 32768}}, {}),
        ({"model": QWEN, "runtime": "container"}, {}),
        ({"hosts": TWO, "replicas": 2}, {}),
        ({"model": DEEPSEEK}, {"gpu1": host(1, kind=H200)}),
        ({"hosts": "cpu1", "model": "org/m"}, {}),
    ],
)
def test_ordinary_services_are_planned_without_a_word(keys, probes):
    document, refusals = planned(keys, probes=probes)
    assert document is not None
    assert said(refusals) == []
