# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module on members that are network namespaces, with real firewalls, MTUs and interfaces between them."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from ansible_collections.vllm.cluster.plugins.module_utils.preflight.judge import judge_peers
from ansible_collections.vllm.cluster.plugins.module_utils.preflight.members import read_members

from tests.processes import networks

MODULE = Path(__file__).resolve().parents[3] / "plugins" / "modules" / "peer_check.py"
#: Seconds in which everything must be known.
SOON = 12


@pytest.fixture(scope="module")
def returned():
    text = MODULE.read_text().partition('RETURN = r"""')[2].partition('"""')[0]
    return yaml.safe_load(text)


def answers(network, members, absent=(), **options):
    options = {"timeout": 4, "throughput": 0.1, "resolve": False, **options}
    here = [name for name in network.names if name not in absent]
    arguments = {name: {"name": name, "members": members, **options} for name in here}
    begin = time.monotonic()
    found = network.run_module("peer_check", arguments)
    assert time.monotonic() - begin < SOON
    assert [item.get("msg") for item in found.values() if item.get("failed")] == []
    return found


def judge(network, members, absent=(), **options):
    """What all members' reports say together, as ``(id, from, to)``, and the texts."""
    found = answers(network, members, absent, **options)
    reports = {name: found[name]["report"] if name in found else None for name in network.names}
    findings = [item for item in judge_peers(read_members(members, "gpu1"), reports) if item.level == "error"]
    return [(item.id, item.source, item.target) for item in findings], [item.what for item in findings]


def firewall(network, name, *rules):
    for rule in rules:
        try:
            network.on(name, "iptables", "-w", "-A", *rule.split())
        except (RuntimeError, FileNotFoundError) as error:
            pytest.skip(f"no firewall in namespaces here: {error}")


def test_all_is_well(two, returned):
    found = answers(two, two.members(20000, 29501))
    wrong = [told for item in found.values() for told in item["findings"] if told["level"] == "error"]
    assert wrong == []
    report = found["gpu1"]["report"]
    assert set(report) == set(returned["report"]["contains"])
    way = report["peers"]["gpu2"]
    assert (way["state"], way["side"]["state"], way["ports"]) == ("ok", "ok", {"29501": "ok"})
    assert way["packet"] == {"mtu": 1500, "tried": 1500, "largest": 1500}
    assert report["local"]["interface"]["name"] == "eth0"


def test_a_wrong_interface_name(two):
    found, (what,) = judge(two, two.members(gpu2={"interface": "eth9"}))
    assert found == [("interface-missing", "gpu2", None)]
    assert what == "gpu2 has no interface eth9; 10.88.0.2 is on eth0"


def test_an_interface_that_lost_its_address(two):
    two.on("gpu2", "ip", "addr", "flush", "dev", "eth0", "scope", "global")
    found, _texts = judge(two, two.members())
    assert found == [("interface-no-address", "gpu2", None)]


@pytest.mark.parametrize("action", ["DROP", "REJECT", "REJECT --reject-with tcp-reset"])
@pytest.mark.parametrize("answers_pass", [True, False])
def test_one_direction_is_closed(two, action, answers_pass):
    """By a usual firewall, which lets answers in, and by one that takes every packet of the other host."""
    tcp = "-p tcp " if answers_pass or "tcp" in action else ""
    let = ["INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT"] if answers_pass else []
    firewall(two, "gpu2", *let, f"INPUT {tcp}-s 10.88.0.1 -j {action}")
    found, _texts = judge(two, two.members())
    assert [(source, target) for _id, source, target in found] == [("gpu1", "gpu2")]
    assert found[0][0] in ("path-blocked", "path-rejected")


def test_one_direction_among_three(three):
    firewall(three, "gpu3", "INPUT -s 10.88.0.1 -j DROP")
    found, _texts = judge(three, three.members())
    assert found == [("path-blocked", "gpu1", "gpu3")]


def test_the_senders_own_firewall(two):
    firewall(two, "gpu1", "OUTPUT -d 10.88.0.2 -j DROP")
    found, (what,) = judge(two, two.members())
    assert found == [("path-blocked", "gpu1", "gpu2")]
    assert "its own firewall" in what


