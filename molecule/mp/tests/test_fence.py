# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""m3 is no member: of the engine's ports it reaches the API alone. The members reach one another on all."""

from __future__ import annotations

import json

import pytest

from tests.testinfra.reach import Listener, listening, reach

MEMBERS = ("m1", "m2")
OPEN = {22, 8000, 8001}
#: Free ports of the members, one among those that the kernel chooses from and one of the engine's own range.
FREE = (45678, 20063)


def is_ray(lab):
    return lab.host("m1").service("vllm-group-0-ray").is_running


@pytest.mark.parametrize("name", MEMBERS)
def test_a_stranger_reaches_nothing_that_listens_but_the_api(lab, name):
    ports = listening(lab.host(name)) - OPEN
    assert ports
    found = reach(lab.host("m3"), lab.address(name), ports)
    assert {port: result for port, result in found.items() if result != "refused"} == {}


def test_what_listens_is_what_the_fence_is_for(lab):
    """Else the test above would prove little."""
    ports = listening(lab.host("m1"))
    expected = {6379, 6380, 6381, 6382, 6384, 10001} if is_ray(lab) else {29501}
    assert {29400, *expected} <= ports
    assert any(port >= 32768 for port in ports), "nothing listens on a port that the kernel chose"


@pytest.mark.parametrize("name", MEMBERS)
def test_a_strangers_way_is_closed_to_what_an_engine_may_open_later(lab, name):
    with Listener(lab.host(name), *FREE):
        assert reach(lab.host("m3"), lab.address(name), FREE) == dict.fromkeys(FREE, "refused")
        other = next(item for item in MEMBERS if item != name)
        assert reach(lab.host(other), lab.address(name), FREE) == dict.fromkeys(FREE, "open")


def test_a_member_reaches_the_guard_and_the_api_is_for_everyone(lab):
    assert reach(lab.host("m2"), lab.address("m1"), [29400]) == {29400: "open"}
    assert reach(lab.host("m3"), lab.address("m1"), OPEN) == dict.fromkeys(OPEN, "open")


@pytest.mark.parametrize("verb", ["restart", "reload", "stop", "start"])
def test_the_fence_outlives_what_flushes_all_tables(lab, verb):
    host = lab.host("m1")
    if verb == "restart":
        host.check_output("nft add table inet of_somebody_else")
    host.check_output("systemctl %s nftables", verb)
    tables = host.check_output("nft list tables")
    assert "vllm_cluster" in tables
    assert "of_somebody_else" not in tables, "nothing was flushed, so this proves nothing"
    assert reach(lab.host("m3"), lab.address("m1"), [29400]) == {29400: "refused"}


@pytest.mark.parametrize("name", MEMBERS)
def test_members_know_one_another_by_name(lab, name):
    other = next(item for item in MEMBERS if item != name)
    assert lab.host(name).check_output("getent ahostsv4 %s", other).split()[0] == lab.address(other)


def test_who_is_no_member_has_no_fence_and_no_names(lab):
    host = lab.host("m3")
    assert not host.file("/etc/vllm/fence.nft").exists
    assert "vllm.cluster" not in host.file("/etc/hosts").content_string


def test_a_table_that_somebody_emptied_is_loaded_again(lab):
    host = lab.host("m2")
    host.check_output("nft flush chain inet vllm_cluster strangers")
    fence = json.dumps(["load the table inet vllm_cluster"])
    run = lab.playbook("site.yml", "-v")
    assert run.status == 0, run.output[-2000:]
    assert fence in run.output
    assert run.changed("m1", "m2") == {"m1": 0, "m2": 1}
