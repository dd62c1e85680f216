# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which interface members of an engine talk over, and the reasons."""

from __future__ import annotations

import time

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.planning import interfaces
from ansible_collections.vllm.cluster.plugins.module_utils.planning.errors import Refusals

from .cases import said
from .networks import HOSTS, PATH, addresses, choose, clean, host, names, nic, probes, racks


def test_rdma_comes_first_and_the_reason_says_what_was_left():
    chosen, decisions = clean(probes())
    assert chosen["gpu2"] == {
        "name": "ib0",
        "address": "10.9.0.2",
        "rdma": "mlx5_0",
        "speed_mbits": 200000,
        "mtu": 4092,
    }
    assert list(chosen) == list(HOSTS)
    assert [(item.path, item.value, item.why) for item in decisions] == [
        (
            PATH,
            "ib0",
            "ib0: 200 Gb/s, RDMA mlx5_0, network 10.9.0.0/24 shared by 3 members; next best eth0: 25 Gb/s; "
            "Ansible reaches the hosts by other addresses",
        )
    ]


def test_rdma_comes_before_a_faster_plain_network():
    slow = {"ib0": None, "eth2": None}
    found = {
        name: host(
            number,
            **{
                **slow,
                "ib0": nic("ib0", f"10.9.0.{number}/24", speed=100000, rdma="mlx5_0"),
                "eth2": nic("eth2", f"10.7.0.{number}/24", speed=400000),
            },
        )
        for number, name in enumerate(HOSTS, 1)
    }
    assert names(clean(found)[0]) == ["ib0"] * 3


def test_a_network_that_one_member_lacks_is_not_taken():
    found = probes()
    found["gpu3"] = host(3, ib0=None)
    chosen, decisions = clean(found)
    assert names(chosen) == ["eth0"] * 3
    assert "next best" not in decisions[0].why
    assert "other addresses" not in decisions[0].why


def test_names_may_differ_where_the_network_is_the_same():
    found = probes()
    found["gpu2"] = host(2, ib0=nic("ibp65s0", "10.9.0.2/24", speed=200000, rdma="mlx5_0", mtu=4092))
    chosen, decisions = clean(found)
    assert names(chosen) == ["ib0", "ibp65s0", "ib0"]
    assert decisions[0].value == {"gpu1": "ib0", "gpu2": "ibp65s0", "gpu3": "ib0"}


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("eth0", "eth0"),
        ("eth*", "eth0"),
        ("192.0.2.0/24", "eth0"),
        ("192.0.0.0/16", "eth0"),
        ("ib0", "ib0"),
        ({"gpu1": "eth0", "gpu2": "192.0.2.0/24"}, "eth0"),
    ],
)
def test_what_is_written_decides(written, expected):
    assert names(clean(probes(), written)[0]) == [expected] * 3


def test_ipv6_networks_count_and_link_local_ones_do_not():
    found = {name: {"interfaces": [nic("eth0", f"fd00:9::{number}/64")]} for number, name in enumerate(HOSTS, 1)}
    chosen, _why = clean(found)
    assert [item["address"] for item in chosen.values()] == ["fd00:9::1", "fd00:9::2", "fd00:9::3"]


def test_of_equal_networks_the_first_name_is_taken_and_eth2_is_before_eth10():
    rails = {
        f"eth{rail}": (lambda number, rail=rail: nic(f"eth{rail}", f"10.{rail}.0.{number}/24", speed=400000, rdma="m"))
        for rail in (10, 2)
    }
    found = {name: {"interfaces": [make(number) for make in rails.values()]} for number, name in enumerate(HOSTS, 1)}
    assert names(clean(found)[0]) == ["eth2"] * 3


def two_networks(first, second):
    """Members with two interfaces. first, second: addresses and speeds by member number."""
    return {
        name: {
            "interfaces": [nic("a", first[0] % number, speed=first[1]), nic("b", second[0] % number, speed=second[1])]
        }
        for number, name in enumerate(HOSTS, 1)
    }


def test_the_slowest_member_is_what_a_network_is_worth():
    found = two_networks(("10.1.0.%d/24", 100000), ("10.2.0.%d/24", 50000))
    found["gpu3"]["interfaces"][0]["speed_mbits"] = 10000
    assert names(clean(found)[0]) == ["b"] * 3


def test_of_equal_networks_that_which_reaches_the_hosts_is_taken_then_ipv4():
    found = two_networks(("10.1.0.%d/24", 1000 * 25), ("192.0.2.%d/24", 25000))
    assert names(clean(found)[0]) == ["b"] * 3
    one_of_them = {**addresses(), "gpu1": "203.0.113.9"}
    assert names(clean(found, reached=one_of_them)[0]) == ["a"] * 3
    found = two_networks(("fd00::%d/64", 25000), ("10.1.0.%d/24", 25000))
    assert names(clean(found)[0]) == ["b"] * 3


