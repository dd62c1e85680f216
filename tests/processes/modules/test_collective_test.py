# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module on members that are network namespaces. The sums are done where TORCH_PYTHON names a Python with torch."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

import pytest
import yaml
from ansible_collections.vllm.cluster.plugins.module_utils.preflight.bandwidth import bus_gbytes
from ansible_collections.vllm.cluster.plugins.module_utils.preflight.collective import judge_collective
from ansible_collections.vllm.cluster.plugins.module_utils.preflight.members import read_members

from tests.processes import networks

MODULE = Path(__file__).resolve().parents[3] / "plugins" / "modules" / "collective_test.py"


@pytest.fixture
def torch():
    python = os.environ.get("TORCH_PYTHON")
    if not python:
        pytest.skip("TORCH_PYTHON names no Python with torch")
    return python


def run(network, members, absent=(), changes=None, python=sys.executable, **options):
    """Reports by member's name, and the seconds that it took. changes: options by member's name."""
    options = {"python": [python], "meet_timeout": 4, "timeout": 30, "repeat": 0.1, **options}
    options.setdefault("environment", {"GLOO_SOCKET_IFNAME": "eth0"})
    arguments = {
        name: {"name": name, "members": members, **options, **(changes or {}).get(name, {})}
        for name in network.names
        if name not in absent
    }
    begin = time.monotonic()
    found = network.run_module("collective_test", arguments, timeout=120)
    seconds = time.monotonic() - begin
    assert [item.get("msg") for item in found.values() if item.get("failed")] == []
    return {name: found[name]["report"] if name in found else None for name in network.names}, seconds


def judge(members, reports):
    found = [item for item in judge_collective(read_members(members, "gpu1"), reports) if item.level == "error"]
    return [(item.id, item.source, item.target) for item in found], [item.what for item in found]


def left(network):
    """Processes that are still on the members."""
    return [pid for name in network.names for pid in networks.tool("ip", "netns", "pids", network.space(name)).split()]


@pytest.mark.parametrize(("hosts", "ranks"), [(2, 1), (2, 2), (3, 1)])
def test_sums_are_right_and_go_over_the_chosen_interface(request, torch, hosts, ranks):
    network = request.getfixturevalue({2: "two", 3: "three"}[hosts])
    members = network.members(29501)
    for member in members:
        member["ranks"] = ranks
    reports, _seconds = run(network, members, python=torch, sizes=[1024, 4194304])
    assert judge(members, reports) == ([], [])
    returned = yaml.safe_load(MODULE.read_text().partition('RETURN = r"""')[2].partition('"""')[0])
    for number, report in enumerate(reports.values()):
        assert set(report) == set(returned["report"]["contains"])
        assert [rank["rank"] for rank in report["ranks"]] == list(range(number * ranks, (number + 1) * ranks))
        assert [(size["bytes"], size["right"]) for size in report["sizes"]] == [(1024, True), (4194304, True)]
        large = report["sizes"][1]
        assert large["busbw"] == pytest.approx(bus_gbytes(4194304, large["seconds"], hosts * ranks), abs=1e-4)
        assert report["choice"]["name"] == "eth0"
        assert report["traffic"]["interfaces"]["eth0"] > 4194304 * large["times"]
    assert left(network) == []


def test_the_ranks_store_listens_on_the_members_network_alone(two, torch):
    members = two.members(29501)
    seen = set()
    done = threading.Event()

    def look():
        while not done.wait(0.1):
            lines = two.on("gpu1", "cat", "/proc/net/tcp", "/proc/net/tcp6").splitlines()
            seen.update(line.split()[1] for line in lines if line.split()[3] == "0A")

    watcher = threading.Thread(target=look)
    watcher.start()
    reports, _seconds = run(two, members, python=torch, sizes=[33554432])
    done.set()
    watcher.join()
    assert judge(members, reports) == ([], [])
    assert {address.partition(":")[0] for address in seen} == {"0100580A"}  # 10.88.0.1


def test_a_rank_that_is_killed_is_named(two, torch):
    members = two.members(29501)
    killed = {"gpu2": {"python": ["/usr/bin/timeout", "--signal=KILL", "2", torch]}}
    reports, seconds = run(two, members, python=torch, changes=killed, sizes=[67108864] * 40, timeout=20)
    found, _texts = judge(members, reports)
    assert [source for rule, source, _to in found if rule in ("rank-failed", "rank-missing")] == ["gpu2"]
    assert seconds < 40
    assert left(two) == []


def test_a_python_that_is_none(two):
    members = two.members(29501)
    reports, seconds = run(two, members, python="/usr/bin/false", timeout=8)
    found, texts = judge(members, reports)
    assert [rule for rule, _from, _to in found] == ["rank-failed", "rank-failed"]
    assert "gpu1: /usr/bin/false ended with status 1" in texts[0]
    assert seconds < 20


def test_an_absent_member_starts_no_rank(three):
    members = three.members(29501)
    reports, seconds = run(three, members, absent=["gpu3"])
    assert judge(members, reports)[0] == [("member-absent", "gpu3", None)]
    assert [report["ran"] for report in reports.values() if report] == [False, False]
    assert seconds < 10
    assert left(three) == []


def test_an_interface_that_is_not_there(two):
    members = two.members(29501)
    reports, seconds = run(two, members, changes={"gpu2": {"environment": {"GLOO_SOCKET_IFNAME": "eth7"}}})
    found, (what,) = judge(members, reports)
    assert found == [("collective-interface", "gpu2", None)]
    assert what == "gpu2: GLOO_SOCKET_IFNAME=eth7: there is no such interface"
    assert seconds < 10


def test_an_interface_of_another_network(two):
    two.on_switch("ip", "link", "add", "other", "type", "veth", "peer", "name", "eth1", "netns", two.space("gpu2"))
    two.on("gpu2", "ip", "addr", "add", "192.168.7.2/24", "dev", "eth1")
    two.on("gpu2", "ip", "link", "set", "eth1", "up")
    members = two.members(29501)
    reports, seconds = run(two, members, changes={"gpu2": {"environment": {"GLOO_SOCKET_IFNAME": "eth1"}}})
    found, (what,) = judge(members, reports)
    assert found == [("collective-interface", "gpu2", None)]
    assert "192.168.7.2 of eth1" in what
    assert seconds < 10


def test_a_closed_direction_starts_no_rank_anywhere(three):
    try:
        three.on("gpu2", "iptables", "-w", "-A", "INPUT", "-s", "10.88.0.1", "-j", "DROP")
    except (RuntimeError, FileNotFoundError) as error:
        pytest.skip(f"no firewall in namespaces here: {error}")
    members = three.members(29501)
    reports, seconds = run(three, members)
    assert judge(members, reports)[0] == [("path-blocked", "gpu1", "gpu2")]
    assert [report["ran"] for report in reports.values()] == [False, False, False]
    assert seconds < 10
