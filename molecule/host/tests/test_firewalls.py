# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that close everything by ufw and firewalld, with the fence: who reaches what, by real connections."""

from __future__ import annotations

import contextlib

import pytest

from tests.testinfra.reach import Listener, reach

#: The API of the engine whose head the host is.
API = {"hst1": 8000, "hst2": 8001}
INTERNAL = (20000, 29400, 29501, 40000)
#: What nobody named: the host's own firewall closes it.
UNNAMED = 5000
RELOADS = {
    "hst1": ["true", "ufw reload", "systemctl restart ufw"],
    "hst2": ["true", "firewall-cmd --reload", "firewall-cmd --complete-reload", "systemctl restart firewalld"],
}


def seen(lab, source, host):
    return reach(lab.host(source), lab.address(host), [22, API[host], *INTERNAL, UNNAMED])


@pytest.mark.parametrize("host", sorted(API))
def test_clients_reach_the_api_members_all_and_strangers_nothing_else(lab, host):
    """Also after each way in which the host's own firewall is loaded again."""
    member = next(name for name in API if name != host)
    with Listener(lab.host(host), API[host], *INTERNAL, UNNAMED, user="nobody"):
        for command in RELOADS[host]:
            lab.host(host).check_output(command)
            stranger = seen(lab, "hst3", host)
            assert (stranger[22], stranger[API[host]]) == ("open", "open"), command
            assert {stranger[port] for port in INTERNAL} == {"refused"}, command
            assert stranger[UNNAMED] not in ("open", "refused"), command
            assert set(seen(lab, member, host).values()) == {"open"}, command


def test_it_is_so_after_a_boot(lab):
    for fault in ("kill", "start"):
        run = lab.playbook("lab_fault.yml", extra={"lab_fault": fault, "lab_fault_hosts": ["hst1", "hst2"]})
        assert run.status == 0
    with contextlib.ExitStack() as stack:
        for host in API:
            stack.enter_context(Listener(lab.host(host), API[host], *INTERNAL, UNNAMED, user="nobody"))
        for host in API:
            stranger = seen(lab, "hst3", host)
            assert (stranger[22], stranger[API[host]]) == ("open", "open")
            assert {stranger[port] for port in INTERNAL} == {"refused"}
            assert stranger[UNNAMED] not in ("open", "refused")
