# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One engine in containers over both hosts, its ranks by mp: it lives and dies together."""

from __future__ import annotations

import json

import pytest
import testinfra

from tests.testinfra.contained import Contained
from tests.testinfra.reach import listening, reach

HOSTS = ("con1", "con2")


@pytest.fixture(scope="module")
def group(lab):
    return Contained(lab, lab.variables["container_services"]["group"], HOSTS)


def test_both_hosts_hold_a_part_of_it(group):
    assert group.ask(timeout=60)[0] == 200
    assert [len(group.ranks(host)) for host in HOSTS] == [1, 1]


def test_strangers_are_refused_though_containers_have_the_hosts_network(lab, group):
    """The machine under the lab is no member."""
    stranger, known = testinfra.get_host("local://"), {22, 5000, 8000, group.port}
    for name, other in (HOSTS, HOSTS[::-1]):
        ports = listening(lab.host(name)) - known
        assert ports, "nothing listens, so this proves nothing"
        assert set(reach(stranger, lab.address(name), ports).values()) == {"refused"}
        assert set(reach(lab.host(other), lab.address(name), ports).values()) == {"open"}
    assert reach(stranger, lab.address("con1"), [group.port]) == {group.port: "open"}


def test_keys_are_in_no_command_line_and_for_root_alone(lab, group):
    host = lab.host("con1")
    (told,) = json.loads(host.check_output("docker inspect %s", group.unit))
    shown = json.dumps({**told, "Config": {**told["Config"], "Env": []}})
    assert group.key not in shown
    assert f"VLLM_API_KEY={group.key}" in told["Config"]["Env"]  # as of every container: who asks Docker is root
    assert host.run("grep -l %s /proc/[0-9]*/cmdline", f"{group.key[:-1]}[{group.key[-1]}]").stdout == ""
    asked = host.run("runuser -u nobody -- docker inspect %s", group.unit)
    assert asked.rc != 0
    assert "permission denied" in asked.stderr
    for path in (f"/var/lib/docker/containers/{told['Id']}/config.v2.json", "/etc/vllm/groups/group-0.secret"):
        assert host.run("runuser -u nobody -- cat %s", path).rc != 0, path


def test_a_rank_killed_in_its_container_takes_the_group_with_it(group):
    (rank,) = group.ranks("con2")
    reasons = group.break_and_heal(f"kill -9 {rank}")
    assert reasons <= {"member-died", "member-restarted"}
    assert [len(group.ranks(host)) for host in HOSTS] == [1, 1]


@pytest.mark.by_hand
def test_a_rank_that_stands_still_takes_the_group_with_it(group):
    (rank,) = group.ranks("con2")
    assert group.break_and_heal(f"kill -STOP {rank}") == {"stalled"}


@pytest.mark.by_hand
def test_a_paused_container_takes_the_group_with_it(group):
    assert group.break_and_heal(f"docker pause {group.unit}") == {"stalled"}


@pytest.mark.by_hand
def test_a_restart_of_docker_on_a_member_takes_the_group_with_it(group):
    assert group.break_and_heal("systemctl restart docker") <= {"member-died", "member-restarted", "unhealthy"}
