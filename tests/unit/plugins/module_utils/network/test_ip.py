# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the outputs of ip mean, in the cases that few hosts have."""

from __future__ import annotations

import json

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.network.report import read_network

FIRST = "2: {name}: <BROADCAST,MULTICAST,UP,LOWER_UP{flags}> mtu 9000 qdisc mq {more}state UP group default qlen 1000\n"
ETHER = "    link/ether 02:00:00:00:00:01 brd ff:ff:ff:ff:ff:ff"


def one(text):
    document = read_network(text)
    (item,) = document["interfaces"]
    return item, [warning for warning in document["warnings"] if "taken from the name" not in warning]


def block(name="eth0", *details, flags="", more=""):
    return FIRST.format(name=name, flags=flags, more=more) + ETHER + "\n" + "".join(f"    {line}\n" for line in details)


def test_a_member_of_a_bond():
    item, warnings = one(block("eth0", flags=",SLAVE", more="master bond0 "))
    assert (item["master"], item["kind"], warnings) == ("bond0", "physical", [])


def test_a_bond_by_its_flag():
    assert one(block("uplink", flags=",MASTER"))[0]["kind"] == "bond"


@pytest.mark.parametrize(
    ("name", "kind", "lower"),
    [
        ("bond0.100@bond0", "vlan", "bond0"),
        ("eth0@if24", "virtual", None),
        ("eth0.5@if3", "vlan", None),
        ("macvlan0@ib0", "virtual", "ib0"),
        ("ip6tnl0@NONE", "virtual", None),
        ("docker0", "bridge", None),
        ("br-0a1b2c3d4e5f", "bridge", None),
        ("tailscale0", "virtual", None),
        ("wlp3s0", "physical", None),
        ("data0", None, None),
    ],
)
def test_kinds_by_name_and_what_it_stands_on(name, kind, lower):
    item, _warnings = one(block(name))
    assert (item["name"], item["kind"], item["lower"]) == (name.partition("@")[0], kind, lower)


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("bond mode 802.3ad miimon 100", "bond"),
        ("vlan protocol 802.1Q id 5 <REORDER_HDR>", "vlan"),
        ("veth addrgenmode eui64", "virtual"),
        ("tun type tap pi off vnet_hdr off", "virtual"),
        ("ipoib pkey  0xffff mode  datagram umcast  0", "physical"),
        ("bond_slave state ACTIVE mii_status UP", "physical"),
        ("altname enp1s0", "physical"),
        ("alias bond uplink", "physical"),
    ],
)
def test_details_tell_the_kind_whatever_the_name(line, kind):
    text = block("data0", line).replace(ETHER, ETHER + " promiscuity 0 allmulti 0 minmtu 68 maxmtu 9978 ")
    assert one(text)[0]["kind"] == kind


@pytest.mark.parametrize(
    ("line", "address"),
    [
        ("inet 10.0.0.1 peer 10.0.0.2/32 scope global tun0", "10.0.0.1/32"),
        ("inet 10.0.0.5/24 brd 10.0.0.255 scope global secondary eth0", "10.0.0.5/24"),
        ("inet 10.0.0.5/24 metric 100 brd 10.0.0.255 scope global dynamic eth0", "10.0.0.5/24"),
        ("inet6 FD00:0:0:0::5/64 scope global deprecated mngtmpaddr", "fd00::5/64"),
        ("inet **10.0.0.5/24** brd 10.0.0.255 scope global eth0", "10.0.0.5/24"),
    ],
)
def test_addresses(line, address):
    item, warnings = one(block("eth0", line))
    assert (item["addresses"], warnings) == ([address], [])


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("inet6 fd00::5/64 scope global tentative dadfailed", "used by another machine"),
        ("inet 10.0.0.5/2", "an address is cut"),
        ("inet 10.0.0.555/24 scope global", "an address is cut"),
        ("inet 10.0.0.5/64 scope global", "an address is cut"),
    ],
)
def test_addresses_that_cannot_be_used(line, words):
    item, (warning,) = one(block("eth0", line))
    assert item["addresses"] == []
    assert words in warning


