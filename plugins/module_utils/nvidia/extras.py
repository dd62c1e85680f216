# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes with a driver: fabric manager, persistence daemon, IMEX, RDMA, toolkits."""

from __future__ import annotations

import dataclasses
import typing as t

from . import packages
from .state import Driver
from .systems import System
from .wanted import Wanted


@dataclasses.dataclass(frozen=True)
class Extras:
    """specs: as packages.py names them. services: units that then run."""

    specs: list[str]
    services: list[str]


def wanted(want: Wanted, found: t.Mapping[str, t.Any], system: System, now: Driver | None) -> Extras:
    """now: None while the driver is still to be installed; then nothing is known of what must have its version."""
    specs: list[str] = []
    services: list[str] = []
    version = now.installed if now else None
    if version:
        if want.persistence:
            # In some systems another package brings it: what counts is that it is there.
            specs += [] if found["persistenced"] else packages.persistence(system, want.source, version)
            services.append("nvidia-persistenced.service")
        if has_fabric(want, found):
            management = found["nvlink_management"]
            specs += packages.fabric(
                system, want.source, version, found["machine"], management=management, imex=want.imex
            )
            services.append("nvidia-fabricmanager.service")
        elif want.imex:
            specs += packages.imex(system, version)
        services += ["nvidia-imex.service"] if want.imex else []
    if now is not None:
        if want.cuda_toolkit:
            own = want.source == packages.DISTRIBUTION
            specs += ["nvidia-cuda-toolkit"] if own else packages.cuda_toolkit(want.cuda_version)
        specs += packages.rdma(system) if want.rdma else []
        specs += want.gdrcopy_packages
        if wants_container_toolkit(want):
            specs += packages.container_toolkit(system, want.container_toolkit_version)
    return Extras(specs, services)


def has_fabric(want: Wanted, found: t.Mapping[str, t.Any]) -> bool:
    """Whether GPUs talk through NVSwitches, and wait for the fabric manager."""
    there = bool(found["switches"]) or found["nvlink_management"]
    return want.fabric == "always" or (want.fabric == "auto" and there)


def after_driver(want: Wanted, found: t.Mapping[str, t.Any]) -> list[str]:
    """In words, what follows once the driver's exact version is known."""
    words = ["the persistence daemon"] if want.persistence else []
    words += ["fabric manager"] if has_fabric(want, found) else []
    words += ["IMEX"] if want.imex else []
    words += ["the container toolkit"] if wants_container_toolkit(want) else []
    return words + ([f"CUDA toolkit {want.cuda_version}"] if want.cuda_toolkit else [])


def wants_container_toolkit(want: Wanted) -> bool:
    """By default where a service of the host runs in containers."""
    if want.container_toolkit == "auto":
        return any(need.container for need in want.needs)
    return want.container_toolkit == "always"


def cuda_folder(want: Wanted) -> str | None:
    """Where the toolkit is that the role installs; None: none is wanted."""
    if not want.cuda_toolkit:
        return None
    if want.source == packages.DISTRIBUTION:
        return "/usr"
    return f"/usr/local/cuda-{'.'.join(want.cuda_version.split('.')[:2])}"
