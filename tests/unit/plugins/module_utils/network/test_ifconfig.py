# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.network.report import read_network

OLD = """bond0     Link encap:Ethernet  HWaddr 02:00:00:AA:BB:CC
          inet addr:10.0.0.5  Bcast:10.0.0.255  Mask:255.255.255.0
          inet6 addr: fe80::5/64 Scope:Link
          UP BROADCAST RUNNING MASTER MULTICAST  MTU:1500  Metric:1
          RX packets:1 errors:0 dropped:0 overruns:0 frame:0

bond0:1   Link encap:Ethernet  HWaddr 02:00:00:AA:BB:CC
          inet addr:10.0.1.5  Bcast:10.0.1.255  Mask:255.255.255.128
          UP BROADCAST RUNNING MASTER MULTICAST  MTU:1500  Metric:1

ib0       Link encap:UNSPEC  HWaddr 80-00-00-48-FE-80-00-00-00-00-00-00-00-00-00-00
          UP BROADCAST MULTICAST  MTU:65520  Metric:1

tun0      Link encap:Point-to-Point Protocol
          inet addr:10.8.0.6  P-t-P:10.8.0.5  Mask:255.255.255.255
          UP POINTOPOINT RUNNING NOARP MULTICAST  MTU:1500  Metric:1

lo        Link encap:Local Loopback
          inet addr:127.0.0.1  Mask:255.0.0.0
          UP LOOPBACK RUNNING  MTU:65536  Metric:1
"""
BSD = """en0: flags=8863<UP,BROADCAST,SMART,RUNNING,SIMPLEX,MULTICAST> mtu 1500
\tether 02:00:00:aa:bb:cc
\tinet6 fe80::1%en0 prefixlen 64 secured scopeid 0x4
\tinet 192.168.1.5 netmask 0xffffff00 broadcast 192.168.1.255
"""


def test_the_old_layout():
    document = read_network(OLD)
    found = {item["name"]: item for item in document["interfaces"]}
    assert [(item["kind"], item["state"]) for item in found.values()] == [
        ("bond", "up"),
        ("physical", "down"),
        ("virtual", "up"),
        ("loopback", "unknown"),
    ]
    assert found["bond0"]["addresses"] == ["10.0.0.5/24", "fe80::5/64", "10.0.1.5/25"]
    assert (found["bond0"]["mac"], found["bond0"]["mtu"]) == ("02:00:00:aa:bb:cc", 1500)
    assert (found["ib0"]["type"], found["ib0"]["mac"], found["ib0"]["carrier"]) == ("infiniband", None, False)
    assert found["tun0"]["addresses"] == ["10.8.0.6/32"]
    assert document["warnings"] == ["the type of ib0 is taken from the name"]


def test_bsd():
    (item,) = read_network(BSD)["interfaces"]
    assert item["addresses"] == ["fe80::1/64", "192.168.1.5/24"]
    assert (item["mtu"], item["mac"]) == (1500, "02:00:00:aa:bb:cc")


def test_a_vlan():
    document = read_network("bond0.5: flags=4163<UP,BROADCAST,RUNNING,MULTICAST>  mtu 1500\n")
    assert [(item["kind"], item["lower"]) for item in document["interfaces"]] == [("vlan", "bond0")]


@pytest.mark.parametrize(
    "text",
    [
        "        inet 10.0.0.5  netmask 255.0.255.0  broadcast 10.0.0.255\n",
        "        inet 10.0.0.5  netmask 0.0.0.255  broadcast 10.0.0.255\n",
        "        inet 10.0.0.5  netmask 255.255.25",
        "        inet 10.0.0.5  netmask 0xffffff",
        "        inet6 fe80::5  prefixlen 6",
        "        inet6 fe80::5  prefixlen 640  scopeid 0x20<link>\n",
    ],
)
def test_a_mask_that_is_none(text):
    document = read_network("eth0: flags=4163<UP,RUNNING>  mtu 1500\n" + text)
    assert document["interfaces"][0]["addresses"] == []
    assert any("an address is cut" in warning for warning in document["warnings"])


def test_a_cut_first_line():
    document = read_network("eth0: flags=4163<UP,RUNNING>  mtu 1500\neth1: flags=4163<UP,RUNN")
    assert "eth1: its first line is cut" in document["warnings"]
    assert read_network("eth0: flags=4163<UP,RUNNING>  mtu 15")["interfaces"][0]["mtu"] is None


@pytest.mark.parametrize(
    "text", ["inet addr:10.0.0.5  Mask:25", "inet addr:10.0.0.5  Mask:255.0.0.", "inet6 addr: fe80::5/6"]
)
@pytest.mark.parametrize("end", ["", "\n", "\n\n"])
def test_a_cut_address_of_the_old_layout(text, end):
    document = read_network(f"eth0      Link encap:Ethernet  HWaddr 02:00:00:AA:BB:CC\n          {text}{end}")
    assert document["interfaces"][0]["addresses"] == []
    assert any("an address is cut" in warning for warning in document["warnings"])
