# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may reach front doors, the engines behind them, what passes KV cache on, and servers of connectors."""

from __future__ import annotations

from .cases import S0, assert_said, refuses, table
from .sides import CPU, made
from .test_fences import ANYONE, EVENTS, items, network
from .test_plan_said import TWO, of

PAIR = {"hosts": TWO, "replicas": 2, "gpus": 1}
NAMED = {"vllm_client_networks": ["10.2.0.0/16"], "vllm_monitoring_networks": ["10.1.0.0/16"]}
ON_CPU = ({"gpus": None, "hosts": "cpu1"}, {"gpus": None, "hosts": "cpu2"})


def fence(document, name):
    return document["hosts"][name]["network"]


CASES = [
    refuses("fence-ssh", of(**PAIR, port=22), f"{S0}.port", ["22", "is a port of ssh on host gpu1"], "another port"),
]


@table(CASES)
def test_what_is_said(case):
    assert_said(case)


def test_the_door_is_for_clients():
    assert items(network("gpu1", PAIR), "clients call") == [([8000], ANYONE, None)]
    assert items(network("gpu1", PAIR, **NAMED), "clients call") == [([8000], ["10.2.0.0/16", "10.1.0.0/16"], None)]
    assert items(network("gpu2", PAIR), "clients call") == []
    assert items(network("gpu1", {**PAIR, "listen": "127.0.0.1"}), "clients call") == [([8000], [], None)]


def test_a_door_on_a_host_of_its_own_has_a_fence():
    found = network("gpu2", {**PAIR, "hosts": "gpu1", "router": {"host": "gpu2"}})
    assert [(item["ports"], item["from"]) for item in found["fence"]] == [([8000], ANYONE), ([8900, 8950], [])]


def test_the_routers_own_ports_are_for_its_host_alone():
    assert items(network("gpu1", PAIR), "vllm-router") == [([8900, 8950], [], None)]


def test_engines_behind_a_door_answer_the_doors_host_alone():
    assert items(network("gpu1", PAIR), "its front door") == [([18000], [], None)]
    assert items(network("gpu2", PAIR), "its front door") == [([18000], ["192.0.2.1"], None)]
    assert items(network("gpu2", PAIR, **NAMED), "its front door")[0][1] == ["192.0.2.1", "10.1.0.0/16"]


def test_engines_that_listen_on_loopback_need_no_opening():
    found = network("gpu1", {**PAIR, "hosts": "gpu1"})
    assert items(found, "its front door") == []


def test_engines_without_a_door_are_for_clients():
    found = network("gpu2", {**PAIR, "router": {"enabled": False}})
    assert items(found, "clients call") == [([8000], ANYONE, None)]


def test_readers_of_events_come_past_the_door():
    found = network("gpu2", {**PAIR, "args": EVENTS}, **NAMED)
    assert items(found, "clients call") == [([5557], ["10.2.0.0/16", "10.1.0.0/16"], None)]


def test_prefill_and_decode_hosts_reach_each_others_side_channels():
    document = made("nixl")
    for here, other in (("gpu1", "192.0.2.2"), ("gpu2", "192.0.2.1")):
        ((ports, sources, interface),) = items(fence(document, here), "side channels")
        assert (ports, sources, interface) == ([5600], [other], None)
        assert items(fence(document, here), "KV cache") == [(None, [other], None)]
        assert items(fence(document, here), "kernel chooses") == [([[32768, 60999]], [other], None)]


def test_decode_hosts_without_such_ports_reach_mooncakes_too():
    document = made("mooncake", router={"host": "cpu1"}, probes=CPU)
    ((_ports, sources, _interface),) = items(fence(document, "gpu1"), "side channels")
    assert sources == ["192.0.2.2", "192.0.2.3"]  # the decode engine's, and the door's, which follows them
    assert items(fence(document, "gpu2"), "side channels") == []


def test_ports_that_mooncake_chooses_are_for_partners():
    """Its transfer engine listens on every interface, whatever it is told."""
    document = made("mooncake", {"hosts": "gpu1"}, {"hosts": "gpu2"})
    ((ports, sources, interface),) = items(fence(document, "gpu2"), "its KV connector chooses")
    assert (ports, interface) == ([[15000, 17000]], None)
    assert sources == items(fence(document, "gpu2"), "KV cache, among")[0][1]
    assert sources
    alone = made("mooncake", {"hosts": "gpu1"}, {"hosts": "gpu1"})
    assert items(fence(alone, "gpu1"), "its KV connector chooses") == [([[15000, 17000]], [], None)] * 2
    assert items(fence(made(), "gpu2"), "its KV connector chooses") == []


def test_kernel_ports_of_partners_stay_where_a_person_says_so():
    document = made("nixl", variables={"vllm_fence_kernel_ports": False})
    assert items(fence(document, "gpu1"), "kernel chooses") == []


def test_sides_of_one_host_have_no_partners():
    document = made("nixl", {"hosts": "gpu1"}, {"hosts": "gpu1"})
    assert items(fence(document, "gpu1"), "KV cache") == items(fence(document, "gpu1"), "kernel chooses") == []
    assert items(fence(document, "gpu1"), "side channels") == []


def test_a_server_is_for_the_engines_that_share_it():
    kv = {"connector": "lmcache_mp", "memory_gib": 1, "server_host": "cpu2"}
    document = made(kv, *ON_CPU, model="lab://tiny", probes=CPU)
    assert items(fence(document, "cpu2"), "engines that share it") == [([5555], ["192.0.2.3"], None)]
    assert items(fence(document, "cpu2"), "LMCache's server: for this host alone") == [([8090], [], None)]


def test_monitoring_reads_a_servers_metrics():
    kv = {"connector": "multi", "connectors": [{"connector": "nixl"}, {"connector": "mooncake_store"}]}
    document = made(kv, variables=NAMED)
    assert items(fence(document, "gpu1"), "Mooncake's master: metrics") == [([9003], ["10.1.0.0/16"], None)]
    assert items(fence(document, "gpu1"), "engines that share it") == [([50051], ["192.0.2.2"], None)]
    assert 50051 not in {first for first, _last in _ranges(fence(document, "gpu1"))}


def _ranges(found):
    """What is closed of the kernel's ports: a port that has an item of its own is not among them."""
    ((ports, _sources, _interface),) = items(found, "kernel chooses")
    assert ports == [[32768, 50050], [50052, 60999]]
    return ports


def test_a_connector_that_passes_nothing_on_closes_nothing():
    kv = {"connector": "offloading", "extra": {"cpu_bytes_to_use": 1 << 30}}
    found = network("gpu1", {"hosts": TWO, "replicas": 2, "gpus": 1, "kv_transfer": kv})
    assert items(found, "KV cache") == items(found, "kernel chooses") == []


def test_a_persons_router_is_a_client():
    document = made("nixl", router={"enabled": False})
    assert items(fence(document, "gpu2"), "clients call")[0][1] == ANYONE
