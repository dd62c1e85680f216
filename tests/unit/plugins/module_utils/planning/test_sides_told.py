# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each connector is told in each release."""

from __future__ import annotations

import json
import os
import subprocess

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.planning.connectors import wanted
from ansible_collections.vllm.cluster.plugins.module_utils.releases import advisories, connectors, tables

from .machines import gpu_host, interface, rdma
from .sides import (
    ACCEPTED,
    CPU,
    EXAMPLE,
    KV,
    NO_ROUTER,
    OLDEST,
    TWO,
    both,
    configs,
    consumer,
    engine_units,
    extra,
    made,
    producer,
    told,
)
from .test_plan_said import H100, host

PYTHON = os.environ.get("VLLM_TEST_PYTHON")


@pytest.mark.parametrize(
    ("connector", "keys", "prefill", "decode"),
    [
        (None, {}, producer("NixlConnector"), consumer("NixlConnector")),
        ("nixl_push", {}, producer("NixlPushConnector"), consumer("NixlPushConnector")),
        (
            {"connector": "nixl", "on_failure": "recompute", "extra": {"kv_lease_duration": 60}},
            {},
            producer("NixlConnector", kv_load_failure_policy="recompute", **extra(kv_lease_duration=60)),
            consumer("NixlConnector", kv_load_failure_policy="recompute", **extra(kv_lease_duration=60)),
        ),
        (
            "py_nccl",
            OLDEST,
            producer("PyNcclConnector", kv_rank=0, kv_parallel_size=2, kv_ip="192.0.2.1", kv_port=14579),
            consumer("PyNcclConnector", kv_rank=1, kv_parallel_size=2, kv_ip="192.0.2.1", kv_port=14579),
        ),
        (
            "p2p_nccl",
            {**OLDEST, **NO_ROUTER},
            producer("P2pNcclConnector", kv_port=14579, **extra(http_port="18000")),
            consumer("P2pNcclConnector", kv_port=14579, **extra(http_port="18000")),
        ),
        (
            "mooncake",
            {},
            producer("MooncakeConnector", **extra(mooncake_protocol="tcp")),
            consumer("MooncakeConnector", **extra(mooncake_protocol="tcp")),
        ),
        (
            "mooncake",
            {"version": "0.13.0", "variables": ACCEPTED},
            producer("MooncakeConnector"),
            consumer("MooncakeConnector"),
        ),
        ("mooncake_store", {}, both("MooncakeStoreConnector"), consumer("MooncakeStoreConnector")),
        (EXAMPLE, {}, *[both("ExampleConnector", **extra(shared_storage_path="/kv"))] * 2),
        (
            EXAMPLE,
            {"version": "0.12.0", "variables": ACCEPTED},
            *[both("SharedStorageConnector", **extra(shared_storage_path="/kv"))] * 2,
        ),
        ("lmcache", {}, *[both("LMCacheConnectorV1")] * 2),
        (
            {"connector": "multi", "connectors": [{"connector": "nixl"}, EXAMPLE]},
            {},
            producer(
                "MultiConnector",
                **extra(
                    connectors=[producer("NixlConnector"), both("ExampleConnector", **extra(shared_storage_path="/kv"))]
                ),
            ),
            consumer(
                "MultiConnector",
                **extra(
                    connectors=[consumer("NixlConnector"), both("ExampleConnector", **extra(shared_storage_path="/kv"))]
                ),
            ),
        ),
    ],
)
def test_what_each_side_is_told(connector, keys, prefill, decode):
    assert configs(made(connector, **keys)) == {"a-prefill-0": prefill, "a-decode-0": decode}


def test_engines_of_one_host_get_ports_of_their_own():
    document = made("p2p_nccl", {"replicas": 2}, {"hosts": "gpu1", "replicas": 2}, **OLDEST, **NO_ROUTER)
    found = list(configs(document).values())
    assert sorted(item["kv_port"] for item in found) == [14579, 14580, 14581, 14582]
    assert [item["kv_connector_extra_config"]["http_port"] for item in found] == ["18000", "18001", "18002", "18003"]
    document = made("nixl", {"replicas": 2}, {"hosts": "gpu1", "replicas": 2})
    units = engine_units(document).values()
    assert sorted(unit["environment"]["VLLM_NIXL_SIDE_CHANNEL_PORT"] for unit in units) == [
        "5600",
        "5601",
        "5602",
        "5603",
    ]
    assert {unit["environment"]["VLLM_NIXL_SIDE_CHANNEL_HOST"] for unit in units} == {"127.0.0.1"}
    assert {unit["listen"] for unit in units} == {"127.0.0.1"}


