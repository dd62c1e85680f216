# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kv_transfer_config against the connectors of each release."""

from __future__ import annotations

import json

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.planning import transfers
from ansible_collections.vllm.cluster.plugins.module_utils.planning.options import Options
from ansible_collections.vllm.cluster.plugins.module_utils.releases import flags

from .cases import S0, assert_said, refuses, said, service, table, warns
from .test_arguments import check
from .test_variables import var

PATH = f"{S0}.args.kv_transfer_config"
EXTRA = f"{PATH}.kv_connector_extra_config"
NIXL = {"kv_connector": "NixlConnector", "kv_role": "kv_producer"}
NIXL_ENV = {"VLLM_NIXL_SIDE_CHANNEL_HOST": "10.0.0.1"}


def config(values, version="0.32.0", **keys):
    return lambda: check(args={"kv_transfer_config": values}, version=version, **{"runtime": "container", **keys})


def of(name, role="kv_both", **keys):
    return {"kv_connector": name, "kv_role": role, **keys}


def multi(*children):
    return of("MultiConnector", kv_connector_extra_config={"connectors": list(children)})


OFFLOAD = of("OffloadingConnector", kv_connector_extra_config={"cpu_bytes_to_use": 10**10})

CASES = [
    refuses("argument-json", config("{'kv_connector': 'x'}"), PATH, ["is not JSON"], "NixlConnector"),
    refuses("argument-json", config('{"kv_connector": "x" # a comment\n}'), PATH, ["is not JSON"], "mapping"),
    refuses("argument-json", config("[]"), PATH, ["is not a mapping"], "mapping"),
    refuses(
        "argument-json", config(multi("NixlConnector")), f"{EXTRA}.connectors[0]", ["not a mapping"], "each connector"
    ),
    refuses(
        "argument-json",
        lambda: check(args={"ec_transfer_config": "x"}),
        f"{S0}.args.ec_transfer_config",
        ["is not JSON"],
        "mapping",
    ),
    refuses(
        "kv-transfer-key",
        config({**NIXL, "kv_rank": 0}, env=NIXL_ENV),
        f"{PATH}.kv_rank",
        ["0.32.0 has no such key"],
        "kv_role",
    ),
    refuses(
        "kv-transfer-key",
        config(json.dumps({**NIXL, "kv_ip": "10.0.0.1"}), env=NIXL_ENV),
        f"{PATH}.kv_ip",
        ["no such key"],
        "VLLM_HOST_IP",
    ),
    warns(
        "kv-transfer-key-ignored",
        config({**NIXL, "kv_ranks": 0}, "0.11.0", env=NIXL_ENV),
        f"{PATH}.kv_ranks",
        ["0.11.0 ignores"],
        "kv_rank",
    ),
    refuses("kv-role", config({"kv_connector": "NixlConnector"}, env=NIXL_ENV), PATH, ["needs a role"], "kv_producer"),
    refuses(
        "kv-role",
        config(of("NixlConnector", "producer"), env=NIXL_ENV),
        f"{PATH}.kv_role",
        ["'producer'"],
        "write kv_producer",
    ),
    refuses(
        "kv-role",
        config(multi({"kv_connector": "NixlConnector"}), env=NIXL_ENV),
        f"{EXTRA}.connectors[0]",
        ["needs a role"],
        "kv_both",
    ),
    warns(
        "kv-role-unfit",
        config({**OFFLOAD, "kv_role": "kv_producer"}),
        PATH,
        ["made for kv_both, not for kv_producer"],
        "kv_both",
    ),
    refuses(
        "kv-connector",
        config(of("SharedStorageConnector"), "0.20.0"),
        f"{PATH}.kv_connector",
        ["'SharedStorageConnector'", "0.20.0 has no such"],
        "ExampleConnector",
    ),
    refuses("kv-connector", config(of("PyNcclConnector")), f"{PATH}.kv_connector", ["no such"], "NixlConnector"),
    refuses("kv-connector", config(of("NixlConector")), f"{PATH}.kv_connector", ["no such"], "NixlConnector"),
    refuses(
        "kv-connector",
        config(of("MooncakeConnector"), "0.12.0"),
        f"{PATH}.kv_connector",
        ["no such"],
        "0.13.0 or later",
    ),
    refuses(
        "kv-connector",
        lambda: check(
            args={"kv_transfer_config.kv_connector": "LMCacheConnector", "kv_transfer_config.kv_role": "kv_both"}
        ),
        f"{PATH}.kv_connector",
        ["no such"],
        "LMCacheConnectorV1",
    ),
    refuses(
        "kv-connector",
        lambda: check(args={"ec_transfer_config": {"ec_connector": "ECSharedStorageConnector"}}),
        f"{S0}.args.ec_transfer_config.ec_connector",
        ["no such encoder cache connector"],
        "ECExampleConnector",
    ),
    refuses(
        "kv-connector-engine",
        config(of("PyNcclConnector", "kv_producer", kv_rank=0, kv_parallel_size=2), "0.8.5"),
        f"{PATH}.kv_connector",
        ["V0 engine only"],
        "VLLM_USE_V1: 0",
    ),
    warns(
        "kv-connector-variable-unset",
        config(of("LMCacheConnectorV1"), env={"OMP_NUM_THREADS": 1}),
        var("LMCACHE_CONFIG_FILE"),
        ["LMCacheConnectorV1"],
        "set it",
    ),
    refuses("kv-connector", config({"kv_role": "kv_both"}), PATH, ["names no KV connector"], "add kv_connector"),
    refuses(
        "kv-connector-engine",
        config(of("PyNcclConnector", "kv_producer", kv_rank=0, kv_parallel_size=2), "0.9.0"),
        f"{PATH}.kv_connector",
        ["V0 engine only"],
        "VLLM_USE_V1: 0",
    ),
    refuses(
        "kv-connector-engine",
        config(NIXL, "0.10.0", env={**NIXL_ENV, "VLLM_USE_V1": 0}),
        f"{PATH}.kv_connector",
        ["V1 engine only"],
        f"remove {var('VLLM_USE_V1')}",
    ),
    refuses(
        "kv-connector-engine",
        config(of("LMCacheConnector"), "0.8.1", env={"VLLM_USE_V1": 1, "LMCACHE_CHUNK_SIZE": 1}),
        f"{PATH}.kv_connector",
        ["V0 engine only"],
        "VLLM_USE_V1: 0",
    ),
    refuses(
        "kv-connector-key",
        config(of("OffloadingConnector")),
        PATH,
        ["cpu_bytes_to_use"],
        "add kv_connector_extra_config",
    ),
    refuses("kv-connector-key", config(of("OffloadingConnector"), "0.13.0"), PATH, ["num_cpu_blocks"], "add"),
    refuses(
        "kv-connector-key",
        config(of("PyNcclConnector", "kv_producer", kv_rank=0), "0.7.3"),
        PATH,
        ["needs kv_parallel_size"],
        "add",
    ),
    refuses(
        "kv-connector-key", config(multi(of("HiSparseConnector"))), f"{EXTRA}.connectors[0]", ["host_pool_gib"], "add"
    ),
    warns(
        "kv-connector-key-ignored",
        config(of("OffloadingConnector", kv_connector_extra_config={"cpu_bytes_to_use": 1, "num_cpu_blocks": 1})),
        f"{EXTRA}.num_cpu_blocks",
        ["does not read"],
        "cpu_bytes_to_use",
    ),
    refuses(
        "kv-connector-platform",
        config(of("MoRIIOConnector", "kv_producer")),
        f"{PATH}.kv_connector",
        ["rocm only"],
        "NixlConnector",
    ),
    refuses(
        "kv-connector-variable",
        config(of("MooncakeStoreConnector")),
        var("MOONCAKE_CONFIG_PATH"),
        ["does not start without"],
        "set the path",
    ),
    warns("kv-connector-variable-unset", config(NIXL), var("VLLM_NIXL_SIDE_CHANNEL_HOST"), ["localhost"], "set it"),
    warns(
        "kv-connector-package",
        config(NIXL, env=NIXL_ENV, runtime="env"),
        f"{PATH}.kv_connector",
        ["imports nixl"],
        "'nixl==1.5.0' to vllm_env_packages",
    ),
]

