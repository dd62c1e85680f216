# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host has of a container engine: packages, daemon, settings, containers. Reads only."""

from __future__ import annotations

import platform
import re
import typing as t

from ..probes.commands import Commands
from ..probes.containers import Docker
from ..probes.files import Files
from ..probes.hardware import os_release
from ..repositories import apt, installed
from . import packages

#: Says that the role started the engine, and how.
RECORD = "/var/lib/vllm-container-engine"
PIN = "/etc/apt/preferences.d/vllm-docker.pref"
_PROGRAMS = ("/usr/sbin/dockerd", "/usr/bin/dockerd")


def read(files: Files, commands: Commands, settings_path: str) -> dict[str, t.Any]:
    """The document that decide.decide takes."""
    release = files.text("/etc/os-release") or files.text("/usr/lib/os-release")
    codename = re.search(r"^VERSION_CODENAME=\"?([a-z]+)", release, re.MULTILINE)
    there, held = installed.read(files, commands, packages.GLOBS)
    docker = Docker(commands)
    engine = docker.engine() or {"version": None}
    return {
        "os": {**os_release(release), "codename": codename[1] if codename else None},
        "machine": platform.machine(),
        "family": installed.family(commands),
        "packages": there,
        "held": held,
        "sources": apt.sources(files),
        "named": any(
            files.exists(path)
            for path in (f"/etc/apt/sources.list.d/{packages.NAME}.sources", f"/etc/yum.repos.d/{packages.NAME}.repo")
        ),
        "pin": files.text(PIN),
        "program": next((path for path in _PROGRAMS if files.exists(path)), None),
        "version": engine["version"],
        "running": sorted(docker.containers().values()) if engine["version"] else [],
        "systemd": files.exists("/run/systemd/system"),
        "ours": files.exists(RECORD),
        "settings": files.text(settings_path) if files.exists(settings_path) else None,
    }
