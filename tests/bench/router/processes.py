# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a set of processes used: CPU seconds so far, and memory."""

from __future__ import annotations

import typing as t
from pathlib import Path


def cpu_seconds(pids: t.Iterable[int]) -> float:
    """Of the threads of these processes and of all below them, to the nanosecond (/proc/PID/stat has hundredths)."""
    nanoseconds = 0
    for pid in _with_children(pids):
        for thread in Path(f"/proc/{pid}/task").glob("*/schedstat"):
            nanoseconds += int(thread.read_text().split()[0])
    return nanoseconds / 10**9


def memory_mb(pids: t.Iterable[int]) -> float:
    """10^6 bytes; what processes share is counted once (Pss)."""
    kilobytes = 0
    for pid in _with_children(pids):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            kilobytes += int(line.split()[1]) if line.startswith("Pss:") else 0
    return kilobytes * 1024 / 10**6


def _fields(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the command's name."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _with_children(pids: t.Iterable[int]) -> set[int]:
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int(_fields(int(entry.name))[1])
            except OSError:
                continue
    found = set(pids)
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found
