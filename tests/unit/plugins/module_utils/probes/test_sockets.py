# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.probes import sockets

TCP = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0
   1: 0100007F:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 100 0 0 10 0
   2: 0B004D0A:1F40 01004D0A:C001 01 00000000:00000000 00:00000000 00000000     0        0 4713 1 0 100 0 0 10 0
"""
TCP6 = """  sl  local_address remote_address st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 4714 1 0
"""


def test_only_listening_sockets_count():
    assert sockets.listening(TCP) == [("0.0.0.0", 8000, "4711"), ("127.0.0.1", 22, "4712")]


def test_version_six():
    assert sockets.listening(TCP6) == [("::1", 80, "4714")]


def test_no_table():
    assert sockets.listening("") == []


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("0::/system.slice/vllm-chat-0.service\n", "vllm-chat-0.service"),
        ("0::/system.slice/vllm-chat-0.service/worker\n", "vllm-chat-0.service"),
        ("12:cpu:/\n1:name=systemd:/docker/0a1b/system.slice/ssh.service\n", "ssh.service"),
        ("0::/user.slice/user-0.slice/session-1.scope\n", None),
        ("", None),
    ],
)
def test_the_unit_of_a_process(text, unit):
    assert sockets.unit_of(text) == unit
