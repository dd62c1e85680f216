# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Listening TCP sockets and who owns them, from the text of /proc files (proc(5))."""

from __future__ import annotations

import ipaddress
import os
import typing as t

from .files import Files

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


def read_listeners(files: Files, unit: t.Callable[[int | None], str | None]) -> list[dict[str, t.Any]]:
    """One item a listening TCP socket: address, port, pid, process, unit. unit: gives that of a process.

    The owner of another user's socket is known to root alone, else null.
    """
    seen = sorted({entry for name in ("tcp", "tcp6") for entry in listening(files.text(f"/proc/net/{name}"))})
    owners = _owners(files, {inode for _address, _port, inode in seen})
    result = []
    for address, port, inode in seen:
        pid = owners.get(inode)
        process = files.word(f"/proc/{pid}/comm") if pid else None
        result.append({"address": address, "port": port, "pid": pid, "process": process, "unit": unit(pid)})
    return result


def _owners(files: Files, inodes: set[str]) -> dict[str, int]:
    """Pid by socket inode; of processes that share a socket the first."""
    wanted = {f"socket:[{inode}]": inode for inode in inodes}
    found: dict[str, int] = {}
    for pid in filter(str.isdigit, files.names("/proc")):
        if len(found) == len(wanted):
            break  # a busy host has a million open files
        folder = files.at(f"/proc/{pid}/fd")
        try:
            targets = [_target(entry.path) for entry in os.scandir(folder)]
        except OSError:  # it ended meanwhile, or is another user's
            continue
        for target in targets:
            if target in wanted:
                found.setdefault(wanted[target], int(pid))
    return found


def _target(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:  # closed meanwhile
        return ""
