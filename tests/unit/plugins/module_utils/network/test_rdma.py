# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.network.rdma import physical_state, port_state, rate_gbits
from ansible_collections.vllm.cluster.plugins.module_utils.network.report import read_network

DEVINFO = """hca_id:\tmlx4_0
\ttransport:\t\t\tInfiniBand (0)
\tphys_port_cnt:\t\t\t2
\t\tport:\t1
\t\t\tstate:\t\t\tPORT_ACTIVE (4)
\t\t\tactive_width:\t\t4X (2)
\t\t\tactive_speed:\t\t50.0 Gbps (64)
\t\t\tphys_state:\t\tLINK_UP (5)
\t\t\tlink_layer:\t\tInfiniBand
\t\t\tGID[  0]:\t\tfe80:0000:0000:0000:0202:c903:00aa:bbcd
\t\tport:\t2
\t\t\tstate:\t\t\tPORT_DOWN (1)
\t\t\tactive_width:\t\t4X (2)
\t\t\tactive_speed:\t\t2.5 Gbps (1)
\t\t\tphys_state:\t\tPOLLING (2)
\t\t\tlink_layer:\t\tEthernet
"""
IBSTAT = """CA 'mlx5_0'
\tCA type: MT4123
\tNumber of ports: 1
\tPort 1:
\t\tState: Active
\t\tPhysical state: LinkUp
\t\tRate: 200
\t\tBase lid: 7
\t\tLink layer: InfiniBand
CA 'mlx5_1'
\tNumber of ports: 1
\tPort 1:
\t\tState: Initializing
\t\tPhysical state: LinkUp
\t\tRate: 100
\t\tLink layer: InfiniBand
"""
IBSTATUS = """Infiniband device 'mlx5_0' port 1 status:
\tdefault gid:\t fe80:0000:0000:0000:a088:c203:0096:05fc
\tbase lid:\t 0x7
\tstate:\t\t 4: ACTIVE
\tphys state:\t 5: LinkUp
\trate:\t\t 200 Gb/sec (4X HDR)
\tlink_layer:\t InfiniBand
"""


def ports(text):
    document = read_network(text)
    keys = ("name", "port", "state", "physical_state", "link_layer", "rate_gbits")
    return [tuple(port[key] for key in keys) for port in document["rdma_devices"]], document["warnings"]


def test_ibv_devinfo_of_two_ports():
    assert ports(DEVINFO) == (
        [
            ("mlx4_0", 1, "active", "linkup", "infiniband", 200),
            ("mlx4_0", 2, "down", "polling", "ethernet", None),
        ],
        [],
    )


def test_ibv_devinfo_that_is_cut():
    found, warnings = ports(DEVINFO[: DEVINFO.index("\t\tport:\t2")])
    assert (len(found), warnings) == (1, ["mlx4_0: 1 of 2 ports are told"])
    found, warnings = ports(DEVINFO[: DEVINFO.index("_DOWN")])
    assert found[1][2] is None
    assert "mlx4_0 port 2: its state is not told" in warnings
    assert ports("hca_id:\tmlx5_0\n\ttransport:\tInfiniBand (0)\n") == ([], ["mlx5_0: no port is told"])


def test_ibstat_and_ibstatus():
    active = ("mlx5_0", 1, "active", "linkup", "infiniband", 200)
    assert ports(IBSTAT) == ([active, ("mlx5_1", 1, "init", "linkup", "infiniband", None)], [])
    assert ports(IBSTATUS) == ([active], [])


def test_rdma_link():
    text = "link mlx5_0/1 state ACTIVE physical_state LINK_UP netdev ib0 \n"
    text += "link mlx5_1/1 state DOWN physical_state DISABLED \n"
    document = read_network(text)
    assert [(p["name"], p["state"], p["interface"]) for p in document["rdma_devices"]] == [
        ("mlx5_0", "active", "ib0"),
        ("mlx5_1", "down", None),
    ]
    assert [(item["name"], item["rdma"]) for item in document["interfaces"]] == [("ib0", "mlx5_0")]
    told = '[{"ifindex":0,"ifname":"mlx5_0","port":1,"state":"ACTIVE","physical_state":"LINK_UP","netdev":"ib0"}]'
    assert read_network(told)["rdma_devices"] == document["rdma_devices"][:1]


def test_ibdev2netdev_in_its_long_form():
    text = (
        "0000:1a:00.0 mlx5_0 (MT4123 - MCX653105A-HDAT) ConnectX-6 VPI fw 20.31.1014 port 1 (ACTIVE) ==> ib0 (Up)\n"
        "0000:3b:00.0 mlx5_bond_0 (MT4125 - X) CX623106A fw 22.31.1014 port 1 (DOWN  ) ==> bond0 (Down)\n"
    )
    document = read_network(text)
    assert [(p["name"], p["state"], p["interface"]) for p in document["rdma_devices"]] == [
        ("mlx5_0", "active", "ib0"),
        ("mlx5_bond_0", "down", "bond0"),
    ]


def test_a_port_without_interface_and_a_cut_line():
    document = read_network("mlx5_0 port 1 ==>  (Down)\nmlx5_1 port 1 ==> ens1f")
    assert [(p["name"], p["interface"]) for p in document["rdma_devices"]] == [("mlx5_0", None), ("mlx5_1", None)]
    assert document["warnings"] == ["mlx5_1 port 1: its interface is cut off"]


def test_several_outputs_are_joined():
    ip = "5: bond0.7@bond0: <UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default\n"
    bond = "4: bond0: <UP,LOWER_UP,MASTER> mtu 1500 qdisc noqueue state UP group default\n"
    member = "3: ens1: <UP,LOWER_UP,SLAVE> mtu 1500 qdisc mq master bond0 state UP group default\n"
    document = read_network(member + bond + ip + "mlx5_0 port 1 ==> ens1 (Up)\n" + DEVINFO.replace("mlx4_0", "mlx5_0"))
    assert [(item["name"], item["rdma"]) for item in document["interfaces"]] == [
        ("ens1", "mlx5_0"),
        ("bond0", "mlx5_0"),
        ("bond0.7", "mlx5_0"),
    ]
    assert [(p["interface"], p["state"]) for p in document["rdma_devices"]] == [("ens1", "active"), (None, "down")]


@pytest.mark.parametrize(
    ("text", "warnings"),
    [
        ("No IB devices found\n", []),
        ("Failed to get IB devices list: Function not implemented\n", ["Failed to get IB devices list: Function not"]),
        ("bash: ibdev2netdev: command not found\n", ["bash: ibdev2netdev: command not found"]),
    ],
)
def test_no_device(text, warnings):
    document = read_network(text)
    assert document["rdma_devices"] == []
    assert [warning[:43] for warning in document["warnings"]] == [text[:43] for text in warnings]


def test_words():
    assert [port_state(word) for word in ("4: ACTIVE", "PORT_ACT", "5: ACTIVE_DEFER", "")] == [
        "active",
        None,
        "active_defer",
        None,
    ]
    assert [physical_state(word) for word in ("5: LinkUp", "PORT_CONFIGURATION TRAINNING (4)", "Lin")] == [
        "linkup",
        "portconfigurationtraining",
        None,
    ]
    assert [rate_gbits(word) for word in ("400 Gb/sec (4X NDR)", "2.5 Gb/sec (1X SDR)", "fast")] == [400, 2.5, None]