def test_a_listing_without_addresses_does_not_say_that_there_are_none():
    assert one(block())[0]["addresses"] is None
    document = read_network(block("eth0", "inet 10.0.0.5/24 scope global eth0") + block("eth1"))
    assert [item["addresses"] for item in document["interfaces"]] == [["10.0.0.5/24"], []]


def test_virtual_functions_do_not_lend_their_address():
    item, _warnings = one(
        block("ens1f0", "vf 0     link/ether 02:00:00:00:00:99 brd ff:ff:ff:ff:ff:ff, spoof checking off")
    )
    assert item["mac"] == "02:00:00:00:00:01"


def test_the_first_octets_of_infiniband_are_no_address():
    whole = ":".join(f"{octet:02x}" for octet in range(20))
    text = FIRST.format(name="ib0", flags="", more="") + "    link/infiniband {} brd 00:ff\n"
    assert one(text.format(whole))[0]["mac"] == whole
    item, warnings = one(text.format(whole[:17]))
    assert (item["mac"], warnings) == (None, ["ib0: its hardware address is cut"])


@pytest.mark.parametrize(
    ("state", "flags", "expected"),
    [
        ("UP", "UP,LOWER_UP", ("up", True)),
        ("DOWN", "NO-CARRIER,UP", ("down", False)),
        ("DOWN", "BROADCAST", ("down", None)),
        ("LOWERLAYERDOWN", "UP,M-DOWN", ("down", False)),
        ("DORMANT", "UP,LOWER_UP", ("down", True)),
        ("UNKNOWN", "UP,LOWER_UP", ("unknown", True)),
    ],
)
def test_states(state, flags, expected):
    text = f"2: eth0: <{flags}> mtu 1500 qdisc mq state {state} group default\n{ETHER}\n"
    item = one(text)[0]
    assert (item["state"], item["carrier"]) == expected
    values = {"ifname": "eth0", "flags": flags.split(","), "operstate": state}
    item = one(json.dumps([values]))[0]
    assert (item["state"], item["carrier"]) == expected


def test_brief_lists():
    text = "lo               UNKNOWN        127.0.0.1/8 ::1/128 \ntun0   UP   10.0.0.1 peer 10.0.0.2/32 metric 5 \n"
    addresses = [item["addresses"] for item in read_network(text)["interfaces"]]
    assert addresses == [["127.0.0.1/8", "::1/128"], ["10.0.0.1/32"]]
    item, _warnings = one("eth0             UP             02:00:00:00:00:01 <BROADCAST,UP,LOWER_UP> \n")
    assert (item["mac"], item["carrier"], item["addresses"]) == ("02:00:00:00:00:01", True, None)
    assert read_network("The server is UP and has 10.0.0.1/24\n")["interfaces"] == []


def test_json_of_details():
    items = [
        {"ifname": "bond0", "flags": ["MASTER", "UP"], "link_type": "ether", "linkinfo": {"info_kind": "bond"}},
        {"ifname": "ens1", "promiscuity": 0, "parentbus": "pci", "parentdev": "0000:1a:00.0", "master": "bond0"},
        {"ifname": "eth0", "link_index": 24, "link_netnsid": 0, "link_type": "ether"},
        {"ifname": "bond0.5", "link": "bond0", "link_type": "ether"},
        {
            "ifname": "tun0",
            "addr_info": [{"family": "inet", "local": "10.0.0.1", "address": "10.0.0.2", "prefixlen": 32}],
        },
        {"ifname": "lo", "flags": ["LOOPBACK", "UP"], "link_type": "loopback", "addr_info": [{}]},
    ]
    found = {item["name"]: item for item in read_network(json.dumps(items))["interfaces"]}
    kinds = ["bond", "physical", "virtual", "vlan", "virtual", "loopback"]
    assert [item["kind"] for item in found.values()] == kinds
    assert (found["ens1"]["pci"], found["ens1"]["master"]) == ("0000:1a:00.0", "bond0")
    assert (found["tun0"]["addresses"], found["lo"]["addresses"]) == (["10.0.0.1/32"], [])


