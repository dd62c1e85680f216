# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a fence says is checked again on the host, and what it closes is reckoned."""

from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.fence import items
from ansible_collections.vllm.cluster.plugins.module_utils.fence.errors import FenceError

from .samples import ANYONE, item, read


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ("text", ["fence[0]", "must be a mapping"]),
        ({"ports": [1]}, ["must be a mapping of from, interface, ports, protocol, why"]),
        (item([1], protocol="udp"), ["fence[0].protocol = 'udp'", "must be tcp"]),
        (item([1], "10.0.0.1/8"), ["fence[0].from", "has host bits set"]),
        (item([1], "gpu2"), ["fence[0].from", "gpu2"]),
        ({**item([1]), "from": None}, ["fence[0].from"]),
        (item([1], interface='eth0" drop'), ["fence[0].interface", "no name of an interface"]),
        (item([0]), ["fence[0].ports = 0"]),
        (item([65536]), ["fence[0].ports = 65536"]),
        (item([[9, 8]]), ["fence[0].ports = [9, 8]", "first and last"]),
        (item(["8000"]), ["fence[0].ports = '8000'"]),
    ],
)
def test_what_is_no_item_is_refused_with_its_place(bad, words):
    with pytest.raises(FenceError) as caught:
        read(bad)
    assert [word for word in words if word not in str(caught.value)] == []


def test_closed_is_what_is_named_and_not_for_everyone():
    fence = read(
        item(None, "10.0.0.2", interface="eth0"),
        item([29400, [20000, 20063]], "10.0.0.2", interface="eth0"),
        item([8000], *ANYONE),
        item([9000], "0.0.0.0/0"),
        item([[20064, 20070]]),
    )
    assert items.closed(fence) == [(9000, 9000), (20000, 20070), (29400, 29400)]


def test_what_everyone_may_reach_on_one_interface_is_closed_on_the_others():
    assert items.closed(read(item([9000], *ANYONE, interface="eth0"))) == [(9000, 9000)]


@pytest.mark.parametrize("port", [20000, 20030, 20063])
def test_a_port_that_must_stay_open_is_not_closed(port):
    with pytest.raises(FenceError, match=f"port {port} would be closed"):
        items.check_open([(20000, 20063)], [port])
    items.check_open([(20000, 20063)], [19999, 20064])
