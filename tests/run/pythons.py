# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the Python interpreters of this machine."""

from __future__ import annotations

import os
import re
import subprocess
import typing as t
from pathlib import Path

Version = tuple[int, int]

# A version manager's shim answers to a name and then fails, and a distribution may leave out what makes environments.
PROBE = "import ensurepip, sys, venv; print(*sys.version_info[:2])"


def folders() -> list[Path]:
    """Where interpreters may be: the PATH, then the version folders of pyenv."""
    found = [Path(entry) for entry in os.environ.get("PATH", "").split(os.pathsep) if entry]
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    return found + sorted(root.glob("versions/*/bin"))


def version_of(python: Path) -> Version | None:
    """The (major, minor) of an interpreter that can make environments, else None."""
    try:
        answer = subprocess.run([python, "-c", PROBE], capture_output=True, text=True, timeout=30, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    major, minor = answer.split()
    return int(major), int(minor)


def find(where: t.Iterable[Path] | None = None) -> dict[Version, Path]:
    """Each usable version, ascending, with the first interpreter found for it."""
    found: dict[Version, Path] = {}
    for folder in folders() if where is None else where:
        for python in sorted(folder.glob("python3*")):
            if re.fullmatch(r"python3(\.\d+)?", python.name):
                version = version_of(python)
                if version is not None:
                    found.setdefault(version, python)
    return dict(sorted(found.items()))
