# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.preflight.members import MembersError, place, read_members


def item(number, **changes):
    return {"name": f"gpu{number}", "address": f"10.9.0.{number}", "ports": [20000], **changes}


def test_members_are_read():
    one, other = read_members([item(1, interface="ib0", ranks=8), item(2, hostname="gpu2.lan", ports=[1, 2])], "gpu1")
    assert (one.port, one.place, one.interface, one.ranks, one.hostname) == (20000, "10.9.0.1:20000", "ib0", 8, None)
    assert (other.ports, other.hostname, other.ranks) == ((1, 2), "gpu2.lan", 1)


def test_a_place_of_ipv6():
    assert place("fd00::1", 80) == "[fd00::1]:80"


@pytest.mark.parametrize(
    ("items", "own", "words"),
    [
        ([item(1)], "gpu1", "members = 1: two members at least"),
        ([item(1), item(2, name="gpu1")], "gpu1", "members[1].name = 'gpu1': is that of members[0]"),
        ([item(1), item(2, address="10.9.0.1")], "gpu1", "members[1].address = '10.9.0.1': is that of members[0]"),
        (
            [item(1), item(2, address="gpu2.lan")],
            "gpu1",
            "members[1].address = 'gpu2.lan': is no IP address. Fix: give",
        ),
        ([item(1), item(2, address="fe80::1%eth0")], "gpu1", "members[1].address = 'fe80::1%eth0': is no IP address"),
        ([item(1), item(2, address="127.0.0.1")], "gpu1", "is reached by its own host alone"),
        ([item(1), item(2, address="0.0.0.0")], "gpu1", "is reached by its own host alone"),
        ([item(1), item(2, address="fd00::2")], "gpu1", "some have IPv4 addresses and some IPv6"),
        ([item(1), item(2, ports=[])], "gpu1", "members[1].ports: is empty"),
        ([item(1), item(2, ports=[0])], "gpu1", "members[1].ports[0] = 0: is no port"),
        ([item(1), item(2, ports=[1, 65536])], "gpu1", "members[1].ports[1] = 65536: is no port"),
        ([item(1), item(2, ports=[7, 7])], "gpu1", "members[1].ports[1] = 7: is named twice"),
        ([item(1), item(2, ranks=0)], "gpu1", "members[1].ranks = 0: is no number of ranks"),
        ([item(1), item(2, name="")], "gpu1", "members[1].name = '': is empty"),
        ([item(1), item(2)], "gpu9", "name = 'gpu9': is none of the members (gpu1, gpu2)"),
    ],
)
def test_what_is_refused(items, own, words):
    with pytest.raises(MembersError) as caught:
        read_members(items, own)
    assert words in str(caught.value)
    assert "Fix: " in str(caught.value)


def test_all_faults_are_told_at_once():
    with pytest.raises(MembersError) as caught:
        read_members([item(1, ports=[0]), item(2, address="x")], "gpu3")
    assert len(caught.value.faults) == 3