def test_both_sides_of_py_nccl_meet_where_the_prefill_engine_listens():
    busy = host(1, listeners=[{"port": 14580, "address": "0.0.0.0", "process": "x", "pid": 1, "unit": None}])
    document = made("py_nccl", TWO, {**TWO, "hosts": "gpu1"}, probes={"gpu1": busy}, **OLDEST)
    prefill, decode = (told(engine_units(document)[name]) for name in ("a-prefill-0", "a-decode-0"))
    # two ports of each rank, in a row; the decode engine opens none
    assert prefill["kv_port"] == decode["kv_port"] == 14581
    assert document["engines"][0]["members"][0]["ports"]["kv_rendezvous"] == [14581, 14584]
    assert "kv_rendezvous" not in document["engines"][1]["members"][0]["ports"]
    assert {unit["environment"]["VLLM_USE_V1"] for unit in engine_units(document).values()} == {"0"}


def test_auto_says_why():
    decisions = {item["path"]: item for item in made()["decisions"]}
    assert decisions[f"{KV}.connector"]["value"] == "NixlConnector"
    assert "RDMA or TCP" in decisions[f"{KV}.connector"]["why"]
    document = made(version="0.8.5", variables=ACCEPTED)
    assert configs(document)["a-prefill-0"]["kv_connector"] == "PyNcclConnector"


def fast(number):
    """A host with RDMA on a network of its own."""
    eth, ib = (
        interface("eth0", f"192.0.2.{number}/24", speed=10000),
        interface("ib0", f"10.9.0.{number}/24", speed=400000, rdma="mlx5_0"),
    )
    return gpu_host(
        f"gpu{number}",
        H100,
        8,
        interfaces=[eth, ib],
        rdma_devices=[rdma("ib0")],
        pythons={"/usr/bin/python3": "3.12.3"},
    )


RDMA = {"gpu1": fast(1), "gpu2": fast(2)}


def test_cache_goes_over_the_fastest_network_of_all_engines():
    units = engine_units(made(probes=RDMA))
    assert units["a-prefill-0"]["environment"]["VLLM_NIXL_SIDE_CHANNEL_HOST"] == "10.9.0.1"
    assert units["a-decode-0"]["environment"]["VLLM_NIXL_SIDE_CHANNEL_HOST"] == "10.9.0.2"
    assert "UCX_NET_DEVICES" not in units["a-prefill-0"]["environment"]
    slow = engine_units(made())["a-prefill-0"]["environment"]
    assert (slow["VLLM_NIXL_SIDE_CHANNEL_HOST"], slow["UCX_NET_DEVICES"]) == ("192.0.2.1", "eth0")


def test_mooncake_takes_rdma_where_all_have_it():
    document = made("mooncake", probes=RDMA)
    assert "kv_connector_extra_config" not in configs(document)["a-prefill-0"]
    written = configs(made({"connector": "mooncake", "protocol": "tcp"}, probes=RDMA))
    assert written["a-decode-0"]["kv_connector_extra_config"] == {"mooncake_protocol": "tcp"}
    door = document["hosts"]["gpu1"]["routers"][0]
    assert door["connector"] == "mooncake"
    assert [worker["bootstrap_port"] for worker in door["workers"]] == [8998, None]
    assert engine_units(document)["a-prefill-0"]["ports"]["kv_bootstrap"] == 8998
    assert "kv_bootstrap" not in engine_units(document)["a-decode-0"]["ports"]


def test_engines_on_the_cpu_are_told_what_ucx_has_there():
    sides = {"gpus": None}
    document = made("nixl", {**sides, "hosts": "cpu1"}, {**sides, "hosts": "cpu2"}, model="lab://tiny", probes=CPU)
    units = engine_units(document)
    assert {unit["environment"]["UCX_TLS"] for unit in units.values()} == {"tcp,self,sm"}
    (item,) = [found for found in document["hosts"]["cpu2"]["environments"] if "router" not in found["name"]]
    assert item["requirements"][2:] == ["nixl==1.5.0", "nixl-cu12==1.5.0"]
    assert item["excludes"][4:] == ["nixl-cu13"]
    assert item["name"].startswith("vllm-0.32.0-cpu-")


