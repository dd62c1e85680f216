# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What prefill and decode services, their connectors and front doors are refused for, and warned of."""

from __future__ import annotations

from .cases import S0, assert_said, refuses, table, warns
from .sides import EXAMPLE, KV, OLD, STAGES, TWO, alone, of, on_cpu, pd, shared
from .test_plan_said import planned

CASES = [
    # Two sides
    refuses(
        "pd-side-missing",
        lambda: planned({"prefill": {"gpus": 1}})[1],
        f"{S0}.decode",
        ["none for decode"],
        "add decode",
    ),
    refuses("pd-side-key", of(devices=[0]), f"{S0}.devices", ["of one side"], f"{S0}.prefill and {S0}.decode"),
    refuses("pd-side-key", of(replicas=2), f"{S0}.replicas", ["2", "of one side"], "write it in"),
    refuses(
        "pd-side-key", of(decode={"version": "0.31.0"}), f"{S0}.decode.version", ["same for both"], f"{S0}.version"
    ),
    refuses("unknown-key", of(prefill={"replica": 2}), f"{S0}.prefill.replica", ["no such key"], "replicas"),
    refuses("missing", of(decode={"hosts": None}), f"{S0}.decode.hosts", ["is missing"], "pattern"),
    refuses(
        "wrong-type",
        lambda: planned({"prefill": "gpu1", "decode": {}})[1],
        f"{S0}.prefill",
        ["must be a mapping"],
        "write it as keys",
    ),
    refuses("not-planned-yet", of(balancing="external"), f"{S0}.balancing", ["not planned"], "replicas"),
    refuses("argument-value", of(args={"max_num_seqs": "many"}), f"{S0}.args.max_num_seqs", ["many"], "write that"),
    refuses(
        "argument-unknown",
        of(decode={"args": {"max_model_length": 1}}),
        f"{S0}.decode.args.max_model_length",
        ["no option"],
        "max_model_len",
    ),
    refuses(
        "gpu-taken",
        of(None, {"gpus": None, "devices": [0]}, {"hosts": "gpu1", "gpus": None, "devices": [0]}),
        f"{S0}.decode.devices",
        ["GPU 0 of gpu1 is taken"],
        "once",
    ),
    refuses(
        "too-few-gpus", of(None, {"gpus": 5}, {"hosts": "gpu1", "gpus": 4}), f"{S0}.decode.gpus", ["8 GPUs"], "lower it"
    ),
    refuses(
        "service-name",
        lambda: planned(pd(name="a"), {"name": "a-prefill", "gpus": 1})[1],
        "vllm_services[1].name",
        ["a-prefill"],
        "another name",
    ),
    # Sides that must agree
    refuses(
        "pd-sides-differ",
        of(decode={"args": {"max_model_len": 4096}}, args={"max_model_len": 8192}),
        f"{S0}.decode.args.max_model_len",
        ["8192", "prefill engines"],
        f"{S0}.args.max_model_len",
    ),
    refuses(
        "pd-sides-differ",
        of(prefill={"args": {"dtype": "float16"}}),
        f"{S0}.decode.args.dtype",
        ["'float16'", f"{S0}.prefill.args.dtype"],
        f"{S0}.args.dtype",
    ),
    refuses("pd-sides-differ", of(decode={"args": {"block-size": 32}}), f"{S0}.decode.args.block-size", ["32"], "once"),
    refuses(
        "pd-sides-differ",
        of(decode={"args": {"kv_cache_dtype": "fp8"}}),
        f"{S0}.decode.args.kv_cache_dtype",
        ["fp8"],
        "once",
    ),
    refuses(
        "pd-sides-differ",
        of(decode={"env": {"PYTHONHASHSEED": "7"}}),
        f"{S0}.decode.env.PYTHONHASHSEED",
        ["'7'"],
        "once",
    ),
    # Which connector
    refuses("kv-connector", of("nixel"), f"{KV}.connector", ["is no connector's name"], "nixl"),
    refuses("kv-connector", of("p2p_nccl"), f"{KV}.connector", ["0.32.0 has no such KV connector"], "NixlConnector"),
    refuses(
        "kv-connector", of("mooncake", version="0.12.0"), f"{KV}.connector", ["no such KV connector"], "0.13.0 or later"
    ),
    refuses(
        "kv-connector-unfit",
        of({"connector": "offloading", "memory_gib": 8}),
        f"{KV}.connector",
        ["keeps KV cache in its own host"],
        "nixl",
    ),
    refuses(
        "kv-connector-unfit",
        alone(kv_transfer={"connector": "nixl"}),
        f"{KV}.connector",
        ["service has neither"],
        "write prefill",
    ),
    refuses("kv-connector-unfit", alone(kv_transfer={}), f"{KV}.connector", ["service has neither"], "offloading"),
    refuses(
        "kv-connector-debugging",
        of({"connector": "shared_storage", "path": "/kv"}),
        f"{KV}.connector",
        ["debugging"],
        "testing: true",
    ),
    refuses(
        "kv-connector-platform", on_cpu("lmcache"), f"{KV}.connector", ["every prompt is made again"], "lmcache_mp"
    ),
    refuses("kv-connector-platform", on_cpu("mooncake"), f"{KV}.connector", ["torch.accelerator"], "nixl"),
    refuses("kv-connector-platform", on_cpu("py_nccl", version="0.9.0"), f"{KV}.connector", ["by NCCL"], "nixl"),
    refuses(
        "kv-connector-unrouted", of("p2p_nccl", **OLD), f"{KV}.connector", ["none of the routers"], "enabled: false"
    ),
    refuses("kv-connector-key", of({"connector": "multi"}), f"{KV}.connectors", ["none is written"], "connectors: ["),
    refuses(
        "kv-connector-key",
        of({"connector": "nixl", "connectors": [{"connector": "nixl"}]}),
        f"{KV}.connectors",
        ["another"],
        "multi",
    ),
    refuses(
        "kv-connector-key",
        of({"connector": "multi", "connectors": [{"connector": "auto"}]}),
        f"{KV}.connectors[0].connector",
        ["is named"],
        "nixl",
    ),
    refuses(
        "kv-connector",
        of({"connector": "multi", "connectors": [{"connector": "PyNcclConnector"}]}),
        f"{KV}.connectors[0].connector",
        ["no such KV connector"],
        "NixlConnector",
    ),
    refuses("kv-connector-key", alone(kv_transfer={"connector": "offloading"}), KV, ["cpu_bytes_to_use"], "extra"),
    refuses(
        "argument-owned",
        of("nixl", args={"kv_transfer_config": {"kv_role": "kv_both"}}),
        f"{S0}.args.kv_transfer_config",
        ["set by the plan"],
        KV,
    ),
    refuses(
        "argument-owned",
        of({**EXAMPLE, "extra": {"shared_storage_path": "/x"}}),
        f"{KV}.extra.shared_storage_path",
        ["set by the plan"],
        f"{KV}.path",
    ),
    refuses("unknown-key", of({"conector": "nixl"}), f"{KV}.conector", ["no such key"], "connector"),
    warns(
        "kv-connector-key-ignored",
        of({"connector": "nixl", "extra": {"num_thread": 4}}),
        f"{KV}.extra.num_thread",
        ["does not read"],
        "num_threads",
    ),
    refuses("wrong-value", of({"connector": "nixl", "on_failure": "later"}), f"{KV}.on_failure", ["fail, recompute"]),
    # What hosts and engines tell
    refuses(
        "kv-one-pair",
        of("py_nccl", {"replicas": 2}, **OLD),
        f"{S0}.prefill.replicas",
        ["there are 2 for prefill"],
        "replicas: 1",
    ),
    refuses("kv-one-host", of({"connector": "lmcache_mp"}), f"{KV}.connector", ["its own host alone"], "one host"),
    refuses(
        "kv-tensor-sizes",
        of("p2p_nccl", TWO, router={"enabled": False}, **OLD),
        f"{S0}.decode.parallel.tensor",
        ["tensor size 2"],
        "tensor: 2",
    ),
    refuses(
        "kv-tensor-sizes",
        of("mooncake", TWO, version="0.16.0"),
        f"{S0}.decode.parallel.tensor",
        ["both sides alike"],
        "tensor: 2",
    ),
    refuses(
        "kv-tensor-sizes",
        of("py_nccl", STAGES, **OLD),
        f"{S0}.decode.parallel.pipeline",
        ["pipeline size 2"],
        "pipeline: 2",
    ),
    warns("kv-tensor-sizes-differ", of("nixl", TWO), f"{S0}.decode.parallel.tensor", ["2", "1"], "equal"),
    refuses(
        "kv-pipeline", of("nixl", STAGES, STAGES), f"{S0}.decode.parallel.pipeline", ["2 pipeline stages"], "tensor"
    ),
    refuses(
        "kv-pipeline",
        of("mooncake", STAGES, STAGES, version="0.20.0"),
        f"{S0}.prefill.parallel.pipeline",
        ["pipeline stages"],
        "nixl",
    ),
    refuses("kv-shared-path", of({**EXAMPLE, "path": None}), f"{KV}.path", ["none is written"], "mount"),
    refuses(
        "kv-shared-path",
        of(EXAMPLE, probes=shared("local ext4 1 /kv", "local ext4 2 /kv")),
        f"{KV}.path",
        ["local ext4 1 /kv on gpu1"],
        "NFS",
    ),
    warns("kv-shared-path-unknown", of(EXAMPLE), f"{KV}.path", ["gpu1, gpu2 did not tell"], "probe"),
    warns(
        "kv-shared-path-unknown",
        of(EXAMPLE, probes=shared("network nas:/kv", "network 10.9.0.9:/kv")),
        f"{KV}.path",
        ["nas:/kv on gpu1"],
        "one name",
    ),
    refuses(
        "kv-server-host",
        of({"connector": "mooncake_store", "server_host": "cpu1"}),
        f"{KV}.server_host",
        ["no host of the service's engines"],
        "gpu1",
    ),
    refuses(
        "kv-connector-variable",
        of("mooncake_store", **OLD),
        f"{S0}.prefill.env.MOONCAKE_CONFIG_PATH",
        ["does not start without"],
        "set",
    ),
    # The door
    warns("pd-without-router", of(router={"enabled": False}), f"{S0}.router.enabled", ["nobody hands"], "leave it out"),
    warns(
        "port-unused",
        of(port=8000, router={"enabled": False}),
        f"{S0}.port",
        ["is the port of a router"],
        "leave it out",
    ),
    refuses("router-host", alone(router={"host": "gpu1 gpu2"}), f"{S0}.router.host", ["matches 2 hosts"], "name one"),
    refuses(
        "router-port", alone(port=8000, router={"port": 9000}), f"{S0}.router.port", ["9000", "8000"], "one of them"
    ),
    refuses(
        "router-setting",
        alone(router={"limits": {"body_bytes": 1}}),
        f"{S0}.router.limits.body_bytes",
        ["1024"],
        "docs/router.md",
    ),
    refuses(
        "router-setting",
        alone(router={"timeouts": {"answers": 5}}),
        f"{S0}.router.timeouts.answers",
        ["no such key"],
        "docs/router.md",
    ),
    refuses("wrong-value", alone(router={"policy": "fastest"}), f"{S0}.router.policy", ["cache_aware"], "engine"),
    refuses("missing", alone(router={"tls": {"certificate": "/c.pem"}}), f"{S0}.router.tls.key", ["is missing"], "key"),
    refuses(
        "router-key-name",
        alone(router={"api_keys": {"a b": "x"}}),
        f"{S0}.router.api_keys.a b",
        ["no name"],
        "batch-jobs",
    ),
    refuses(
        "api-key-characters",
        alone(router={"api_keys": {"a": "x y"}}),
        f"{S0}.router.api_keys.a",
        ["HTTP header"],
        "ASCII",
    ),
    refuses(
        "not-applied-yet",
        of("p2p_nccl", router={"enabled": False}, **OLD),
        f"{S0}.prefill",
        ["P2pNcclConnector", "planned and shown, and not started"],
        "playbooks/plan.yml",
    ),
    refuses(
        "not-applied-yet",
        of("py_nccl", version="0.8.5"),
        f"{S0}.prefill",
        ["PyNcclConnector", "one by one"],
        "write nixl",
    ),
    refuses(
        "router-engine-key",
        alone(api_key=None, router={"enabled": True, "api_keys": {"a": "x"}}),
        f"{S0}.api_key",
        ["engines behind the door have none"],
        "set it",
    ),
    refuses(
        "port-taken",
        lambda: planned({"gpus": 1, "port": 8000, "router": {"enabled": True}}, {"name": "b", "gpus": 1, "port": 8000})[
            1
        ],
        "vllm_services[1].port",
        ["taken"],
        "its own",
    ),
]


@table(CASES)
def test_what_is_said(case):
    assert_said(case)
