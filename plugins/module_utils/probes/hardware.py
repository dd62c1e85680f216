# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The machine and its system: processors, memory, kernel, limits."""

from __future__ import annotations

import os
import platform
import re
import resource
import shlex
import typing as t

from .commands import Commands
from .files import Files

_UNLIMITED = "unlimited"

_CONTAINER = ("/run/systemd/container", "/.dockerenv", "/run/.containerenv")


def read_machine(files: Files) -> dict[str, t.Any]:
    """machine, hostname, kernel, os, cpus, memory_bytes, memory_available_bytes, numa, local_ports, shm. Only reads."""
    memory = files.text("/proc/meminfo")
    return {
        "machine": platform.machine(),
        "hostname": platform.node(),
        "kernel": platform.release(),
        "os": os_release(files.text("/etc/os-release") or files.text("/usr/lib/os-release")),
        "cpus": len(os.sched_getaffinity(0)),
        "memory_bytes": kibibytes(memory, "MemTotal"),
        "memory_available_bytes": kibibytes(memory, "MemAvailable"),
        "numa": numa(files),
        "local_ports": port_range(files.text("/proc/sys/net/ipv4/ip_local_port_range")),
        "shm": space(files.at("/dev/shm"), "/dev/shm"),  # noqa: S108 - looked at, not used
    }


def is_container(files: Files) -> bool:
    """Whether the host is a container: its kernel, clock and driver are its machine's."""
    return any(files.exists(path) for path in _CONTAINER)


def os_release(text: str) -> dict[str, str | None]:
    """id, version and name, from os-release(5)."""
    values: dict[str, str] = {}
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        if equals and re.fullmatch(r"[A-Z_]+", key):
            try:
                values[key] = " ".join(shlex.split(value))
            except ValueError:  # a quote without its end
                values[key] = value
    return {"id": values.get("ID"), "version": values.get("VERSION_ID"), "name": values.get("PRETTY_NAME")}


def kibibytes(text: str, name: str) -> int | None:
    """Bytes of a line such as ``MemTotal:  527980 kB`` (kB are KiB there)."""
    found = re.search(rf"\b{name}:\s+([0-9]+) kB", text)
    return int(found[1]) * 1024 if found else None


def port_range(text: str) -> list[int] | None:
    """First and last port that the kernel chooses from, from the text of ip_local_port_range; None for another text."""
    words = text.split()
    return [int(word) for word in words] if len(words) == 2 and all(word.isdecimal() for word in words) else None


def numa(files: Files) -> list[dict[str, t.Any]]:
    """One item a NUMA node: node, cpus as the kernel lists them (empty for a node of memory alone), memory_bytes."""
    folder = "/sys/devices/system/node"
    return [
        {
            "node": int(name[4:]),
            "cpus": files.text(f"{folder}/{name}/cpulist").strip(),
            "memory_bytes": kibibytes(files.text(f"{folder}/{name}/meminfo"), "MemTotal"),
        }
        for name in files.names(folder)
        if re.fullmatch(r"node[0-9]+", name)
    ]


def space(where: str, path: str) -> dict[str, t.Any] | None:
    """Size of a file system in bytes, and what a process without privileges may still fill; None without one."""
    try:
        state = os.statvfs(where)
    except OSError:
        return None
    return {"path": path, "total_bytes": state.f_blocks * state.f_frsize, "free_bytes": state.f_bavail * state.f_frsize}


def memlock(files: Files, commands: Commands) -> int | str | None:
    """Bytes that a unit may lock by default, or ``unlimited``; without systemd that of this process."""
    systemctl = commands.find("systemctl") if files.exists("/run/systemd/system") else None
    if systemctl is not None:
        answer = commands.run(systemctl, "show", "--property=DefaultLimitMEMLOCK")
        limit = limit_of(answer.out.strip().rpartition("=")[2]) if answer.ok else None
        if limit is not None:
            return limit
    own = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0]
    return _UNLIMITED if own == resource.RLIM_INFINITY else own


def limit_of(word: str) -> int | str | None:
    """A limit as systemd prints it: bytes or ``infinity``."""
    if word == "infinity" or word == str(2**64 - 1):
        return _UNLIMITED
    return int(word) if re.fullmatch(r"[0-9]{1,20}", word) else None