@pytest.mark.parametrize(
    "values", [{"mtu": "9000"}, {"mtu": True}, {"mtu": -1}, {"flags": "UP"}, {"address": 5}, {"addr_info": {"a": 1}}]
)
def test_json_of_wrong_types_tells_nothing(values):
    item = one(json.dumps([{"ifname": "eth0", **values}]))[0]
    assert [item[key] for key in ("mtu", "carrier", "mac", "addresses")] == [None] * 4


def test_damaged_json_gives_what_is_whole():
    whole = json.dumps([{"ifname": "eth0", "mtu": 1500}, {"ifname": "eth1", "mtu": 1500}])
    document = read_network(whole[:-4])
    assert [item["name"] for item in document["interfaces"]] == ["eth0"]
    assert "cut or damaged" in document["warnings"][0]


ROUTES = {
    "json": '[{"dst":"10.9.0.2","dev":"ib0","prefsrc":"10.9.0.1","flags":[],"uid":0,"cache":[]}]\n'
    '[{"dst":"fd00::5","from":"::","gateway":"fd00::1","dev":"eth0","prefsrc":"fd00::2","metric":256}]\n'
    '[{"type":"local","dst":"10.9.0.1","dev":"lo","prefsrc":"10.9.0.1","cache":["local"]}]\n',
    "text": "10.9.0.2 dev ib0 src 10.9.0.1 uid 0 \n    cache \n"
    "fd00::5 from :: via fd00::1 dev eth0 proto kernel src fd00::2 metric 256 pref medium\n"
    "local 10.9.0.1 dev lo src 10.9.0.1 uid 0 \n    cache <local> \nRTNETLINK answers: Network is unreachable\n",
}


@pytest.mark.parametrize("form", ROUTES)
def test_routes(form):
    document = read_network(ROUTES[form])
    assert document["routes"] == {
        "10.9.0.2": {"interface": "ib0", "source": "10.9.0.1"},
        "fd00::5": {"interface": "eth0", "source": "fd00::2"},
        "10.9.0.1": {"interface": "lo", "source": "10.9.0.1"},
    }
    assert document["warnings"] == (["RTNETLINK answers: Network is unreachable"] if form == "text" else [])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("bash: ip: command not found\n", "ip: command not found"),
        ('Device "eth9" does not exist.\n', "does not exist"),
        ("hello\n", "no output of ip"),
        ("    inet 10.0.0.1/24 scope global\n", "without an interface"),
        ("2: eth0: <UP> mtu 1500 state UP x\n3: eth1: <BROADC", "eth1: its first line is cut"),
        ("2: eth0: <UP> mtu 1500 state UP x\n3: eth", "first line is cut: 3: eth"),
        (block() + block().replace("mtu 9000", "mtu 1500"), "its mtu is"),
    ],
)
def test_what_is_said_of_other_texts(text, words):
    assert any(words in warning for warning in read_network(text)["warnings"])


def test_nothing_is_no_doubt():
    assert read_network("[]\n")["warnings"] == read_network("\n")["warnings"] == []


def test_of_several_ways_to_one_place_the_least_metric_counts():
    ways = [("eth1", 200), ("eth0", 100), ("eth2", 300)]
    routes = [{"dst": "default", "dev": device, "metric": metric} for device, metric in ways]
    assert read_network(json.dumps(routes))["routes"]["default"]["interface"] == "eth0"
    del routes[2]["metric"]
    assert read_network(json.dumps(routes))["routes"]["default"]["interface"] == "eth2"


def test_a_way_that_leads_nowhere():
    assert read_network(json.dumps([{"type": "unreachable", "dst": "10.9.0.0/16", "dev": "lo"}]))["routes"] == {}


def test_json_with_the_blanks_of_a_web_page_or_colors():
    plain = json.dumps([{"ifname": "eth0", "mtu": 9000, "link_type": "ether", "flags": ["UP"]}], indent=4)
    assert one(plain.replace("    ", "\u00a0\u00a0")) == one(plain)
    assert one(plain.replace('"eth0"', '"\x1b[36meth0\x1b[0m"')) == one(plain)
