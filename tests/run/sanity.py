# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-test sanity, on a copy of the checkout.

ansible-test wants a real path ``ansible_collections/vllm/cluster``, starts tools with an environment of its own and
fetches pip's installer from the Ansible project's site. The copy, a HOME with this machine's pip settings, and Python's
own ensurepip in the installer's place make it run from any checkout, also where only a package mirror is reachable.
"""

from __future__ import annotations

import configparser
import os
import re
import typing as t
from pathlib import Path

import pip_settings
import pythons
from checkout import CACHE, VENV, collection_copy
from runner import Skip, Step

HOME = CACHE / "ansible-test"

# Runs where ansible-test would run the downloaded installer, in a new environment without pip.
INSTALLER = '''"""Bootstraps pip from the interpreter's own ensurepip."""
import subprocess
import sys

subprocess.check_call([sys.executable, "-m", "ensurepip", "--default-pip"], stdout=subprocess.DEVNULL)
options = [option for option in sys.argv[1:] if option not in ("--no-setuptools", "--no-wheel")]
sys.exit(subprocess.call([sys.executable, "-m", "pip", "install", "--upgrade"] + options))
'''


def write_home(home: Path) -> None:
    """Fill the HOME that ansible-test sees: pip's settings and the installers it would look for."""
    settings = configparser.ConfigParser(interpolation=None)
    settings["global"] = {**pip_settings.options(), "quiet": "1"}
    (home / ".config" / "pip").mkdir(parents=True, exist_ok=True)
    with (home / ".config" / "pip" / "pip.conf").open("w") as file:
        settings.write(file)
    cache = home / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in pip_versions():
        (cache / f"get_pip_{version.replace('.', '_')}.py").write_text(INSTALLER)


def pip_versions() -> set[str]:
    """The pip releases that the installed ansible-test asks for."""
    import ansible_test

    source = Path(ansible_test.__path__[0]) / "_internal" / "python_requirements.py"
    found = set(re.findall(r"\bpip='([0-9.]+)'", source.read_text()))
    if not found:
        raise OSError(f"{source} names no pip release any more: teach tests/run/sanity.py its new form")
    return found


def link_pythons(folder: Path) -> None:
    """Put every usable interpreter into one folder: the compile and import tests run on each that they find."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    for (major, minor), python in pythons.find().items():
        (folder / f"python{major}.{minor}").symlink_to(python)


def steps() -> t.Generator[Step | Skip, None, None]:
    write_home(HOME)
    link_pythons(HOME / "pythons")
    path = os.pathsep.join(map(str, (VENV, HOME / "pythons", "/usr/bin", "/bin")))
    with collection_copy() as copy:
        yield Step(
            "ansible-test", [VENV / "ansible-test", "sanity", "--color", "no"], copy, {"HOME": str(HOME), "PATH": path}
        )
