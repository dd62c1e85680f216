# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes conda present: the host's own, or one from an installer whose checksum is known."""

from __future__ import annotations

import hashlib
import os
import shutil
import typing as t
from pathlib import Path

from . import conda
from .conda import CondaSettings
from .failures import explain, without_credentials
from .runs import Run
from .state import EnvironmentFailure

#: Puts what an address holds into a file. Raises OSError, whose text tells why it could not.
Fetch = t.Callable[[str, Path], None]

_PIECE = 1 << 20


def has_conda(run: Run, settings: CondaSettings) -> bool:
    """Whether a working conda is there, and its installation was finished."""
    program = conda.program(settings)
    if not (program.is_file() and os.access(program, os.X_OK)) or begun(conda.base(settings)).exists():
        return False
    return run([str(program), "--version"], {})[0] == 0


def ensure_conda(run: Run, fetch: Fetch, settings: CondaSettings, scratch: Path, timeout: int) -> bool:
    """Install conda where it is not there; whether it had to. Raises EnvironmentFailure, and leaves nothing half done.

    scratch: a private directory. timeout: seconds that the installer may take.
    """
    if has_conda(run, settings):
        return False
    if settings.path:
        raise EnvironmentFailure(
            f"conda: there is no working conda at {settings.path}. "
            "Fix: correct conda_path, or leave it out and set conda_installers and conda_checksum."
        )
    if not settings.installers or not settings.checksum:
        raise EnvironmentFailure(
            "conda: it is not there, and there is nothing to install it from. "
            "Fix: set conda_path, or conda_installers and conda_checksum."
        )
    place = conda.base(settings)
    mark = begun(place)
    if place.exists() and not mark.exists():
        raise EnvironmentFailure(
            f"conda: {place} is there and holds no working conda. Fix: remove it, or set conda_dir elsewhere."
        )
    installer = _fetched(fetch, settings, scratch)
    place.parent.mkdir(parents=True, exist_ok=True)
    mark.touch()
    if place.exists():
        shutil.rmtree(place)  # of a run that was cut off
    rc, out, err = run(["bash", str(installer), "-b", "-p", str(place)], {})
    if rc == 0 and (place / "bin" / "conda").is_file():
        mark.unlink()
        if has_conda(run, settings):
            return True
        out += f"\n{place}/bin/conda does not work"
    shutil.rmtree(place, ignore_errors=True)
    mark.unlink(missing_ok=True)
    said = explain(out + err, rc, timeout, conda.HINTS)
    raise EnvironmentFailure(f"conda could not be installed in {place}; {said}")


def begun(place: Path) -> Path:
    """Beside an installation while it is not whole."""
    return place.parent / f".{place.name}.begun"


def _fetched(fetch: Fetch, settings: CondaSettings, scratch: Path) -> Path:
    """The installer, from the first source that has the right one."""
    problems = []
    for index, source in enumerate(settings.installers):
        file = Path(source) if source.startswith("/") else scratch / f"installer-{index}.sh"
        try:
            if not source.startswith("/"):
                fetch(source, file)
            found = _sha256(file)
        except OSError as error:
            problems.append(f"{source}: {error}")
            continue
        if found == settings.checksum:
            return file
        problems.append(f"{source}: its sha256 is {found}, and should be {settings.checksum}")
    told = without_credentials("\n".join(problems))
    raise EnvironmentFailure(
        f"conda: no installer could be had:\n{told}\nFix: set conda_installers to what the host can reach, and "
        "conda_checksum to the sha256 that the publisher tells."
    )


def _sha256(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as handle:
        for piece in iter(lambda: handle.read(_PIECE), b""):
            digest.update(piece)
    return digest.hexdigest()
