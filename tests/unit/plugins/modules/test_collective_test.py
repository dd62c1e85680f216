# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module's options; what it does between members is in tests/processes."""

from __future__ import annotations

import sys

import pytest


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sizes": [6]}, "sizes[0] = 6: is no multiple of 4 from 4 to 4294967296. Fix: "),
        ({"timeout": 1}, "timeout = 1: is out of its range. Fix: give a number from 5 to 600"),
        ({"python": []}, "python = []: does not begin with a path"),
        ({"python": ["python3"]}, "python = ['python3']: does not begin with a path. Fix: "),
        ({"backend": "mpi"}, "value of backend must be one of: gloo, nccl"),
        ({"name": "gpu9"}, "name = 'gpu9': is none of the members"),
    ],
)
def test_wrong_options(run_module, changes, words):
    members = [{"name": f"gpu{number}", "address": f"192.0.2.{number}", "ports": [29501]} for number in (1, 2)]
    options = {"name": "gpu1", "members": members, "python": [sys.executable], **changes}
    found = run_module("collective_test", **options)
    assert found["failed"]
    assert words in found["msg"]


def test_no_value_of_the_environment_is_told_but_those_of_the_network(run_module):
    members = [{"name": f"gpu{number}", "address": f"192.0.2.{number}", "ports": [29501]} for number in (1, 2)]
    environment = {"GLOO_SOCKET_IFNAME": "lo", "HF_HOME": "/somewhere"}
    options = {"name": "gpu1", "members": members, "python": [sys.executable], "environment": environment}
    report = run_module("collective_test", **options)["report"]
    assert report["environment"] == {"GLOO_SOCKET_IFNAME": "lo"}
    assert report["ran"] is False
