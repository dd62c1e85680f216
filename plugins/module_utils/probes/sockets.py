# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Listening TCP sockets and who owns them, from the text of /proc files (proc(5))."""

from __future__ import annotations

import ipaddress

_LISTEN = "0A"


def listening(table: str) -> list[tuple[str, int, str]]:
    """``(address, port, inode)`` of each listening socket in the text of /proc/net/tcp or tcp6."""
    found: list[tuple[str, int, str]] = []
    for line in table.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 9 and fields[3] == _LISTEN:
            address, _colon, port = fields[1].rpartition(":")
            found.append((_address(address), int(port, 16), fields[9]))
    return found


def _address(text: str) -> str:
    """The kernel prints 32-bit words in the machine's byte order; vLLM's platforms are little-endian."""
    words = [bytes.fromhex(text[start : start + 8])[::-1] for start in range(0, len(text), 8)]
    return str(ipaddress.ip_address(b"".join(words)))


def unit_of(cgroup: str) -> str | None:
    """The systemd service that a process belongs to, from the text of /proc/PID/cgroup; None outside of any."""
    for line in cgroup.splitlines():
        for part in reversed(line.rpartition(":")[2].split("/")):
            if part.endswith(".service"):
                return part
    return None
