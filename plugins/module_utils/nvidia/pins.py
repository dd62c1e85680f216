# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps a driver at its version: APT's pins, holds, and what unattended-upgrades leaves alone."""

from __future__ import annotations

import typing as t

from ..repositories.apt import pin
from . import packages
from .choose import Choice
from .state import Driver
from .systems import upstream

#: Packages whose hold holds all that depend on their version.
_HELD = (
    *(
        "nvidia-open",
        "cuda-drivers",
        "nvidia-dkms",
        "nvidia-kernel-dkms",
        "nvidia-open-kernel-dkms",
        "nvidia-kernel-open",
    ),
    *("nvidia-headless", "linux-modules-nvidia", "kmod-nvidia", "libnvidia-compute", "libcuda1", "nvidia-driver-cuda"),
    *("nvidia-fabricmanager", "libnvidia-nscq", "nvidia-imex"),
)


def apt(choice: Choice, installed: str | None, toolkit: str | None) -> str:
    """The file of APT's preferences: the installed version, else the wanted one, and no newer. apt_preferences(5).

    toolkit: the version of the container toolkit's packages, which go together; None: it is not there.
    """
    exact = installed or choice.version
    version = f"{exact}-*" if exact else f"{choice.branch}.*"
    told = (
        "# Written by vllm.cluster (docs/nvidia.md): the driver stays at its version, and so does what goes with it.\n"
    )
    told += pin(packages.DRIVER_GLOBS, version)
    return told + ("\n" + pin(packages.CONTAINER_TOOLKIT, toolkit) if toolkit else "")


def unattended() -> str:
    """The file of APT's configuration; it adds to the list that others began."""
    names = "".join(f'  "{name}";\n' for name in packages.UNATTENDED)
    return (
        "// Written by vllm.cluster (docs/nvidia.md): a driver that changes under running engines ends them.\n"
        f"Unattended-Upgrade::Package-Blacklist {{\n{names}}};\n"
    )


def held(found: t.Mapping[str, t.Any]) -> list[str]:
    """Packages of the driver that are held. A change has to let go of them first."""
    return [name for name in found["held"] if name.startswith(_HELD)]


def unheld(found: t.Mapping[str, t.Any], now: Driver) -> list[str]:
    """Installed packages of the driver that nothing holds yet."""
    mine = [
        name
        for name, version in found["packages"].items()
        if name.startswith(_HELD) and upstream(version) == now.installed and now.installed
    ]
    return sorted(set(mine) - set(found["held"]))
