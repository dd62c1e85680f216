# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""After a power failure of a member: its fence stands before its engine does, and the group serves again."""

from __future__ import annotations

from tests.testinfra.reach import Listener, reach


def test_the_fence_is_there_after_a_boot(lab):
    for fault in ("kill", "start"):
        run = lab.playbook("lab_fault.yml", extra={"lab_fault": fault, "lab_fault_hosts": "m2"})
        assert run.status == 0, run.output[-2000:]
    host = lab.host("m2")
    assert host.service("vllm-fence").is_running
    with Listener(host, 45678):
        assert reach(lab.host("m3"), lab.address("m2"), [45678]) == {45678: "refused"}
        assert reach(lab.host("m1"), lab.address("m2"), [45678]) == {45678: "open"}
    lab.wait_for_token("m1", 8000, "group", "group-key")
    lab.wait_for_guards("group-0", "m1", "m2")
