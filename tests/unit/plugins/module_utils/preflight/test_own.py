# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.network.model import Interface
from ansible_collections.vllm.cluster.plugins.module_utils.preflight import local
from ansible_collections.vllm.cluster.plugins.module_utils.preflight.judge import judge_peers
from ansible_collections.vllm.cluster.plugins.module_utils.preflight.members import Member

ETH0 = Interface("eth0", ["192.0.2.1/24"], mtu=1500, kind="physical")
IB0 = Interface("ib0", ["10.9.0.1/24"], mtu=4092, kind="physical", speed_mbits=200000, rdma="mlx5_0")
BARE = Interface("eth1", ["fe80::1/64"], mtu=1500, kind="physical")
LO = Interface("lo", ["127.0.0.1/8"], mtu=65536, kind="loopback")
ALL = [LO, ETH0, IB0, BARE]


def found(fleet, interface, address="10.9.0.1", bound=True):
    """Findings about gpu1 when it wants this interface and has those above."""
    two = fleet(2)
    me = Member("gpu1", address, (20000, 29501), interface)
    two.members[0] = me
    two.reports["gpu1"]["local"]["interface"] = local.read_interface(me, ALL)
    if not bound:
        two.reports["gpu1"]["listening"] = {"20000": "EADDRNOTAVAIL", "29501": "EADDRNOTAVAIL"}
        two.reports["gpu1"]["peers"]["gpu2"] = {"state": None}
        two.lose("gpu2", "gpu1")
    return [(item.id, item.what) for item in judge_peers(two.members, two.reports)]


def test_the_interface_is_there(fleet):
    assert found(fleet, "ib0") == []
    assert found(fleet, None) == []
    known = local.read_interface(Member("gpu1", "10.9.0.1", (1,), "ib0"), ALL)
    assert (known["mtu"], known["speed_mbits"], known["rdma"], known["owner"]) == (4092, 200000, "mlx5_0", "ib0")
    assert "lo" not in known["interfaces"]


def test_a_wrong_name(fleet):
    assert found(fleet, "ib9") == [("interface-missing", "gpu1 has no interface ib9; 10.9.0.1 is on ib0")]


def test_a_wrong_name_and_a_wrong_address(fleet):
    ((rule, what),) = found(fleet, "ib9", "10.8.0.1", bound=False)
    assert rule == "interface-missing"
    assert what.endswith("it has eth0 (192.0.2.1), ib0 (10.9.0.1), eth1 (no address)")


def test_an_interface_without_address(fleet):
    ((rule, what),) = found(fleet, "eth1", "10.8.0.1", bound=False)
    assert rule == "interface-no-address"
    assert what.startswith("interface eth1 of gpu1 has no address; gpu1 has")


def test_an_address_of_another_interface(fleet):
    ((rule, what),) = found(fleet, "eth0")
    assert (rule, "it is on ib0" in what) == ("address-elsewhere", True)


def test_an_address_of_nobody(fleet):
    ((rule, what),) = found(fleet, None, "10.8.0.1", bound=False)
    assert (rule, what.startswith("no interface of gpu1 has 10.8.0.1")) == ("address-missing", True)


def names(fleet, **entry):
    two = fleet(2)
    two.reports["gpu1"]["local"]["names"] = [{"error": None, "seconds": 0.01, **entry}]
    return judge_peers(two.members, two.reports)


def test_its_own_name_stands_for_loopback(fleet):
    (item,) = names(fleet, member="gpu1", name="gpu1", addresses=["127.0.1.1"])
    assert (item.id, item.source, item.target, item.level) == ("name-loopback", "gpu1", None, "error")
    assert "on gpu1, its own name gpu1 stands for 127.0.1.1" in item.what
    assert "'10.9.0.1 gpu1' in /etc/hosts of gpu1" in item.fix


def test_a_peers_name_stands_for_loopback(fleet):
    (item,) = names(fleet, member="gpu2", name="gpu2.lan", addresses=["::1"])
    assert (item.id, item.source, item.target) == ("name-loopback", "gpu1", "gpu2")
    assert "'10.9.0.2 gpu2.lan'" in item.fix


@pytest.mark.parametrize(
    ("entry", "rule"),
    [
        ({"addresses": [], "error": "Name or service not known"}, "name-unknown"),
        ({"addresses": ["10.9.0.2"], "seconds": 2.5}, "name-slow"),
        ({"addresses": ["192.0.2.9"]}, None),
    ],
)
def test_other_names(fleet, entry, rule):
    assert [item.id for item in names(fleet, member="gpu2", name="gpu2", **entry)] == ([rule] if rule else [])


def test_a_port_that_may_not_be_taken(fleet):
    two = fleet(2)
    two.reports["gpu1"]["listening"]["29501"] = "EACCES"
    (item,) = judge_peers(two.members, two.reports)
    assert (item.id, item.what) == ("port-failed", "gpu1 cannot listen at 10.9.0.1:29501: EACCES")


def test_strangers(fleet):
    two = fleet(2)
    two.reports["gpu1"]["strangers"] = ["192.0.2.77"]
    (item,) = judge_peers(two.members, two.reports)
    assert (item.id, item.source, "192.0.2.77" in item.what) == ("stranger", "gpu1", True)
