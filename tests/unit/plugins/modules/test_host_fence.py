# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module as Ansible runs it, where nothing may be changed: refusals, and check mode. The rest is Molecule's."""

from __future__ import annotations

import os
import shutil

import pytest

#: A systemd that knows none of the units. The machine of the tests may have none.
SYSTEMCTL = {
    "systemctl": "#!/bin/sh\nprintf 'ActiveState=inactive\\n\\nActiveState=inactive\\n\\nActiveState=inactive\\n'\n"
}
ITEM = {"protocol": "tcp", "ports": [29400], "from": ["192.0.2.2"], "interface": "eth0", "why": "engine a-0"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"fence": [{**ITEM, "ports": [70000]}]}, ["fence[0].ports = 70000", "must be a port"]),
        ({"fence": [ITEM, {"ports": [1]}]}, ["fence[1]", "must be a mapping of"]),
        ({"fence": [{**ITEM, "from": ["gpu2"]}]}, ["fence[0].from", "gpu2"]),
        ({"fence": [ITEM], "never_closed": [22, 29400]}, ["port 29400 would be closed"]),
    ],
)
def test_a_bad_fence_is_refused_with_its_place(run_module, options, words):
    found = run_module("host_fence", SYSTEMCTL, **options)
    assert found["failed"]
    assert [word for word in ["The fence is not set up", *words] if word not in found["msg"]] == []


def test_the_port_of_the_running_connection_is_never_closed(run_module, monkeypatch):
    monkeypatch.setenv("SSH_CONNECTION", "192.0.2.9 51000 192.0.2.1 29400")
    assert "port 29400 would be closed" in run_module("host_fence", SYSTEMCTL, fence=[ITEM])["msg"]


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("nft"), reason="asks nft, which answers root alone")
def test_check_mode_tells_what_would_be_and_shows_it(run_module):
    found = run_module("host_fence", SYSTEMCTL, fence=[ITEM], _ansible_check_mode=True, _ansible_diff=True)
    assert found["changed"]
    assert "load the table inet vllm_cluster" in found["actions"]
    assert 'ip saddr { 192.0.2.2 } tcp dport { 29400 } accept comment "engine a-0"' in found["diff"][0]["after"]
    assert not os.path.exists("/etc/vllm/fence.nft")
