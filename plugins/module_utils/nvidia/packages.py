# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of packages, by system, source, branch and flavour.

Sources: NVIDIA's driver installation guide (network repository, local installers, version locking), Ubuntu's and
Debian's archives, the container toolkit's installation guide.
"""

from __future__ import annotations

import typing as t

from .systems import System, branch_of, debian_machine

NETWORK, LOCAL, DISTRIBUTION = "network", "local", "distribution"
#: Of APT: every package of a driver, wherever it comes from. Others that match have versions of another kind.
DRIVER_GLOBS = (
    *("cuda-drivers*", "nvidia-*", "libnvidia-*", "libcuda1*", "libcudadebugger1*", "libnvcuvid1*", "libnvoptix1*"),
    *("libnvsdm*", "libxnvctrl*", "xserver-xorg-video-nvidia*", "firmware-nvidia-*"),
)
#: What unattended-upgrades leaves alone: regular expressions, matched from the start of a name.
UNATTENDED = ("cuda-drivers", "nvidia-", "libnvidia-", "libcuda1", "libnvsdm", "linux-modules-nvidia-")
#: All of one version, as the toolkit's guide has it.
CONTAINER_TOOLKIT = (
    *("nvidia-container-toolkit", "nvidia-container-toolkit-base", "libnvidia-container-tools"),
    "libnvidia-container1",
)
#: Whose version is the driver's, those first that everything else depends on.
_TELLING = (
    *("nvidia-open", "cuda-drivers", "nvidia-driver", "nvidia-dkms", "nvidia-headless", "nvidia-kernel"),
    *("kmod-nvidia", "libnvidia-compute", "nvidia-driver-cuda", "libcuda1", "nvidia-smi"),
)
#: From here on NVIDIA's fabric manager is called the same in each branch.
_WITHOUT_BRANCH = 580
_RDMA = {
    "debian": ("rdma-core", "ibverbs-utils", "infiniband-diags", "perftest"),
    "redhat": ("rdma-core", "libibverbs-utils", "infiniband-diags", "perftest"),
}
#: What else the role may install, and the module looks for.
BESIDE = (*CONTAINER_TOOLKIT, *_RDMA["debian"], *_RDMA["redhat"], "cuda-toolkit-*", "nvlsm", "gdrdrv-*", "libgdrapi*")


def is_telling(name: str) -> int | None:
    """How well a package tells the driver's version, 0 being best; None: it does not. ``nvidia-open-580`` -> 0."""
    for rank, first in enumerate(_TELLING):
        if name == first or name.startswith((f"{first}-", f"{first}:")):
            return None if "toolkit" in name else rank
    return None


def driver(system: System, source: str, flavour: str, branch: int, version: str | None, kernel: str) -> list[str]:
    """What to install, in the package manager's own words, version included. version: None is the branch's newest.

    Ubuntu's own modules are signed, so they need no headers, and no key of the host's owner under Secure Boot.
    """
    is_open = flavour == "open"
    if source == DISTRIBUTION:
        if system.is_ubuntu:
            kind = f"{branch}-server{'-open' if is_open else ''}"
            names = [f"linux-modules-nvidia-{kind}-{kernel}", f"nvidia-headless-no-dkms-{kind}"]
            return [*names, f"nvidia-utils-{branch}-server"]
        modules = "nvidia-open-kernel-dkms" if is_open else "nvidia-kernel-dkms"
        return [modules, "firmware-nvidia-gsp", "libcuda1", "nvidia-smi", *headers(system, kernel)]
    meta = "nvidia-open" if is_open else "cuda-drivers"
    if system.family == "debian":
        return [*_dkms(system, kernel), f"{meta}={version}-*" if version else f"{meta}={branch}.*"]
    if system.version in ("8", "9"):  # module streams; without them every branch would be one package
        stream = f"@nvidia-driver:{branch}-{'open' if is_open else 'dkms'}"
        return [*_dkms(system, kernel), stream, *([f"{meta}-{version}*"] if version else [])]
    return [*_dkms(system, kernel), f"{meta}-{version}*" if version else f"{meta}-{branch}.*"]


def _dkms(system: System, kernel: str) -> list[str]:
    return [*headers(system, kernel), "dkms"]