def test_of_two_interfaces_in_one_network_the_faster_is_taken():
    found = two_networks(("10.1.0.%d/24", 25000), ("10.1.0.10%d/24", 100000))
    assert names(clean(found)[0]) == ["b"] * 3


def test_rdma_counts_where_every_member_has_it():
    found = two_networks(("10.1.0.%d/24", 100000), ("10.2.0.%d/24", 200000))
    for probe in list(found.values())[:2]:
        probe["interfaces"][0]["rdma"] = "mlx5_0"
    assert names(clean(found)[0]) == ["b"] * 3


def test_a_network_that_ends_at_each_host_is_none():
    found = probes(ib0=None)
    for probe in found.values():
        probe["interfaces"].append(nic("usb0", "10.99.0.1/24", speed=400000))
    assert names(clean(found)[0]) == ["eth0"] * 3


def test_a_bridge_over_a_cable_counts():
    found = {
        name: {
            "interfaces": [
                nic("eno1", master="br0", speed=25000),
                nic("br0", f"192.0.2.{number}/24", kind="bridge"),
                nic("docker0", f"172.17.0.{number}/16", kind="bridge", speed=400000),
            ]
        }
        for number, name in enumerate(HOSTS, 1)
    }
    assert names(clean(found)[0]) == ["br0"] * 3


def test_hosts_that_are_containers_have_only_virtual_interfaces():
    found = {
        name: {
            "interfaces": [
                nic("lo", "127.0.0.1/8", kind="loopback"),
                nic("eth0", f"192.0.2.{number}/24", kind="virtual"),
            ]
        }
        for number, name in enumerate(HOSTS, 1)
    }
    assert names(clean(found)[0]) == ["eth0"] * 3


def test_a_virtual_interface_is_taken_only_by_name():
    tunnel = probes()
    for number, probe in enumerate(tunnel.values(), 1):
        probe["interfaces"].append(nic("wg0", f"10.6.0.{number}/24", kind="virtual", speed=900000))
    assert names(clean(tunnel)[0]) == ["ib0"] * 3
    assert names(clean(tunnel, "wg0")[0]) == ["wg0"] * 3


def test_a_written_network_may_hold_several_routed_ones():
    chosen, decisions = clean(racks(), "10.0.0.0/16")
    assert [item["address"] for item in chosen.values()] == ["10.0.0.5", "10.0.1.5", "10.0.2.5"]
    assert "routers" in decisions[0].why


def test_of_a_routed_interface_the_address_that_others_know_is_taken():
    found = racks()
    for number, probe in enumerate(found.values()):
        probe["interfaces"][0]["addresses"] = [f"10.0.{number}.5/24", f"10.5.{number}.5/24"]
    reached = {name: f"10.5.{number}.5" for number, name in enumerate(HOSTS)}
    chosen, _why = clean(found, "eth0", reached=reached)
    assert [item["address"] for item in chosen.values()] == ["10.5.0.5", "10.5.1.5", "10.5.2.5"]


def test_an_engine_of_one_host_needs_none():
    assert interfaces.choose(("gpu1",), {}, {}, None, PATH, Refusals()) == ({}, [])


def test_members_whose_interfaces_are_unknown_talk_by_their_addresses():
    found = {**probes(), "gpu2": {"gpus": []}}
    chosen, decisions, refusals = choose(found)
    assert [item.kind for item in said(refusals)] == ["warns"]
    assert chosen["gpu1"]["name"] == "eth0"
    assert chosen["gpu2"] == {"name": None, "address": "192.0.2.2", "rdma": None, "speed_mbits": None, "mtu": None}
    assert decisions == []


def test_hundreds_of_members_are_chosen_for_in_a_moment():
    hosts = [f"gpu{number}" for number in range(400)]
    found = {
        name: {
            "interfaces": [
                nic(f"eth{rail}", f"10.{rail}.{number >> 8}.{number & 255}/16", speed=400000, rdma="mlx5_0")
                for rail in range(8)
            ],
            "routes": {
                f"10.0.{other >> 8}.{other & 255}": {"interface": "eth0"} for other in range(400) if other != number
            },
        }
        for number, name in enumerate(hosts)
    }
    start = time.process_time()
    assert names(clean(found, hosts=hosts, reached={})[0]) == ["eth0"] * 400
    assert time.process_time() - start < 1.5
