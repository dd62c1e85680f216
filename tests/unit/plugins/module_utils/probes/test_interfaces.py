# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.network.model import RdmaPort
from ansible_collections.vllm.cluster.plugins.module_utils.probes.files import Files
from ansible_collections.vllm.cluster.plugins.module_utils.probes.interfaces import read_interfaces
from ansible_collections.vllm.cluster.plugins.module_utils.probes.rdma import read_ports

NET, RDMA, PCI = "/sys/class/net", "/sys/class/infiniband", "/sys/devices/pci0000:00/0000:00:01.0"


def card(tree, name, pci, numa, driver, **values):
    """A network card of a PCI function."""
    function = f"{PCI}/{pci}"
    tree.link(f"{NET}/{name}", f"{function}/net/{name}")
    tree.link(f"{function}/net/{name}/device", function)
    tree.link(f"{function}/driver", f"/sys/bus/pci/drivers/{driver}")
    tree.link(f"/sys/bus/pci/devices/{pci}", function)
    tree.write(
        {f"{function}/numa_node": f"{numa}\n", f"{NET}/{name}/ifindex": "2\n", f"{NET}/{name}/flags": "0x1003\n"}
    )
    tree.write({f"{NET}/{name}/{key}": f"{value}\n" for key, value in values.items()})


def device(tree, name, pci, ports, **values):
    """An RDMA device of a PCI function. ports: values of sysfs by port."""
    tree.link(f"{RDMA}/{name}/device", f"{PCI}/{pci}")
    for port, state in ports.items():
        folder = f"{RDMA}/{name}/ports/{port}"
        tree.write({f"{folder}/state": state, f"{folder}/phys_state": "5: LinkUp\n"})
        tree.write(
            {f"{folder}/rate": "200 Gb/sec (4X HDR)\n", f"{folder}/link_layer": values.get("layer", "InfiniBand\n")}
        )


@pytest.fixture
def cluster_node(tree):
    card(
        tree,
        "ib0",
        "0000:1a:00.0",
        0,
        "mlx5_core",
        type=32,
        operstate="up",
        carrier=1,
        mtu=4092,
        address="00:" * 19 + "01",
    )
    card(tree, "ens1", "0000:3b:00.0", 1, "mlx5_core", type=1, operstate="up", carrier=1, speed=100000, mtu=9000)
    card(tree, "ens2", "0000:3c:00.0", -1, "ice", type=1, operstate="down", speed=-1, mtu=1500)
    device(tree, "mlx5_0", "0000:1a:00.0", {1: "4: ACTIVE\n"})
    device(tree, "mlx5_1", "0000:3b:00.0", {1: "1: DOWN\n"}, layer="Ethernet\n")
    for name, kind in (("bond0", "bond"), ("bond0.7", "vlan"), ("veth1", ""), ("docker0", "bridge")):
        tree.write({f"{NET}/{name}/ifindex": "5\n", f"{NET}/{name}/type": "1\n", f"{NET}/{name}/flags": "0x1003\n"})
        tree.write({f"{NET}/{name}/uevent": f"DEVTYPE={kind}\nINTERFACE={name}\n" if kind else "INTERFACE=x\n"})
    tree.link(f"{NET}/ens1/master", f"{NET}/bond0")
    tree.write({f"{NET}/bonding_masters": "bond0\n"})
    return tree


IP = [
    {"ifname": "ib0", "operstate": "UP", "flags": ["UP", "LOWER_UP"], "link_type": "infiniband", "promiscuity": 0},
    {
        "ifname": "ens1",
        "operstate": "UP",
        "flags": ["UP", "SLAVE", "LOWER_UP"],
        "link_type": "ether",
        "master": "bond0",
    },
    {"ifname": "bond0", "flags": ["UP", "MASTER", "LOWER_UP"], "link_type": "ether", "linkinfo": {"info_kind": "bond"}},
    {"ifname": "bond0.7", "flags": ["UP"], "link": "bond0", "link_type": "ether", "linkinfo": {"info_kind": "vlan"}},
]
IP[0]["addr_info"] = [{"family": "inet", "local": "10.9.0.1", "prefixlen": 24}]


def read(tree, commands):
    ports = read_ports(tree.files)
    return {item.name: item for item in read_interfaces(tree.files, commands, ports).interfaces}, ports


