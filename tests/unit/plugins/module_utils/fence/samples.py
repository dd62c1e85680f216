# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Items of fences, as tests write them."""

from __future__ import annotations

from ansible_collections.vllm.cluster.plugins.module_utils.fence import items

ANYONE = ["0.0.0.0/0", "::/0"]


def item(ports, *sources, interface=None, why="test", protocol="tcp"):
    return {"protocol": protocol, "ports": ports, "from": list(sources), "interface": interface, "why": why}


def read(*data):
    return items.read(list(data))


#: gpu2 is a member, gpu3 a stranger.
FENCE = (
    item(None, "10.88.0.2", "fd88::2", interface="eth0"),
    item([29400, [20000, 20063]], "10.88.0.2", "fd88::2", interface="eth0"),
    item([8000], *ANYONE),
    item([[32768, 60999]], "10.88.0.2", "fd88::2", interface="eth0"),
)
