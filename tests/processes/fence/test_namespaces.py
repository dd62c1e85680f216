# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table in real namespaces: who is refused, who comes in, and what stays untouched."""

from __future__ import annotations

import shutil
import sys
import textwrap

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.fence import ruleset

from tests.processes import networks
from tests.unit.plugins.module_utils.fence.samples import FENCE, item, read

PORTS = (22, 8000, 20010, 29400, 45000)
LISTEN = """
    import socket, sys
    for port in sys.argv[1:]:
        found = socket.create_server(("::", int(port)), family=socket.AF_INET6, dualstack_ipv6=True)
        globals()[f"s{port}"] = found
    print("ready", flush=True)
    held = globals()["s20010"].accept()[0]
    while True:
        data = held.recv(100)
        if not data:
            break
        held.sendall(data)
    sys.stdin.read()
"""
TRY = """
    import socket, sys
    try:
        socket.create_connection((sys.argv[1], int(sys.argv[2])), 3).close()
        print("open", end="")
    except ConnectionRefusedError:
        print("refused", end="")
    except OSError as error:
        print(type(error).__name__, end="")
"""
TALK = """
    import socket, sys
    line = socket.create_connection((sys.argv[1], int(sys.argv[2])), 3)
    for word in sys.stdin:
        line.sendall(word.encode())
        print(line.recv(100).decode(), end="", flush=True)
"""


@pytest.fixture
def three(tmp_path):
    if shutil.which("nft") is None:
        pytest.skip("the fence needs nft (nftables)")
    for made in networks.network(3):
        for number, name in enumerate(made.names, 1):
            made.on(name, "ip", "addr", "add", f"fd88::{number}/64", "dev", "eth0", "nodad")
        made.file = tmp_path / "fence.nft"
        yield made


def load(network, *fence, never=(22,)):
    network.file.write_text(ruleset.text(read(*fence), never))
    network.on("gpu1", "nft", "-f", str(network.file))


def python(text, *words):
    return [sys.executable, "-c", textwrap.dedent(text), *map(str, words)]


@pytest.fixture
def listening(three):
    """gpu1 listens on every port."""
    process = three.start("gpu1", python(LISTEN, *PORTS))
    assert process.stdout.readline() == "ready\n"
    yield three
    process.kill()
    process.communicate()


def reach(network, name, address="10.88.0.1"):
    return {port: network.on(name, *python(TRY, address, port)) for port in PORTS}


ALL = dict.fromkeys(PORTS, "open")
CLOSED = {**ALL, 20010: "refused", 29400: "refused", 45000: "refused"}


@pytest.mark.parametrize("address", ["10.88.0.1", "fd88::1"])
def test_strangers_are_refused_and_members_come_in(listening, address):
    assert reach(listening, "gpu3", address) == ALL
    load(listening, *FENCE)
    assert reach(listening, "gpu3", address) == CLOSED
    assert reach(listening, "gpu2", address) == ALL
    assert reach(listening, "gpu1", address) == ALL


def test_a_members_address_on_another_interface_is_a_strangers(listening):
    load(listening, *({**part, "interface": "ib0" if part["interface"] else None} for part in FENCE))
    assert reach(listening, "gpu2") == CLOSED


def test_connections_that_stand_outlive_a_fence_that_closes_their_port(listening):
    line = listening.start("gpu3", python(TALK, "10.88.0.1", 20010))

    def say(word):
        line.stdin.write(f"{word}\n")
        line.stdin.flush()
        return line.stdout.readline()

    assert say("before") == "before\n"
    load(listening, *FENCE)
    assert listening.on("gpu3", *python(TRY, "10.88.0.1", 20010)) == "refused"
    assert say("after") == "after\n"
    load(listening, *FENCE)
    assert say("again") == "again\n"
    line.kill()
    line.communicate()


def test_what_this_host_asks_of_others_is_answered_on_any_port(listening):
    """The kernel's ports are closed to new connections; answers come to them all the same."""
    load(listening, *FENCE)
    server = listening.start("gpu3", python(LISTEN, 20010))
    assert server.stdout.readline() == "ready\n"
    assert listening.on("gpu1", *python(TRY, "10.88.0.3", 20010)) == "open"
    server.kill()
    server.communicate()


def test_only_our_table_is_changed(three):
    three.on("gpu1", "nft", "add", "table", "inet", "others")
    three.on("gpu1", "nft", "add", "chain", "inet", "others", "input", "{ type filter hook input priority 0; }")
    load(three, *FENCE)
    load(three, item([9000], "10.88.0.2"))
    tables = three.on("gpu1", "nft", "list", "tables").split("\n")
    assert sorted(filter(None, tables)) == ["table inet others", f"table inet {ruleset.TABLE}"]
    assert "29400" not in three.on("gpu1", "nft", "list", "table", "inet", ruleset.TABLE)
