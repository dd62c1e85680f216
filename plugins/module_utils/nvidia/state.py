# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host's driver is, and what stands between it and work: versions, kernel modules, reboots."""

from __future__ import annotations

import dataclasses
import fnmatch
import typing as t

from ..planning.wording import some
from . import packages
from .systems import upstream

_INSTALLED = "installed"


@dataclasses.dataclass(frozen=True)
class Driver:
    """installed: the version of the packages; loaded: of the kernel module at work; None: there is none.

    package: the one that tells the version.
    """

    installed: str | None
    loaded: str | None
    package: str | None

    @property
    def is_foreign(self) -> bool:
        """Loaded, and no package brought it: NVIDIA's .run file did, or the host's machine."""
        return self.loaded is not None and self.installed is None

    @property
    def words(self) -> str:
        if self.installed is None and self.loaded is None:
            return "no driver is installed"
        if self.is_foreign:
            return f"driver {self.loaded} is loaded, and no package brought it"
        return f"driver {self.installed} is installed, {self.loaded or 'none'} is loaded"


def driver(found: t.Mapping[str, t.Any]) -> Driver:
    """From what found.read says."""
    for name in packages.telling(found["packages"]):
        version = upstream(found["packages"][name])
        if version is not None:
            return Driver(version, found["loaded"], name)
    return Driver(None, found["loaded"], None)


def flavour(found: t.Mapping[str, t.Any]) -> str | None:
    """open or proprietary, by the installed packages of the kernel modules; None where they do not tell."""
    names = [name for name in found["packages"] if name.startswith(("nvidia-", "kmod-nvidia", "linux-modules-nvidia"))]
    if any("-open" in name for name in names):
        return "open"
    closed = ("nvidia-dkms", "nvidia-kernel-dkms", "kmod-nvidia", "linux-modules-nvidia")
    return "proprietary" if any(name.startswith(closed) for name in names) else None


def reboot_reason(found: t.Mapping[str, t.Any], now: Driver) -> str | None:
    """Why only a reboot helps; None: it is not needed. No file tells this, the two versions do."""
    if now.installed and now.loaded and now.installed != now.loaded:
        return f"driver {now.installed} is installed, and {now.loaded} is still loaded"
    if now.installed and not now.loaded and found["nouveau"]:
        return "nouveau has the GPUs, and lets go of them at a reboot"
    return None


def dkms_problem(found: t.Mapping[str, t.Any]) -> str | None:
    """Why the running kernel has no module of the driver, where the host builds it itself; None: it has, or does not.

    DKMS without headers ends well and builds nothing.
    """
    states = found["dkms"]
    kernel = found["kernel"]
    mine = [item for item in states if item["kernel"] == kernel]
    if not states or any(item["state"] == _INSTALLED for item in mine):
        return None
    if mine:
        told = some(f"{item['name']}/{item['version']}: {item['state']}" for item in mine)
        return f"DKMS did not finish for the running kernel {kernel} ({told}); see /var/lib/dkms/*/*/build/make.log"
    told = some(f"{item['name']}/{item['version']} {item['kernel'] or 'no kernel'}: {item['state']}" for item in states)
    why = "" if found["headers"] else f", whose headers are not on the host (/lib/modules/{kernel}/build)"
    return f"DKMS built no module for the running kernel {kernel}{why}. It has {told}"


def problems(found: t.Mapping[str, t.Any], now: Driver) -> list[str]:
    """What keeps an installed driver from working, or will at the next boot; [] where all is well."""
    told = []
    unbuilt = dkms_problem(found)
    if unbuilt:
        told.append(unbuilt)
    if not now.loaded:
        told.append("the driver is not loaded (see journalctl --dmesg --grep=NVRM)" if now.installed else now.words)
        return told
    smi = found["smi"]
    if smi is None:
        told.append("nvidia-smi is not there")
    elif smi["status"] != 0:
        told.append(f"nvidia-smi fails (status {smi['status']}), so the driver does not work")
    elif smi["gpus"] < len(found["gpus"]):
        told.append(f"nvidia-smi shows {smi['gpus']} of the {len(found['gpus'])} GPUs on the PCI bus")
    return told


def missing(specs: t.Iterable[str], installed: t.Mapping[str, str]) -> list[str]:
    """Of what packages.py names, what is not installed at that version."""
    return [spec for spec in specs if not _is_there(spec, installed)]


def _is_there(spec: str, installed: t.Mapping[str, str]) -> bool:
    name, equals, version = spec.partition("=")
    if equals:
        return fnmatch.fnmatchcase(installed.get(name, ""), version)
    if name in installed:
        return True
    return any(fnmatch.fnmatchcase(f"{other}-{have}", spec) for other, have in installed.items() if "*" in spec)
