# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import os
import socket

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.probes import sockets
from ansible_collections.vllm.cluster.plugins.module_utils.probes.files import Files

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


def test_owners(tree):
    tree.write({"/proc/net/tcp": TCP, "/proc/net/tcp6": TCP6, "/proc/77/comm": "vllm\n", "/proc/8/comm": "sshd\n"})
    for pid, name, inode in ((77, "3", 4711), (77, "4", 4714), (8, "5", 4712), (9, "5", 4712), (9, "6", 1)):
        (tree.root / "proc" / str(pid) / "fd").mkdir(parents=True, exist_ok=True)
        (tree.root / "proc" / str(pid) / "fd" / name).symlink_to(f"socket:[{inode}]")
    found = sockets.read_listeners(tree.files, {77: "vllm-x-0.service"}.get)
    assert [tuple(item.values()) for item in found] == [
        ("0.0.0.0", 8000, 77, "vllm", "vllm-x-0.service"),
        ("127.0.0.1", 22, 8, "sshd", None),
        ("::1", 80, 77, "vllm", "vllm-x-0.service"),
    ]


@pytest.mark.skipif(os.getuid() != 0, reason="needs root to become another user")
def test_another_user_does_not_learn_the_owner():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                server.close()
                os.setuid(65534)
                os.write(writing, json.dumps(sockets.read_listeners(Files(), lambda _pid: None)).encode())
            finally:
                os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as file:
            told = file.read()
        os.waitpid(child, 0)
    (entry,) = [item for item in json.loads(told) if item["port"] == port]
    assert (entry["pid"], entry["process"], entry["unit"]) == (None, None, None)
