# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.probes import hardware

DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\nID=debian\n# a note\n'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (DEBIAN, {"id": "debian", "version": "12", "name": "Debian GNU/Linux 12 (bookworm)"}),
        ("ID=arch\nPRETTY_NAME='Arch Linux'\n", {"id": "arch", "version": None, "name": "Arch Linux"}),
        ('ID="rocky\n', {"id": '"rocky', "version": None, "name": None}),
        ("", {"id": None, "version": None, "name": None}),
    ],
)
def test_distributions(text, expected):
    assert hardware.os_release(text) == expected


def test_numa_nodes(tree):
    folder = "/sys/devices/system/node"
    for node, cpus in ((0, "0-31,64-95"), (1, "32-63"), (10, "")):  # the last one is memory of a GPU
        memory = f"Node {node} MemTotal:       {1000 + node} kB\nNode {node} MemFree:        900 kB\n"
        tree.write({f"{folder}/node{node}/cpulist": cpus + "\n", f"{folder}/node{node}/meminfo": memory})
    tree.write({f"{folder}/online": "0-1,10\n"})
    assert hardware.numa(tree.files) == [
        {"node": 0, "cpus": "0-31,64-95", "memory_bytes": 1000 * 1024},
        {"node": 1, "cpus": "32-63", "memory_bytes": 1001 * 1024},
        {"node": 10, "cpus": "", "memory_bytes": 1010 * 1024},
    ]


def test_memory(tree):
    tree.write({"/proc/meminfo": "MemTotal:  2048 kB\nMemAvailable:   1024 kB\n", "/etc/os-release": DEBIAN})
    found = hardware.read_machine(tree.files)
    assert (found["memory_bytes"], found["memory_available_bytes"]) == (2**21, 2**20)
    assert (found["os"]["id"], found["shm"], found["numa"]) == ("debian", None, [])


@pytest.mark.parametrize(
    ("printed", "limit"),
    [
        ("DefaultLimitMEMLOCK=infinity", "unlimited"),
        ("DefaultLimitMEMLOCK=18446744073709551615", "unlimited"),
        ("DefaultLimitMEMLOCK=8388608", 8388608),
    ],
)
def test_what_systemd_lets_units_lock(tree, host, printed, limit):
    tree.write({"/run/systemd/system/x": ""})
    assert hardware.memlock(tree.files, host(systemctl=f"echo {printed}")) == limit


def test_without_systemd_the_limit_is_the_processs_own(tree, host, monkeypatch):
    monkeypatch.setattr(hardware.resource, "getrlimit", lambda _what: (4096, 8192))
    assert hardware.memlock(tree.files, host(systemctl="echo DefaultLimitMEMLOCK=1")) == 4096
    tree.write({"/run/systemd/system/x": ""})
    assert hardware.memlock(tree.files, host(systemctl="exit 1")) == 4096
    monkeypatch.setattr(hardware.resource, "getrlimit", lambda _what: (hardware.resource.RLIM_INFINITY,) * 2)
    assert hardware.memlock(tree.files, host()) == "unlimited"
