# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes uv present, in a virtual environment of its own."""

from __future__ import annotations

import os
from pathlib import Path

from .failures import explain
from .runs import Run
from .state import EnvironmentFailure
from .uv import HINTS, Settings, pip_variables

_CERTIFICATES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem")


def uv_program(directory: Path) -> Path:
    """Where the uv of a directory made by :func:`ensure_uv` is."""
    return directory / "bin" / "uv"


def has_uv(run: Run, directory: Path, version: str) -> bool:
    """Whether a working uv of this version is in ``directory``."""
    program = uv_program(directory)
    if not (program.is_file() and os.access(program, os.X_OK)):
        return False
    rc, out, _err = run([str(program), "--version"], {})
    return rc == 0 and out.split()[1:2] == [version]


def ensure_uv(run: Run, directory: Path, version: str, python: str, settings: Settings, timeout: int) -> bool:
    """Install uv ``version`` into the virtual environment ``directory``, made with ``python``; whether it had to.

    Raises EnvironmentFailure, also when ``directory`` holds anything but a virtual environment. ``timeout`` in seconds.
    """
    if has_uv(run, directory, version):
        return False
    if directory.exists() and any(directory.iterdir()) and not (directory / "pyvenv.cfg").is_file():
        raise EnvironmentFailure(
            f"uv: {directory} is not a virtual environment. Fix: empty it, or set uv_dir elsewhere."
        )
    certificates = next((path for path in _CERTIFICATES if Path(path).is_file()), None)
    variables = pip_variables(settings, certificates)
    pip = [str(directory / "bin" / "python"), "-m", "pip", "install", "--quiet", f"uv=={version}"]
    # --clear: what a cut-off run left behind may look whole and is not
    for argv in ([python, "-m", "venv", "--clear", str(directory)], pip):
        rc, out, err = run(argv, variables)
        if rc != 0:
            raise EnvironmentFailure(
                f"uv {version} could not be installed in {directory}; {explain(out + err, rc, timeout, HINTS)}"
            )
    return True