GOOD = {
    "a producer": config(NIXL, env=NIXL_ENV),
    "nothing named, where that is ignored": config({"kv_role": "kv_both"}, "0.11.0"),
    "JSON text": config(json.dumps(NIXL), env=NIXL_ENV),
    "keys behind dots": lambda: check(
        args={"kv_transfer_config.kv_connector": "NixlConnector", "kv_transfer_config.kv_role": "kv_both"},
        env=NIXL_ENV,
        runtime="container",
    ),
    "a key of older releases": config({**NIXL, "kv_rank": 0}, "0.31.0", env=NIXL_ENV),
    "offloading": config(OFFLOAD),
    "offloading with a part of one's own": config(
        of("OffloadingConnector", kv_connector_extra_config={"spec_name": "X"})
    ),
    "both": config(multi(NIXL, OFFLOAD), env=NIXL_ENV),
    "a connector of one's own": config(of("MyConnector", kv_connector_module_path="my.module")),
    "V0 where it is told": config(
        of("PyNcclConnector", "kv_producer", kv_rank=0, kv_parallel_size=2), "0.9.0", env={"VLLM_USE_V1": 0}
    ),
    "V0 where it comes by itself": config(of("PyNcclConnector", "kv_producer", kv_rank=0, kv_parallel_size=2), "0.8.4"),
    "V0 where it is the only one": config(of("PyNcclConnector", "kv_producer", kv_rank=0, kv_parallel_size=2), "0.7.3"),
    "an encoder connector of one's own": lambda: check(
        args={"ec_transfer_config": {"ec_connector": "Mine", "ec_connector_module_path": "my.module"}}
    ),
    "nested keys behind dots": lambda: check(
        args={
            "kv_transfer_config": {"kv_connector": "OffloadingConnector", "kv_role": "kv_both"},
            "kv_transfer_config.kv_connector_extra_config.cpu_bytes_to_use": 10**10,
            "kv_transfer_config.kv_connector_extra_config.block_size": 64,
        }
    ),
    "LMCache by variables": config(of("LMCacheConnectorV1"), env={"LMCACHE_LOCAL_CPU": "true"}),
    "a secret variable": config(of("MooncakeStoreConnector"), secrets={"MOONCAKE_CONFIG_PATH": "/x"}),
    "an environment with the package": lambda: check(
        args={"kv_transfer_config": NIXL}, env=NIXL_ENV, packages=["nixl==1.5.0"]
    ),
    "a package of another CUDA": lambda: check(
        args={"kv_transfer_config": of("MooncakeConnector")}, packages=["mooncake-transfer-engine-cuda13>=0.3.12"]
    ),
    "peer to peer, without a proxy": config(of("P2pNcclConnector", "kv_producer"), "0.20.0"),
}


@table(CASES)
def test_what_is_said(case):
    assert_said(case)


@pytest.mark.parametrize("make", GOOD.values(), ids=GOOD)
def test_nothing_is_said_of_what_works(make):
    assert said(make()) == []


def test_a_key_behind_a_dot_is_judged_once_with_the_options():
    written = "kv_transfer_config.kv_rank"
    assert not flags.accepts(written, "0.32.0")
    keys = {"kv_transfer_config": OFFLOAD, written: 0}
    assert said(check(args=keys, runtime="container")) == []


def test_without_a_v0_engine_its_variable_chooses_nothing():
    found = said(config(NIXL, "0.12.0", env={**NIXL_ENV, "VLLM_USE_V1": 0})())
    assert [item.id for item in found] == ["variable-unknown"]


def test_connectors_inside_others_are_found():
    written = service(args={"kv_transfer_config": multi(NIXL, OFFLOAD)})
    assert transfers.names(Options(written)) == ["MultiConnector", "NixlConnector", "OffloadingConnector"]
