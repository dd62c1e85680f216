# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of the kernel's settings is written, what the kernel is told, and what is left alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from ansible_collections.vllm.cluster.plugins.module_utils.host import kernel
from ansible_collections.vllm.cluster.plugins.module_utils.host.errors import HostError

ROOT = Path(__file__).resolve().parents[5]
RANGE = {kernel.RANGE: "32768\t60999\n"}
SOMAXCONN = "net.core.somaxconn"


def decide(running, file="", is_container=False, **wanted):
    known = {"settings": {}, "at_least": {}, "ports": [], "hugepages": 0, "numa_balancing": "keep", **wanted}
    return kernel.decide(kernel.read(**known), file, {**RANGE, **running}, is_container)


def lines(decision):
    return [line for line in decision.text.splitlines() if not line.startswith("#")]


@pytest.mark.parametrize(
    ("now", "file", "kept", "told"),
    [
        ("128\n", "", ["net.core.somaxconn = 4096"], {SOMAXCONN: "4096"}),
        ("4096\n", "net.core.somaxconn = 4096\n", ["net.core.somaxconn = 4096"], {}),  # which may be our own doing
        ("4096\n", "", [], {}),
        # Somebody wants more: ours would lower it at the next boot.
        ("65535\n", "net.core.somaxconn = 4096\n", [], {}),
    ],
)
def test_a_least_is_raised_and_never_lowered(now, file, kept, told):
    found = decide({SOMAXCONN: now}, file, at_least={SOMAXCONN: 4096})
    assert (lines(found), found.writes) == (kept, told)


def test_of_several_numbers_each_is_the_least():
    found = decide(
        {"net.ipv4.tcp_rmem": "4096\t131072\t6291456\n"}, at_least={"net.ipv4.tcp_rmem": "8192 87380 33554432"}
    )
    assert found.writes == {"net.ipv4.tcp_rmem": "8192 131072 33554432"}


@pytest.mark.parametrize(
    ("now", "told"), [("60\n", {"vm.swappiness": "10"}), ("10\n", {}), ("0\n", {"vm.swappiness": "10"})]
)
def test_an_exact_value_is_kept_in_the_file(now, told):
    found = decide({"vm.swappiness": now}, settings={"vm.swappiness": 10})
    assert (lines(found), found.writes) == (["vm.swappiness = 10"], told)


def test_ports_of_the_kernels_range_are_reserved_beside_those_of_others():
    found = decide({kernel.RESERVED: "33000\n"}, ports=["8000-8999", 50051, "52365-52367"])
    assert found.writes == {kernel.RESERVED: "33000,50051,52365-52367"}
    again = decide({kernel.RESERVED: "33000,50051,52365-52367\n"}, found.text, ports=["50051", "52365-52367"])
    assert (again.text, again.writes) == (found.text, {})
    wide = decide({kernel.RESERVED: "\n", kernel.RANGE: "1024\t65535\n"}, ports=["8000-8999", "50051"])
    assert wide.writes == {kernel.RESERVED: "8000-8999,50051"}


def test_the_ports_that_plans_use_are_reserved():
    """Else the kernel gives one away, and a unit does not start."""
    defaults = yaml.safe_load((ROOT / "roles/host/defaults/main.yml").read_text())
    reserved = frozenset().union(*(kernel._port(item) for item in defaults["vllm_reserved_ports"]))
    for path in sorted((ROOT / "tests/golden").glob("*.plan.json")):
        for host, part in json.loads(path.read_text())["hosts"].items():
            for item in part["network"]["fence"]:
                if "kernel chooses" not in item["why"]:
                    ends = [port if isinstance(port, list) else [port, port] for port in item["ports"] or []]
                    used = {port for first, last in ends for port in range(first, last + 1)}
                    assert used <= reserved, (path.name, host, item)


def test_huge_pages_and_numa_are_left_alone_unless_asked_for():
    running = {kernel.HUGEPAGES: "0\n", kernel.NUMA: "1\n"}
    assert decide(running).writes == {}
    assert decide(running, hugepages=512, numa_balancing="off").writes == {kernel.HUGEPAGES: "512", kernel.NUMA: "0"}


def test_what_a_host_does_not_have_is_told_and_does_not_reach_the_file():
    running = {"vm.max_map_count": "65530\n", SOMAXCONN: "128\n", "net.core.no": None}
    found = decide(running, is_container=True, at_least={"vm.max_map_count": 262144, SOMAXCONN: 4096, "net.core.no": 1})
    assert (lines(found), found.writes) == (["net.core.somaxconn = 4096"], {SOMAXCONN: "4096"})
    assert found.left == {
        "net.core.no": "this kernel does not have it",
        "vm.max_map_count": "is its machine's, and this host is a container",
    }


def test_a_dot_in_the_name_of_an_interface_is_a_slash():
    assert kernel.path("net.ipv4.conf.eth0/100.rp_filter") == "/proc/sys/net/ipv4/conf/eth0.100/rp_filter"


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"at_least": {SOMAXCONN: "many"}}, "vllm_sysctl_at_least['net.core.somaxconn'] = many: is no number"),
        ({"at_least": {SOMAXCONN: True}}, "is no number"),
        ({"settings": {"../../etc/passwd": 1}}, "is no name of a setting"),
        ({"settings": {"vm.swappiness": "1\nvm.panic = 1"}}, "is no value of a setting"),
        (
            {"settings": {SOMAXCONN: 1}, "at_least": {SOMAXCONN: 2}},
            "is in vllm_sysctl_at_least, too. Fix: write it once",
        ),
        ({"settings": {kernel.NUMA: 1}, "numa_balancing": "off"}, "has a variable of its own"),
        ({"ports": ["9000-8000"]}, "vllm_reserved_ports = 9000-8000: is no port and no range"),
        ({"hugepages": -1}, "vllm_hugepages = -1: is no number of pages"),
        ({"at_least": {"net.ipv4.tcp_rmem": 1}}, "the kernel has '4096 131072 6291456'. Fix: write as many numbers"),
    ],
)
def test_bad_values_are_named(wanted, message):
    with pytest.raises(HostError) as error:
        decide({SOMAXCONN: "128\n", "net.ipv4.tcp_rmem": "4096\t131072\t6291456\n"}, **wanted)
    assert message in str(error.value)
