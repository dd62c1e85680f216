# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers, files and front doors of services whose engines pass KV cache on."""

from __future__ import annotations

import json

from ansible_collections.vllm.cluster.plugins.module_utils.planning import intent, plan

from .sides import CPU, EXAMPLE, both, configs, engine_units, extra, made, pd, shared, told, unit_of
from .test_plan_said import planned


def test_lmcache_has_a_server_on_the_engines_host():
    document = made("lmcache_mp", {"hosts": "gpu1"}, {"hosts": "gpu1"})
    server = unit_of(document, "vllm-a-lmcache.service")
    assert server["exec"][1:] == [
        *("server", "--host", "127.0.0.1", "--port", "5555", "--l1-size-gb", "4", "--eviction-policy", "LRU"),
        *("--http-host", "127.0.0.1", "--http-port", "8090", "--supported-transfer-mode", "auto"),
    ]
    assert server["exec"][0] == document["hosts"]["gpu1"]["environments"][0]["path"] + "/bin/lmcache"
    for unit in engine_units(document).values():
        assert unit["restart_with"] == ["vllm-a-lmcache.service"]
        assert unit["environment"]["PYTHONHASHSEED"] == server["environment"]["PYTHONHASHSEED"] == "0"
        assert told(unit)["kv_connector_extra_config"] == {
            "lmcache.mp.host": "tcp://127.0.0.1",
            "lmcache.mp.port": 5555,
        }
    names = [unit["name"] for unit in document["hosts"]["gpu1"]["units"]]
    assert names[0] == "vllm-a-lmcache.service"


def test_engines_on_the_cpu_share_an_lmcache_server_over_the_network():
    sides = {"gpus": None}
    kv = {"connector": "lmcache_mp", "memory_gib": 1, "server_host": "cpu2"}
    document = made(kv, {**sides, "hosts": "cpu1"}, {**sides, "hosts": "cpu2"}, model="lab://tiny", probes=CPU)
    server = unit_of(document, "vllm-a-lmcache.service")
    assert server in document["hosts"]["cpu2"]["units"]
    address = server["listen"]
    assert address != "127.0.0.1"
    assert {item["kv_connector_extra_config"]["lmcache.mp.host"] for item in configs(document).values()} == {
        f"tcp://{address}"
    }
    # A restart of the server reaches engines of its own host; the others find it again.
    assert engine_units(document)["a-prefill-0"]["restart_with"] == []


def test_lmcache_of_several_hosts_shares_a_server():
    document = made({"connector": "lmcache", "memory_gib": 20})
    server = unit_of(document, "vllm-a-lmcache.service")
    assert server["exec"][1:] == ["192.0.2.1", "65432"]
    env = engine_units(document)["a-decode-0"]["environment"]
    assert env["LMCACHE_REMOTE_URL"] == "lm://192.0.2.1:65432"
    assert env["LMCACHE_MAX_LOCAL_CPU_SIZE"] == "20"
    own = made("lmcache", env={"LMCACHE_CONFIG_FILE": "/etc/lmcache.yml"})
    assert "LMCACHE_REMOTE_URL" not in engine_units(own)["a-decode-0"]["environment"]


def test_mooncakes_pool_has_a_master_and_a_file():
    document = made({"connector": "mooncake_store", "memory_gib": 80})
    assert unit_of(document, "vllm-a-mooncake.service")["exec"][1:] == ["--rpc_port=50051", "--metrics_port=9003"]
    (file,) = document["hosts"]["gpu2"]["files"]
    assert json.loads(file["content"]) == {
        "metadata_server": "P2PHANDSHAKE",
        "master_server_address": "192.0.2.1:50051",
        "protocol": "tcp",
        "device_name": "",
        "global_segment_size": 80 * 2**30,
    }
    assert engine_units(document)["a-decode-0"]["environment"]["MOONCAKE_CONFIG_PATH"] == file["path"]
    other = made({"connector": "mooncake_store", "memory_gib": 81})["hosts"]["gpu2"]["files"][0]
    assert other["path"] != file["path"]


def test_offloading_is_of_single_engines_too():
    document, _said = planned({"gpus": 1, "kv_transfer": {"connector": "offloading", "memory_gib": 64}})
    (unit,) = engine_units(document).values()
    assert told(unit) == both("OffloadingConnector", **extra(cpu_bytes_to_use=64 * 2**30))
    assert document["hosts"]["gpu1"]["routers"] == []


def test_a_folder_that_engines_share_is_made():
    document = made(EXAMPLE, probes=shared("local ext4 1 /kv", "local ext4 1 /kv"))
    assert document["warnings"] == []
    assert [item["files"] for item in document["hosts"].values() if item["units"]] == [
        [{"path": "/kv", "content": None}]
    ] * 2
    wanted_paths = plan.requests(
        intent.parse({"vllm_services": [{"name": "a", "model": "org/m", **pd(EXAMPLE)}]}, str.split)
    )
    assert "/kv" in wanted_paths["gpu1"]["paths"]
    assert "/kv" in wanted_paths["gpu2"]["paths"]


def test_engines_behind_a_door_are_called_by_it_alone():
    document = made(
        probes=CPU, api_key="k", router={"host": "cpu1", "port": 8080, "api_keys": {"batch": "x", "web": "y"}}
    )
    (service,) = document["services"]
    assert service["endpoints"] == [{"host": "cpu1", "unit": "vllm-a-door.service", "url": "http://192.0.2.3:8080"}]
    (door,) = document["hosts"]["cpu1"]["routers"]
    assert [worker["url"] for worker in door["workers"]] == ["http://192.0.2.1:18000", "http://192.0.2.2:18000"]
    assert [key["secret"] for key in door["api_keys"]] == ["a.router.api_keys.batch", "a.router.api_keys.web"]
    assert door["engine_key"] == "a.api_key"
    assert unit_of(document, "vllm-a-prefill-0.service")["secrets"] == {"VLLM_API_KEY": "a.api_key"}
    assert [item["name"] for item in document["hosts"]["cpu1"]["environments"]] == ["vllm-router-0.1.17"]


def test_a_single_engine_may_have_a_door():
    document, _said = planned(
        {"gpus": 1, "port": 8000, "router": {"enabled": True, "tls": {"certificate": "/c.pem", "key": "/k.pem"}}}
    )
    assert document["services"][0]["endpoints"][0]["url"] == "https://192.0.2.1:8000"
    assert unit_of(document, "vllm-a-0.service")["listen"] == "127.0.0.1"


def test_sides_may_span_hosts():
    document = made(
        None,
        {"hosts": "gpu1 gpu2", "gpus": 8, "parallel": {"tensor": 4, "pipeline": 2}},
        {"hosts": "gpu1 gpu2", "gpus": None, "replicas": 2, "parallel": {"tensor": 4}},
    )
    assert [(engine["name"], len(engine["members"])) for engine in document["engines"]] == [
        ("a-prefill-0", 2),
        ("a-decode-0", 1),
        ("a-decode-1", 1),
    ]


def test_a_door_runs_as_a_user_of_its_own():
    document = made("nixl")
    assert document["hosts"]["gpu1"]["routers"][0]["user"] == "vllm-door"
    assert unit_of(document, "vllm-a-router.service")["user"] == "vllm-door"