@pytest.mark.parametrize(
    ("connector", "version", "wanted"),
    [
        ("nixl", "0.32.0", ["nixl==1.5.0", "nixl-cu12==1.5.0", "nixl-cu13==1.5.0"]),
        ("nixl", "0.17.0", ["nixl>=0.7.1,<0.10.0", "nixl-cu12>=0.7.1,<0.10.0"]),
        ("mooncake", "0.32.0", ["mooncake-transfer-engine-cuda13>=0.3.12"]),
        ("mooncake", "0.17.0", ["mooncake-transfer-engine>=0.3.8"]),
        ("lmcache", "0.33.0", ["lmcache>=0.5.6"]),
        ("lmcache", "0.32.0", ["lmcache>=0.5.6"]),  # what its image says (>=0.3.9) is too little
        ("lmcache", "0.31.0", ["lmcache>=0.3.9"]),
        (EXAMPLE, "0.32.0", []),
    ],
)
def test_environments_hold_what_connectors_import(connector, version, wanted):
    document = made(connector, version=version, variables=ACCEPTED)
    item = document["hosts"]["gpu2"]["environments"][0]
    assert item["requirements"][2:] == wanted
    written = {**ACCEPTED, "vllm_env_packages": ["nixl==1.2.3"]}
    item = made("nixl", variables=written)["hosts"]["gpu2"]["environments"][0]
    assert item["requirements"][2:] == ["nixl==1.2.3"]


def test_on_the_cpu_nothing_of_cuda_comes_along_and_libraries_are_the_hosts():
    mooncake = {"connector": "mooncake", "module_path": "a_stand_in"}
    both_of_them = {"connector": "multi", "connectors": [{"connector": "lmcache_mp"}, mooncake]}
    sides = ({"hosts": "cpu1", "gpus": None}, {"hosts": "cpu2", "gpus": None})
    host = made(both_of_them, *sides, model="lab://tiny", probes=CPU)["hosts"]["cpu2"]
    (item,) = host["environments"]
    assert item["requirements"][2:] == ["lmcache>=0.5.6", "mooncake-transfer-engine-non-cuda>=0.3.12"]
    assert item["excludes"][4:] == ["cuda-python", "cufile-python", "cupy-cuda13x"]
    assert host["packages"] == ["libibverbs1"]
    assert made()["hosts"]["gpu1"]["packages"] == []


def test_the_server_of_lmcache_chooses_its_way_to_engines_where_it_can():
    for version, chooses in (("0.32.0", True), ("0.31.0", False)):
        hosts = made("lmcache_mp", {}, {"hosts": "gpu1", "gpus": 1}, version=version)["hosts"]
        server = next(unit for unit in hosts["gpu1"]["units"] if unit["kind"] == "kv_server")
        assert ("--supported-transfer-mode" in server["exec"]) is chooses


#: Every connector in every release that the planner can plan it for: what is rendered, the release takes.
EVERYWHERE = [
    (name, version)
    for name, names in wanted.SHORT.items()
    for version in tables.sampled()
    if name not in ("offloading", "multi") and any(connectors.find(each, version).valid for each in names)
]


@pytest.mark.parametrize(("name", "version"), EVERYWHERE)
def test_the_release_takes_every_key(name, version):
    needs = connectors.needs(next(each for each in wanted.SHORT[name] if connectors.find(each, version).valid), version)
    env = {"MOONCAKE_CONFIG_PATH": "/etc/mooncake.json"} if needs.engine == "v0" and "mooncake" in name else {}
    hosts = {"hosts": "gpu1"} if name == "lmcache_mp" else {}
    kv = {"connector": name, **({"path": "/kv", "testing": True} if name == "shared_storage" else {})}
    variables = {"vllm_accept_advisories": [item.id for item in advisories.everything()], "vllm_runtime": "container"}
    document = made(
        kv, hosts, hosts, version=version, env=env, variables=variables, router={"enabled": name != "p2p_nccl"}
    )
    for config in configs(document).values():
        for key in config:
            assert connectors.transfer_key(key, version).valid, key
        for key in config.get("kv_connector_extra_config", {}):
            assert connectors.extra_key(config["kv_connector"], key, version).valid, key
    ids = {warning["id"] for warning in document["warnings"]}
    assert not ids & {
        "kv-transfer-key-ignored",
        "kv-connector-key-ignored",
        "kv-connector-variable-unset",
        "variable-unknown",
        "kv-role-unfit",
    }


@pytest.mark.skipif(not PYTHON, reason="VLLM_TEST_PYTHON names no Python that holds a vLLM to read the options with")
def test_an_installed_vllm_reads_every_option():
    code = "import json, sys, vllm; from vllm.config import KVTransferConfig as K; print(vllm.__version__);" + (
        "[K(**item) for item in json.load(sys.stdin)]"
    )
    found = subprocess.run(
        [PYTHON, "-c", "import vllm; print(vllm.__version__)"], capture_output=True, text=True, check=True
    )
    version = found.stdout.split()[-1].partition("+")[0]
    options = [
        config
        for name, release in EVERYWHERE
        if release == version and name not in ("lmcache_mp", "p2p_nccl", "py_nccl")
        for config in configs(
            made(
                {"connector": name, **({"path": "/kv", "testing": True} if name == "shared_storage" else {})},
                version=version,
            )
        ).values()
    ]
    assert len(options) > 8
    done = subprocess.run([PYTHON, "-c", code], input=json.dumps(options), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
