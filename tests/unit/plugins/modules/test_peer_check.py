# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module's options; what it finds between members is in tests/processes."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "gpu9"}, "name = 'gpu9': is none of the members (gpu1, gpu2). Fix: "),
        ({"timeout": 0.5}, "timeout = 0.5: is out of its range. Fix: give a number from 1 to 300"),
        ({"throughput": 61}, "throughput = 61: is out of its range"),
        ({"members": []}, "members = 0: two members at least"),
        (
            {"members": [{"name": "gpu1", "address": "x", "ports": [1]}] * 2},
            "members[0].address = 'x': is no IP address",
        ),
        ({"members": [{"name": "gpu1"}]}, "missing required arguments: address, ports found in members"),
    ],
)
def test_wrong_options(run_module, changes, words):
    members = [{"name": f"gpu{number}", "address": f"10.88.0.{number}", "ports": [20000]} for number in (1, 2)]
    found = run_module("peer_check", **{"name": "gpu1", "members": members, **changes})
    assert found["failed"]
    assert words in found["msg"]


def test_check_mode_checks(run_module):
    """Addresses of nobody: the report comes at once, in check mode, too."""
    members = [{"name": f"gpu{number}", "address": f"192.0.2.{number}", "ports": [20000]} for number in (1, 2)]
    found = run_module("peer_check", name="gpu1", members=members, resolve=False, _ansible_check_mode=True)
    assert found["changed"] is False
    assert [(item["id"], item["from"]) for item in found["findings"]] == [("address-missing", "gpu1")]
