# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports of members that see nothing wrong, to be changed by a test."""

from __future__ import annotations

import copy

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.preflight.members import Member

WAY = {
    "state": "ok",
    "error": None,
    "attempts": 1,
    "send_error": None,
    "side": {"place": ["10.9.0.0", 40000], "error": None, "state": "ok"},
    "clock": {"offset_s": 0.001, "error_s": 0.0001},
    "latency_ms": {"best": 0.1, "median": 0.2, "worst": 0.4},
    "datagrams": {"sent": 40, "arrived": 40},
    "packet": {"mtu": 1500, "tried": 1500, "largest": 1500},
    "ports": {"29501": "ok"},
    "throughput": {"mbits": 9000.0, "error": None, "retransmits": 0},
}
HEARD = {"connections": 1, "datagrams": 50, "largest": 1500, "half_open": False, "unreached": [], "gone": True}
NOTHING = {"connections": 0, "datagrams": 0, "largest": 0, "half_open": False, "unreached": None, "gone": False}


def lost(state, error=None, **changes):
    """A way that nothing passes."""
    return {"state": state, "error": error, "attempts": 5, "send_error": None, **changes}


class Fleet:
    """Members gpu1, gpu2 …, and what each reports."""

    def __init__(self, count):
        self.members = [Member(f"gpu{n}", f"10.9.0.{n}", (20000, 29501), "ib0") for n in range(1, count + 1)]
        self.reports = {member.name: self._report(member) for member in self.members}

    def _report(self, me):
        peers = [member.name for member in self.members if member != me]
        interface = {
            "name": "ib0",
            "exists": True,
            "owner": "ib0",
            "addresses": [me.address],
            "mtu": 1500,
            "speed_mbits": 10000,
            "state": "up",
            "carrier": True,
            "rdma": None,
            "interfaces": {"ib0": [me.address], "eth0": ["192.0.2.1"]},
        }
        return {
            "name": me.name,
            "address": me.address,
            "started": 1000.0,
            "ended": 1005.0,
            "listening": {"20000": None, "29501": None},
            "side": [me.address, 40000],
            "side_error": None,
            "peers": {peer: copy.deepcopy(WAY) for peer in peers},
            "heard": {peer: copy.deepcopy(HEARD) for peer in peers},
            "strangers": [],
            "local": {"interface": interface, "names": [], "holders": {}},
        }

    def way(self, source, target):
        return self.reports[source]["peers"][target]

    def lose(self, source, target, state="timeout", heard=None, **changes):
        """Nothing of source is connected to target. heard: what target heard of it all the same."""
        self.reports[source]["peers"][target] = lost(state, **changes)
        self.reports[target]["heard"][source] = {**NOTHING, **(heard or {})}

    def interface(self, name):
        return self.reports[name]["local"]["interface"]


@pytest.fixture
def fleet():
    return Fleet
