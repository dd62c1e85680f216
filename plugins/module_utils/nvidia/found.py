# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host has of NVIDIA's: hardware, driver, packages, who uses the GPUs. Reads only."""

from __future__ import annotations

import os
import platform
import re
import typing as t

from ..probes.commands import Commands
from ..probes.files import Files
from ..probes.hardware import is_container, os_release
from ..probes.own_units import read_units
from ..repositories import apt, installed
from ..units import texts
from . import hardware, packages, repository

_SECURE_BOOT = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
_DEVICE = re.compile(r"/dev/nvidia(?:\d+|-uvm)$")
#: Daemons of the driver itself, which its packages restart.
_OWN = ("nvidia-persiste", "nv-fabricmanage", "nvidia-smi", "nvidia-imex")
_ENGINES = ("engine", "ray", "kv_server")
#: Our pins of APT.
PIN = "/etc/apt/preferences.d/vllm-nvidia.pref"


def read(files: Files, hardware_files: Files, commands: Commands) -> dict[str, t.Any]:
    """The document that decide.decide takes. hardware_files: where /sys, and what tells a container, are read."""
    kernel = platform.release()
    system = os_release(files.text("/etc/os-release") or files.text("/usr/lib/os-release"))
    # Red Hat's names begin with many words: kmod-nvidia, dnf-plugin-nvidia.
    packages_there, held = installed.read(files, commands, [*packages.DRIVER_GLOBS, *packages.BESIDE], ["*nvidia*"])
    return {
        **hardware.read(hardware_files),
        "machine": platform.machine(),
        "kernel": kernel,
        "os": system,
        "container": is_container(hardware_files),
        "secure_boot": hardware_files.text(_SECURE_BOOT)[-1:] == "\x01",
        "loaded": hardware_files.word("/sys/module/nvidia/version"),
        "nouveau": hardware_files.exists("/sys/module/nouveau"),
        "peermem": hardware_files.exists("/sys/module/nvidia_peermem"),
        "headers": files.exists(f"/lib/modules/{kernel}/build"),
        "packages": packages_there,
        "held": held,
        "dkms": _dkms(commands),
        "sources": apt.sources(files),
        "pinned": files.exists(PIN),
        "ours": sorted(name for name in (repository.CUDA, repository.CONTAINER) if _is_ours(files, name)),
        "engines": _engines(files, commands),
        "users": _users(files),
        "smi": _smi(commands),
        "persistenced": commands.find("nvidia-persistenced") is not None,
        "docker": commands.find("docker") is not None,
    }


def _dkms(commands: Commands) -> list[dict[str, str | None]]:
    """name, version, kernel (None: of none), state, of every module that DKMS knows of NVIDIA's."""
    program = commands.find("dkms")
    return dkms_states(commands.run(program, "status").out) if program else []


def dkms_states(text: str) -> list[dict[str, str | None]]:
    """From ``dkms status`` of 2.x (``name, version, kernel, machine: state``) and 3.x (``name/version, …: state``)."""
    found: list[dict[str, str | None]] = []
    for line in text.splitlines():
        left, colon, state = line.partition(":")
        words = [word.strip() for word in left.replace("/", ",", 1).split(",")]
        if colon and words[0].startswith("nvidia") and len(words) >= 2:
            kernel = words[2] if len(words) > 2 else None
            found.append({"name": words[0], "version": words[1], "kernel": kernel, "state": state.split()[0]})
    return found


def _is_ours(files: Files, name: str) -> bool:
    paths = (f"/etc/apt/sources.list.d/{name}.sources", f"/etc/yum.repos.d/{name}.repo")
    return any(files.exists(path) for path in paths)


def _engines(files: Files, commands: Commands) -> list[str]:
    """Our units that serve or are about to."""
    units = read_units(files, commands) or {}
    running = [name for name, unit in units.items() if unit["state"] in ("active", "activating", "reloading")]
    return [name for name in running if _kind(files, name) in _ENGINES]


def _kind(files: Files, name: str) -> str | None:
    return texts.marks(files.text(f"/etc/systemd/system/{name}")).get("Kind")


def _users(files: Files) -> list[dict[str, t.Any]]:
    """pid and process of everything that has a GPU open, the driver's own daemons left out."""
    found = []
    for pid in filter(str.isdigit, files.names("/proc")):
        process = files.word(f"/proc/{pid}/comm") or ""
        if process not in _OWN and _holds(files.at(f"/proc/{pid}/fd")):
            found.append({"pid": int(pid), "process": process})
    return found


def _holds(folder: str) -> bool:
    try:
        return any(_DEVICE.match(os.readlink(entry.path)) for entry in os.scandir(folder))
    except OSError:  # it ended meanwhile, or closed one
        return False


def _smi(commands: Commands) -> dict[str, t.Any] | None:
    """status, version of the driver, gpus (how many); None without nvidia-smi. Its status alone tells if it works."""
    program = commands.find("nvidia-smi")
    if program is None:
        return None
    answer = commands.run(program, "--query-gpu=driver_version", "--format=csv,noheader")
    lines = answer.out.split()
    return {"status": answer.status, "version": lines[0] if answer.ok and lines else None, "gpus": len(lines)}
