# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The unit tests, on every supported ansible-core that this machine's Pythons can run."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import subprocess
import sys
import typing as t
from pathlib import Path

import pip_settings
import pythons
from checkout import CACHE, ROOT, VENV
from runner import Skip, Step

VENVS = ROOT / ".venvs"


@dataclasses.dataclass(frozen=True)
class Kind:
    """One row of the matrix.

    pins: requirements/<pins>.txt. oldest, newest: the Pythons it runs on. prefer: which of those at hand is taken.
    without: tests that other rows run.
    """

    pins: str
    oldest: pythons.Version
    newest: pythons.Version
    tests: str = "tests/unit"
    prefer: t.Callable[[t.Iterable[pythons.Version]], pythons.Version] = min
    without: str = ""


# What knows nothing of Ansible is the same on every core: it runs on the oldest and on the newest Python.
PURE = "tests/unit/plugins/module_utils"
# Modules run on the targets' Python, without Ansible.
TARGET = Kind("unit-target", (3, 9), (3, 10), tests=PURE)
# The oldest core on its oldest Python, the newest on its newest.
MATRIX = (
    Kind("unit-2.19", (3, 11), (3, 13), without=PURE),
    Kind("unit-2.20", (3, 12), (3, 14), without=PURE),
    Kind("unit-2.21", (3, 12), (3, 14), prefer=max),
    TARGET,
)
# Real processes wait on real clocks: minutes that would be the same in every row.
PROCESSES = dataclasses.replace(MATRIX[0], pins="processes", tests="tests/processes", without="")


def dotted(version: pythons.Version) -> str:
    return ".".join(map(str, version))


def environment(name: str, pins: Path, python: str) -> Path:
    """The interpreter of a row's virtual environment, made or brought up to date when its pins changed."""
    folder = VENVS / name
    wanted = hashlib.sha256(f"{folder} {python}\n".encode() + pins.read_bytes()).hexdigest()
    stamp = folder / "requirements.sha256"
    if not stamp.is_file() or stamp.read_text() != wanted:
        settings = {**pip_settings.variables(pip_settings.options()), **os.environ}
        uv = VENV / "uv"
        subprocess.run([uv, "venv", "--quiet", "--clear", "--python", python, folder], check=True, env=settings)
        subprocess.run([uv, "pip", "sync", "--quiet", "--python", folder, pins], check=True, env=settings)
        stamp.write_text(wanted)
    return folder / "bin" / "python"


def run(pins: str, name: str, python: str, tests: str, report: str, without: str = "") -> t.NoReturn:
    """Become the pytest of one row."""
    interpreter = environment(name, ROOT / "requirements" / f"{pins}.txt", python)
    # A process a core. Tests of one file stay together: they share what their fixtures make.
    workers = ["--numprocesses", "auto", "--dist", "loadfile"]
    options = ["--quiet", f"--junitxml={report}", "-p", "no:cacheprovider", *workers, tests]
    options += [f"--ignore={without}"] if without else []
    os.execv(interpreter, [str(interpreter), "-m", "pytest", *options])


def steps() -> t.Generator[Step | Skip, None, None]:
    """One pytest run a row; rows without a Python are skipped aloud."""
    yield from rows(MATRIX)


def processes() -> t.Generator[Step | Skip, None, None]:
    """The tests of real processes, once. Programs for targets run on the oldest Python at hand."""
    fit = [str(python) for version, python in pythons.find().items() if version >= TARGET.oldest]
    yield from rows((PROCESSES,), {"VLLM_TEST_TARGET_PYTHON": fit[0]} if fit else {})


def rows(kinds: t.Iterable[Kind], variables: t.Mapping[str, str] | None = None) -> t.Generator[Step | Skip, None, None]:
    """The steps of some rows. variables: for their tests."""
    found = pythons.find()
    for kind in kinds:
        fit = [version for version in found if kind.oldest <= version <= kind.newest]
        if not fit:
            have = ", ".join(map(dotted, found))
            reason = f"needs Python {dotted(kind.oldest)} to {dotted(kind.newest)}; this machine has {have}"
            yield Skip(kind.pins, reason)
            continue
        version = kind.prefer(fit)
        name = f"{kind.pins}-py{dotted(version)}"
        report = CACHE / "reports" / f"{name}.xml"
        row = [kind.pins, name, found[version], kind.tests, report, kind.without]
        environment = {"PYTHONDONTWRITEBYTECODE": "1", **(variables or {})}
        yield Step(name, [sys.executable, __file__, *row], ROOT, environment, report)


if __name__ == "__main__":
    run(*sys.argv[1:])
