# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Repositories: NVIDIA's addresses, and the files that name ours."""

from __future__ import annotations

import typing as t

from . import packages
from .systems import TOOLKIT_KEY, System, repository_machine

#: Names of our files on a host: /etc/apt/sources.list.d/<name>.sources, /etc/yum.repos.d/<name>.repo
CUDA, CONTAINER = "vllm-nvidia-cuda", "vllm-nvidia-container-toolkit"


def cuda(system: System, machine: str, base: str, fingerprint: str) -> dict[str, t.Any]:
    """NVIDIA's network repository. fingerprint: the person's own, empty for the known one."""
    url = f"{base.rstrip('/')}/{system.distro}/{repository_machine(machine)}/"
    file, known = system.key
    return {
        "name": CUDA,
        "url": url,
        "suites": ["/"],
        "key_url": url + file,
        "fingerprints": [fingerprint or known],
    }


def container_toolkit(system: System, machine: str, base: str, fingerprint: str) -> dict[str, t.Any]:
    """The container toolkit's repository: one for all systems of a family."""
    base = base.rstrip("/")
    if system.family == "debian":
        url = f"{base}/stable/deb/{'amd64' if machine == 'x86_64' else 'arm64'}/"
    else:
        url = f"{base}/stable/rpm/{machine}"
    return {
        "name": CONTAINER,
        "url": url,
        "suites": ["/"],
        "key_url": f"{base}/gpgkey",
        "fingerprints": [fingerprint or TOOLKIT_KEY],
    }


def local(system: System, machine: str, base: str, written: str, cuda_version: str, version: str) -> dict[str, str]:
    """NVIDIA's local installer. written: the address or path that a person wrote; empty: the derived one."""
    file = packages.local_installer(system, machine, cuda_version, version)
    return {
        "package": written or f"{base.rstrip('/')}/{cuda_version}/local_installers/{file}",
        "folder": packages.local_folder(system, cuda_version),
    }