def test_ip_and_sysfs_together(cluster_node, host, tmp_path):
    (tmp_path / "ip.json").write_text(json.dumps(IP))
    commands = host(ip=f"cat {tmp_path}/ip.json")
    found, _ports = read(cluster_node, commands)
    assert commands.module.ran == [[str(tmp_path / "tools" / "ip"), "-j", "-d", "addr"]]
    first = found["ib0"]
    assert (first.addresses, first.mtu, first.driver, first.numa, first.pci) == (
        ["10.9.0.1/24"],
        4092,
        "mlx5_core",
        0,
        "0000:1a:00.0",
    )
    assert (first.speed_mbits, first.rdma, first.kind, first.carrier) == (200_000, "mlx5_0", "physical", True)
    assert (found["ens1"].speed_mbits, found["ens1"].numa, found["ens1"].master) == (100_000, 1, "bond0")
    assert [found[name].rdma for name in ("ens1", "bond0", "bond0.7", "ens2")] == ["mlx5_1"] * 3 + [None]
    assert (found["ens2"].speed_mbits, found["ens2"].numa, found["ens2"].state) == (None, None, "down")
    kinds = {name: item.kind for name, item in found.items()}
    assert (kinds["bond0"], kinds["bond0.7"], kinds["veth1"], kinds["docker0"]) == ("bond", "vlan", "virtual", "bridge")


def test_without_any_tool_sysfs_tells_all_but_the_addresses(cluster_node, host):
    found, _ports = read(cluster_node, host())
    assert {item.addresses for item in found.values()} == {None}
    assert (found["ib0"].state, found["ib0"].type, found["ib0"].carrier) == ("up", "infiniband", True)
    assert found["ens1"].master == "bond0"
    assert (found["bond0"].kind, found["veth1"].kind, found["ens2"].kind) == ("bond", "virtual", "physical")
    assert "bonding_masters" not in found


def test_an_ip_without_json_and_then_ifconfig(cluster_node, host):
    text = "2: ib0: <UP,LOWER_UP> mtu 2044 qdisc mq state UP group default\\n    inet 10.9.0.1/24 scope global ib0\\n"
    old = f'test "$1" = -j && exit 255; printf "{text}"'
    assert read(cluster_node, host(ip=old))[0]["ib0"].addresses == ["10.9.0.1/24"]
    ifconfig = 'printf "ib0: flags=67<UP,RUNNING>  mtu 2044\\n        inet 10.9.0.1  netmask 255.255.0.0\\n"'
    assert read(cluster_node, host(ip="exit 1", ifconfig=ifconfig))[0]["ib0"].addresses == ["10.9.0.1/16"]


def test_an_ip_that_hangs_is_asked_once(cluster_node, host):
    commands = host(timeout=1, ip="exec sleep 30")
    assert read(cluster_node, commands)[0]["ib0"].state == "up"
    assert len(commands.module.ran) == 1


def test_rdma_ports(cluster_node):
    assert [port.as_dict() for port in read_ports(cluster_node.files)] == [
        RdmaPort("mlx5_0", 1, "active", "linkup", "infiniband", 200, "ib0", 0).as_dict(),
        RdmaPort("mlx5_1", 1, "down", "linkup", "ethernet", None, "ens1", 1).as_dict(),
    ]


def test_a_card_of_two_ports_on_one_function(tree):
    card(tree, "ib1", "0000:5e:00.0", 0, "mlx4_core", type=32, dev_port=1)
    card_of = f"{PCI}/0000:5e:00.0"
    tree.write({f"{card_of}/net/ib0/ifindex": "3\n", f"{card_of}/net/ib0/dev_port": "0\n"})
    tree.link(f"{NET}/ib0", f"{card_of}/net/ib0")
    device(tree, "mlx4_0", "0000:5e:00.0", {1: "4: ACTIVE\n", 2: "2: INIT\n"})
    assert [(port.port, port.interface, port.state) for port in read_ports(tree.files)] == [
        (1, "ib0", "active"),
        (2, "ib1", "init"),
    ]


def test_a_bonded_port_belongs_to_the_bond(tree):
    card(tree, "ens1", "0000:3b:00.0", 0, "mlx5_core", type=1)
    device(tree, "mlx5_bond_0", "0000:3b:00.0", {1: "4: ACTIVE\n"}, layer="Ethernet\n")
    tree.write({f"{RDMA}/mlx5_bond_0/ports/1/gid_attrs/ndevs/0": "bond0\n"})
    assert [port.interface for port in read_ports(tree.files)] == ["bond0"]


def test_this_machine(host):
    files = Files()
    found = {item.name: item for item in read_interfaces(files, host(), read_ports(files)).interfaces}
    assert (found["lo"].kind, found["lo"].type, found["lo"].mac) == ("loopback", "other", "00:00:00:00:00:00")
