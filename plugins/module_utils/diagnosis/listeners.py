# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which process listens on a port of this host, read from /proc."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from typing import NamedTuple

from ..probes.sockets import listening, unit_of

_CONTAINER_MARKS = ("docker", "libpod", "containerd", "kubepods", "crio")


class Holder(NamedTuple):
    """``command``: the process's short name; ``unit``: its systemd service; ``container``: it runs in a container."""

    pid: int
    command: str
    unit: str | None
    container: bool

    def __str__(self) -> str:
        """Such as ``nginx (pid 812, nginx.service)``."""
        return f"{self.command} (pid {self.pid}{', ' + self.unit if self.unit else ''})"


def holder(port: int, proc: str = "/proc") -> Holder | None:
    """Who listens on ``port``, or None: nobody, or a process that this user may not look into."""
    inodes = _inodes(port, proc)
    pids = [int(name) for name in os.listdir(proc) if name.isdigit()] if inodes else []
    pid = _owner(inodes, sorted(pids), proc)
    if pid is None:
        return None
    groups = _read(os.path.join(proc, str(pid), "cgroup"))
    command = _read(os.path.join(proc, str(pid), "comm")).strip() or "?"
    return Holder(pid, command, unit_of(groups), any(mark in _own_group(groups) for mark in _CONTAINER_MARKS))


def listens(port: int, pids: Iterable[int], proc: str = "/proc") -> bool:
    """Tell whether one of ``pids`` listens on ``port``."""
    return _owner(_inodes(port, proc), pids, proc) is not None


def group_pids(control_group: str, roots: Iterable[str] = ("/sys/fs/cgroup", "/sys/fs/cgroup/systemd")) -> list[int]:
    """The processes of a unit's control group ([] when it cannot be read), cgroup version 2 or 1."""
    for root in roots:
        rows = _read(root + control_group + "/cgroup.procs") if control_group else ""
        if rows:
            return [int(row) for row in rows.split()]
    return []


def _own_group(groups: str) -> str:
    """The last two parts of the group that systemd or a container engine made, from the text of /proc/PID/cgroup.

    A container's is docker-ID.scope or docker/ID. Such a mark further up says that this whole host is a container.
    """
    rows = [row.split(":", 2) for row in groups.splitlines()]
    paths = [row[2] for row in rows if len(row) == 3 and row[1] in ("", "name=systemd")]
    return "/".join(paths[0].split("/")[-2:]) if paths else ""


def _inodes(port: int, proc: str) -> set[str]:
    tables = (_read(f"{proc}/net/{name}") for name in ("tcp", "tcp6"))
    return {inode for table in tables for _address, found, inode in listening(table) if found == port}


def _owner(inodes: set[str], pids: Iterable[int], proc: str) -> int | None:
    wanted = {f"socket:[{inode}]" for inode in inodes}
    for pid in pids if wanted else ():
        folder = f"{proc}/{pid}/fd"
        with contextlib.suppress(OSError):  # it ended meanwhile, or is another user's
            for name in os.listdir(folder):
                with contextlib.suppress(OSError):
                    if os.readlink(os.path.join(folder, name)) in wanted:
                        return pid
    return None


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
