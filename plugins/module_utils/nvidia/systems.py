# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The systems that the role knows: NVIDIA's name for each, its keys, and what packages are called there."""

from __future__ import annotations

import dataclasses
import re
import typing as t

_DEB_KEY = ("3bf863cc.pub", "EB693B3035CD5710E231E123A4B469963BF863CC")
_RPM_KEY = ("D42D0685.pub", "610C7B14E068A878070DA4E99CD0A493D42D0685")
#: Of the container toolkit's repository, one for all systems.
TOOLKIT_KEY = "C95B321B61E88C1809C4F759DDCAE044F796ECB0"


@dataclasses.dataclass(frozen=True)
class System:
    """family: debian or redhat. distro: NVIDIA's name of it, as in its repositories.

    key: file and fingerprint of the key that signs NVIDIA's repository for it; None for a fingerprint: not known.
    stock: the branch of the distribution's own driver; None: it has none. builder: a repository with what DKMS needs,
    that may be switched off.
    """

    id: str
    version: str
    family: str
    distro: str
    key: tuple[str, str | None]
    stock: int | None = None
    builder: str | None = None

    @property
    def is_ubuntu(self) -> bool:
        return self.id == "ubuntu"


_SYSTEMS = (
    System("ubuntu", "22.04", "debian", "ubuntu2204", _DEB_KEY, 580),
    System("ubuntu", "24.04", "debian", "ubuntu2404", _DEB_KEY, 580),
    System(
        "ubuntu", "26.04", "debian", "ubuntu2604", ("60DF8A40.pub", "14BAFBC7562AD710CA04E69905FBB6DA60DF8A40"), 580
    ),
    System("debian", "12", "debian", "debian12", _DEB_KEY, 535),
    System("debian", "13", "debian", "debian13", ("8793F200.pub", "02182E60104FCDC26EAE1B8597A5D4CB8793F200"), 550),
    System("rhel", "8", "redhat", "rhel8", _RPM_KEY, builder="codeready-builder-for-rhel-8-{machine}-rpms"),
    System("rhel", "9", "redhat", "rhel9", _RPM_KEY, builder="codeready-builder-for-rhel-9-{machine}-rpms"),
    System(
        "rhel", "10", "redhat", "rhel10", ("CDF6BA43.pub", None), builder="codeready-builder-for-rhel-10-{machine}-rpms"
    ),
    System("rocky", "8", "redhat", "rhel8", _RPM_KEY, builder="powertools"),
    System("rocky", "9", "redhat", "rhel9", _RPM_KEY, builder="crb"),
    System("rocky", "10", "redhat", "rhel10", ("CDF6BA43.pub", None), builder="crb"),
)
#: Systems that are another by all that matters here.
_LIKE = {"almalinux": "rocky", "centos": "rocky", "ol": "rocky"}
#: ``uname -m`` to NVIDIA's and to Debian's name.
_MACHINES = {"x86_64": ("x86_64", "amd64"), "aarch64": ("sbsa", "arm64")}


def find(os: t.Mapping[str, t.Any]) -> System | None:
    """The system by os-release's ID and VERSION_ID (probes.hardware.os_release); None for one that is not known."""
    name, version = str(os.get("id") or ""), str(os.get("version") or "")
    name = _LIKE.get(name, name)
    if name != "ubuntu":
        version = version.partition(".")[0]
    return next((item for item in _SYSTEMS if (item.id, item.version) == (name, version)), None)


def known() -> str:
    """All of them, for a person."""
    by_name: dict[str, list[str]] = {}
    for item in _SYSTEMS:
        by_name.setdefault(item.id, []).append(item.version)
    return "; ".join(f"{name} {', '.join(versions)}" for name, versions in by_name.items())


def repository_machine(machine: str) -> str | None:
    """What NVIDIA's repositories call a machine; None for one that they do not have."""
    return _MACHINES.get(machine, (None, None))[0]


def debian_machine(machine: str) -> str:
    """What Debian calls a machine."""
    return _MACHINES.get(machine, (machine, machine))[1]


def branch_of(version: str) -> int:
    """``580.95.05`` -> 580."""
    return int(version.partition(".")[0])


def upstream(package_version: str) -> str | None:
    """The driver's version in a package's: ``3:580.95.05-1.el9`` -> ``580.95.05``; None where there is none."""
    found = re.match(r"(?:\d+:)?(\d{3}\.\d+(?:\.\d+)?)(?=[-~+]|$)", package_version)
    return found[1] if found else None
