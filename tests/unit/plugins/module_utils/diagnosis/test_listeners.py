# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who listens: this process's own sockets, read from the real /proc."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.diagnosis import listeners


@pytest.fixture(params=[socket.AF_INET, socket.AF_INET6])
def port(request):
    address = "127.0.0.1" if request.param == socket.AF_INET else "::1"
    with socket.create_server((address, 0), family=request.param) as server:
        yield server.getsockname()[1]


@pytest.fixture
def free_port():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return unused.getsockname()[1]


def test_this_process_holds_the_port(port):
    holder = listeners.holder(port)
    assert holder.pid == os.getpid()
    assert holder.command == Path("/proc/self/comm").read_text(encoding="utf-8").strip()
    assert listeners.listens(port, [os.getpid()])


def test_another_process_does_not(port):
    assert not listeners.listens(port, [1, 2**22 + 1])


def test_a_connection_is_no_listener(free_port):
    assert listeners.holder(free_port) is None
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as client:
        client.bind(("127.0.0.1", free_port))
        client.connect(server.getsockname())
        assert listeners.holder(free_port) is None


TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4242 1 0000 100 0 0 10 0
   1: 0100007F:1F40 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 4343 1 0000 20 4 30 10 -1
   2: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4444 1 0000 100 0 0 10 0
"""


@pytest.fixture
def proc(tmp_path):
    """A /proc with one process, 77, that listens on port 8000."""

    def make(groups):
        (tmp_path / "net").mkdir()
        (tmp_path / "net" / "tcp").write_text(TABLE)
        (tmp_path / "77" / "fd").mkdir(parents=True)
        (tmp_path / "77" / "fd" / "3").symlink_to("socket:[4242]")
        (tmp_path / "77" / "comm").write_text("vllm\n")
        (tmp_path / "77" / "cgroup").write_text(groups)
        return str(tmp_path)

    return make


@pytest.mark.parametrize(
    ("groups", "container", "words"),
    [
        ("0::/system.slice/nginx.service\n", False, "vllm (pid 77, nginx.service)"),
        ("0::/system.slice/docker-0a1b.scope\n", True, "vllm (pid 77)"),
        ("0::/machine.slice/libpod-0a1b.scope/container\n", True, "vllm (pid 77)"),
        ("12:cpu:/docker/0a1b\n1:name=systemd:/docker/0a1b\n", True, "vllm (pid 77)"),
        # this host is a container itself: what counts is the unit below it
        (
            "12:cpu:/docker/0a1b\n1:name=systemd:/docker/0a1b/system.slice/a.service\n",
            False,
            "vllm (pid 77, a.service)",
        ),
        ("", False, "vllm (pid 77)"),
    ],
)
def test_a_holder_and_its_unit_or_container(proc, groups, container, words):
    holder = listeners.holder(8000, proc(groups))
    assert (holder.pid, holder.container, str(holder)) == (77, container, words)


def test_processes_of_a_group(tmp_path):
    group = tmp_path / "system.slice" / "vllm-chat-0.service"
    group.mkdir(parents=True)
    (group / "cgroup.procs").write_text("12\n34\n")
    roots = (str(tmp_path / "missing"), str(tmp_path))
    assert listeners.group_pids("/system.slice/vllm-chat-0.service", roots) == [12, 34]
    assert listeners.group_pids("/system.slice/other.service", roots) == []
    assert listeners.group_pids("", roots) == []