def test_only_planned_ports_are_open(two):
    firewall(
        two,
        "gpu2",
        "INPUT -p tcp --dport 20000 -j ACCEPT",
        "INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT",
        "INPUT -p tcp -j REJECT",
    )
    found, texts = judge(two, two.members(20000, 29501))
    assert found == [("port-closed", "gpu1", "gpu2"), ("side-closed", "gpu1", "gpu2")]
    assert "not at 29501 (refused)" in texts[0]


def test_a_cable_is_out(two):
    two.on_switch("ip", "link", "set", "gpu2", "down")
    found, _texts = judge(two, two.members())
    assert found == [("interface-down", "gpu2", None)]


def test_jumbo_frames_on_one_side(two):
    two.on("gpu1", "ip", "link", "set", "eth0", "mtu", "9000")
    found, (what,) = judge(two, two.members())
    assert found == [("mtu", "gpu1", "gpu2")]
    assert what.endswith("the largest that does has 1500; the MTU of gpu2 is 1500")


def test_jumbo_frames_and_a_switch_that_does_not_take_them(two):
    for name in two.names:
        two.on(name, "ip", "link", "set", "eth0", "mtu", "9000")
    found, _texts = judge(two, two.members())
    assert found == [("mtu", "gpu1", "gpu2"), ("mtu", "gpu2", "gpu1")]


def test_a_router_that_would_cut_packets(two):
    """It must not get the chance: what is cut arrives, and the way is still too narrow."""
    for name, words in (
        ("sw", "ip link set gpu2 nomaster"),
        ("sw", "ip addr add 10.99.0.254/24 dev gpu2"),
        ("sw", "ip addr add 10.88.0.254/24 dev br0"),
        ("sw", "sysctl -w net.ipv4.ip_forward=1"),
        ("sw", "ip link set gpu1 mtu 9000"),
        ("sw", "ip link set br0 mtu 9000"),
        ("gpu1", "ip link set eth0 mtu 9000"),
        ("gpu1", "ip route add default via 10.88.0.254"),
        ("gpu2", "ip addr flush dev eth0 scope global"),
        ("gpu2", "ip addr add 10.99.0.2/24 dev eth0"),
        ("gpu2", "ip route add default via 10.99.0.254"),
    ):
        two.on(name, *words.split())
    found, (what,) = judge(two, two.members(gpu2={"address": "10.99.0.2"}))
    assert found == [("mtu", "gpu1", "gpu2")]
    assert "packets of its MTU, 9000 bytes, do not arrive; the largest that does has 1500" in what


def test_a_busy_port(two):
    program = "import socket, time; s = socket.create_server(('', 20000)); print('up', flush=True); time.sleep(60)"
    holder = two.start("gpu2", [sys.executable, "-c", program])
    try:
        assert holder.stdout.readline() == "up\n"
        found, (what,) = judge(two, two.members())
    finally:
        holder.kill()
        holder.communicate()
    assert found == [("port-busy", "gpu2", None)]
    assert f"(pid {holder.pid})" in what


def test_an_absent_peer(three):
    found, (what,) = judge(three, three.members(), absent=["gpu2"])
    assert found == [("member-absent", "gpu2", None)]
    assert what == "gpu2 did not take part; gpu1, gpu3 waited for it"


def test_names_that_stand_for_loopback(two):
    two.hosts("gpu1", f"127.0.0.1 localhost gpu2.test\n127.0.1.1 {socket.gethostname()}\n")
    two.hosts("gpu2", f"10.88.0.1 gpu1.test\n10.88.0.2 {socket.gethostname()}\n")
    members = two.members(gpu1={"hostname": "gpu1.test"}, gpu2={"hostname": "gpu2.test"})
    found, texts = judge(two, members, resolve=True)
    assert found == [("name-loopback", "gpu1", None), ("name-loopback", "gpu1", "gpu2")]
    assert "gpu2.test stands for 127.0.0.1" in texts[1]


def test_nothing_is_left(two):
    answers(two, two.members(20000, 29501))
    assert "20000" not in two.on("gpu1", "cat", "/proc/net/tcp").upper()
    assert two.on("gpu1", "ip", "netns", "pids", two.space("gpu1")).split()[:-1] == []


def test_it_says_aloud_why_there_is_no_network(monkeypatch):
    monkeypatch.setattr(networks.os, "geteuid", lambda: 1000)
    with pytest.raises(pytest.skip.Exception, match="need root"):
        next(networks.network(2))


def test_networks_are_removed():
    made = networks.network(2)
    next(made)
    made.close()
    left = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    assert f"{networks.PREFIX}-{networks.os.getpid()}-" not in left
