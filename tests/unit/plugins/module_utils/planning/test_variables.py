# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What variables mean in a release, and which doors options and variables open."""

from __future__ import annotations

import pytest

from .cases import S0, assert_said, model, refuses, said, table, warns
from .test_arguments import arg, args, check

DENSE = model()


def env(variables, about=None, **keys):
    return lambda: check(about, env=variables, **keys)


def secret(variables):
    return lambda: check(secrets=variables)


def var(name):
    return f"{S0}.env.{name}"


LOOPBACK = {"_listen": "127.0.0.1"}

CASES = [
    refuses(
        "variable-owned",
        env({"CUDA_VISIBLE_DEVICES": "0,1"}),
        var("CUDA_VISIBLE_DEVICES"),
        ["'0,1'", "sets it for each"],
        f"use {S0}.devices",
    ),
    refuses(
        "variable-owned", env({"VLLM_HOST_IP": "10.0.0.1"}), var("VLLM_HOST_IP"), ["member"], f"use {S0}.interface"
    ),
    refuses(
        "variable-owned",
        env({"NCCL_SOCKET_IFNAME": "ib0"}, hosts="gpu1 gpu2", several_hosts=True),
        var("NCCL_SOCKET_IFNAME"),
        ["'ib0'"],
        f"use {S0}.interface",
    ),
    refuses(
        "variable-owned",
        env({"VLLM_PORT": 9000}, hosts="gpu1 gpu2", several_hosts=True),
        var("VLLM_PORT"),
        ["'9000'"],
        "leave it out",
    ),
    refuses(
        "variable-owned",
        env({"CUDA_DEVICE_ORDER": "FASTEST_FIRST"}),
        var("CUDA_DEVICE_ORDER"),
        ["number the GPUs otherwise"],
        "leave it out",
    ),
    refuses(
        "variable-owned",
        secret({"CUDA_VISIBLE_DEVICES": "hidden"}),
        f"{S0}.secrets.CUDA_VISIBLE_DEVICES",
        ["sets it for each"],
        f"use {S0}.devices",
    ),
    refuses(
        "development-mode",
        secret({"VLLM_SERVER_DEV_MODE": "1"}),
        f"{S0}.secrets.VLLM_SERVER_DEV_MODE",
        ["control routes"],
        "leave it out",
    ),
    refuses(
        "internal-port", env({"VLLM_PORT": "tcp://10.0.0.1:8000"}), var("VLLM_PORT"), ["1 to 65535"], "leave it out"
    ),
    refuses("internal-port", env({"VLLM_PORT": 65536}), var("VLLM_PORT"), ["'65536'"], "leave it out"),
    warns("variable-unknown", env({"RAY_USE_IPV4": 1}), var("RAY_USE_IPV4"), ["does not read"], "neither Ray nor vLLM"),
    warns(
        "variable-unknown",
        env({"VLLM_ATTENTION_BACKEND": "FLASHINFER"}),
        var("VLLM_ATTENTION_BACKEND"),
        ["0.32.0 does not read"],
        "args.attention_backend",
    ),
    warns("variable-unknown", env({"VLLM_USE_V1": 0}), var("VLLM_USE_V1"), ["does not read"], "V0 engine is gone"),
    warns("variable-unknown", env({"HOST_IP": "10.0.0.1"}), var("HOST_IP"), ["does not read"], "VLLM_HOST_IP"),
    refuses(
        "variable-unknown",
        lambda: check(args={"fail_on_environ_validation": True}, env={"VLLM_RPC_TIMEOUT": 1}),
        var("VLLM_RPC_TIMEOUT"),
        ["makes that an error"],
        "no such time limit",
    ),
    refuses(
        "engine-choice", env({"VLLM_USE_V1": "yes"}, version="0.9.0"), var("VLLM_USE_V1"), ["'yes'", "0 or 1"], "0 or 1"
    ),
    refuses(
        "layer-partition",
        env({"VLLM_PP_LAYER_PARTITION": "32,31"}, DENSE),
        var("VLLM_PP_LAYER_PARTITION"),
        ["places 63 layers", "has 64"],
        "sum 64",
    ),
    refuses(
        "layer-partition",
        env({"VLLM_PP_LAYER_PARTITION": "64"}, parallel={"pipeline": 2}),
        var("VLLM_PP_LAYER_PARTITION"),
        ["1 stages", "has 2"],
        "each stage",
    ),
    refuses(
        "layer-partition",
        env({"VLLM_PP_LAYER_PARTITION": "31,b"}),
        var("VLLM_PP_LAYER_PARTITION"),
        ["'31,b'", "numbers"],
        "31,30",
    ),
    refuses(
        "development-mode",
        env({"VLLM_SERVER_DEV_MODE": 1}),
        var("VLLM_SERVER_DEV_MODE"),
        ["/collective_rpc", "0.0.0.0"],
        "127.0.0.1",
    ),
    warns(
        "open-control-route",
        env({"VLLM_ALLOW_RUNTIME_LORA_UPDATING": "true"}),
        var("VLLM_ALLOW_RUNTIME_LORA_UPDATING"),
        ["adapters"],
        "leave it out",
    ),
    warns(
        "open-control-route",
        args(profiler_config={"profiler": "torch"}),
        arg("profiler_config"),
        ["/start_profile"],
        "after profiling",
    ),
    warns("open-control-route", args(grpc_port=9000), arg("grpc_port"), ["takes no key"], "127.0.0.1"),
    warns(
        "open-kv-events",
        args(kv_events_config={"enable_kv_cache_events": True}),
        arg("kv_events_config"),
        ["tcp://*:5557"],
        "endpoint",
    ),
    warns(
        "server-outlives-engine",
        env({"VLLM_KEEP_ALIVE_ON_ENGINE_DEATH": 1}),
        var("VLLM_KEEP_ALIVE_ON_ENGINE_DEATH"),
        ["systemd"],
        "leave it out",
    ),
]