def headers(system: System, kernel: str) -> list[str]:
    """Of the running kernel: a meta package would bring those of another."""
    if system.family == "debian":
        return [f"linux-headers-{kernel}"]
    return [f"kernel-devel-{kernel}", "kernel-headers"]


def builds_modules(system: System, source: str) -> bool:
    """Whether the host builds the kernel modules itself."""
    return not (system.is_ubuntu and source == DISTRIBUTION)


def fabric(system: System, source: str, version: str, machine: str, *, management: bool, imex: bool) -> list[str]:
    """Fabric manager and what reads NVSwitches, at the driver's exact version. management: of NVLink 5's switches."""
    if source == DISTRIBUTION and system.is_ubuntu:
        branch = version.partition(".")[0]
        names = [f"nvidia-fabricmanager-{branch}", f"libnvidia-nscq-{branch}"]
        return [f"{name}={version}-*" for name in names]
    old = system.family == "debian" and branch_of(version) < _WITHOUT_BRANCH  # names with the branch behind them
    tail = f"-{branch_of(version)}" if old else ""
    newer = ["libnvsdm"] if machine == "x86_64" and not old else []
    exact = [f"nvidia-fabricmanager{tail}", f"libnvidia-nscq{tail}", *newer]
    named = [_exact(system, name, version) for name in exact + (["nvidia-imex"] if imex else [])]
    return named + (["nvlsm", "infiniband-diags"] if management else [])


def imex(system: System, version: str) -> list[str]:
    """IMEX alone, for hosts of a rack that shares NVLink."""
    return [_exact(system, "nvidia-imex", version)]


def persistence(system: System, source: str, version: str) -> list[str]:
    """The persistence daemon; empty where it is part of the driver's packages."""
    if source == DISTRIBUTION and system.is_ubuntu:
        return []  # of nvidia-compute-utils, which the headless package brings
    if source == DISTRIBUTION:
        return ["nvidia-persistenced"]  # Debian's has a version of its own
    return [_exact(system, "nvidia-persistenced", version)]


def _exact(system: System, name: str, version: str) -> str:
    return f"{name}={version}-*" if system.family == "debian" else f"{name}-{version}*"


def rdma(system: System) -> list[str]:
    """The distribution's RDMA libraries and tools."""
    return list(_RDMA[system.family])


def container_toolkit(system: System, version: str) -> list[str]:
    """version: empty for the newest."""
    if not version:
        return list(CONTAINER_TOOLKIT)
    if system.family == "debian" and "-" in version:
        return [f"{name}={version}" for name in CONTAINER_TOOLKIT]
    return [_exact(system, name, version) for name in CONTAINER_TOOLKIT]


def cuda_toolkit(version: str) -> list[str]:
    """``12.8`` or ``12.8.1`` -> the packages of that toolkit, without a driver."""
    major, minor = version.split(".")[:2]
    return [f"cuda-toolkit-{major}-{minor}"]


def local_installer(system: System, machine: str, cuda: str, version: str) -> str:
    """The file name of NVIDIA's local installer: the toolkit's and the driver's version are both in it."""
    short = "-".join(cuda.split(".")[:2])
    if system.family == "debian":
        return f"cuda-repo-{system.distro}-{short}-local_{cuda}-{version}-1_{debian_machine(machine)}.deb"
    return f"cuda-repo-{system.distro}-{short}-local-{cuda}_{version}-1.{machine}.rpm"


def local_folder(system: System, cuda: str) -> str:
    """Where the installer unpacks its repository."""
    return f"/var/cuda-repo-{system.distro}-{'-'.join(cuda.split('.')[:2])}-local"


def is_container_toolkit(spec: str) -> bool:
    """Whether it is one of the toolkit's packages, in whatever words."""
    return spec.startswith(CONTAINER_TOOLKIT)


def is_nvidias(spec: str) -> bool:
    """Whether it comes from NVIDIA's repository, and not from the distribution's."""
    return "nvidia" in spec or spec.startswith(("cuda-", "libnvsdm", "nvlsm"))


def telling(installed: t.Mapping[str, str]) -> list[str]:
    """Of installed packages those that tell the driver's version, the best first."""
    ranked = [(rank, name) for name in installed for rank in [is_telling(name)] if rank is not None]
    return [name for _rank, name in sorted(ranked)]