GOOD = {
    "the plan's own order of GPUs": env({"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}),
    "a token among the secrets": secret({"HF_TOKEN": "hidden"}),
    "NCCL steered before the engines' hosts are known": env({"NCCL_SOCKET_IFNAME": "lo"}, hosts="gpu1 gpu2"),
    "NCCL steered on one host": env({"NCCL_SOCKET_IFNAME": "lo", "NCCL_ALGO": "Tree", "NCCL_IB_DISABLE": 1}),
    "interfaces of replicas": env({"GLOO_SOCKET_IFNAME": "eth0"}, hosts="gpu1 gpu2", replicas=2),
    "variables of others": env({"OMP_NUM_THREADS": 4, "HF_HOME": "/x", "TRITON_CACHE_DIR": "/y"}),
    "variables of the release": env({"VLLM_USE_V1": 0, "VLLM_ATTENTION_BACKEND": "X"}, version="0.10.2"),
    "a base of ports": env({"VLLM_PORT": 65535}),
    "layers that add up": env({"VLLM_PP_LAYER_PARTITION": "33,31"}, DENSE, parallel={"pipeline": 2}),
    "development behind loopback": env({"VLLM_SERVER_DEV_MODE": 1}, listen="127.0.0.1"),
    "development turned off": env({"VLLM_SERVER_DEV_MODE": 0}),
    "profiling behind loopback": args(profiler_config={"profiler": "torch"}, grpc_port=9000, **LOOPBACK),
    "events on one address": args(kv_events_config={"enable_kv_cache_events": True, "endpoint": "tcp://10.0.0.1:5557"}),
}


@table(CASES)
def test_what_is_said(case):
    assert_said(case)


@pytest.mark.parametrize("make", GOOD.values(), ids=GOOD)
def test_nothing_is_said_of_what_works(make):
    assert said(make()) == []
