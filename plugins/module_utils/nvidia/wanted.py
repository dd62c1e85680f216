# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person wants of NVIDIA's on a host (the role's variables), read and checked."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ..planning.errors import Refusals

_VERSION = re.compile(r"\d{3}\.\d{1,3}(?:\.\d{1,3})?")
_CUDA = re.compile(r"\d{1,2}\.\d{1,2}(?:\.\d{1,2})?")
_PACKAGE_VERSION = re.compile(r"\d+(?:\.\d+)+(?:-\d+)?")
_FINGERPRINT = re.compile(r"[0-9A-F]{40}|[0-9A-F]{64}")


@dataclasses.dataclass(frozen=True)
class Need:
    """What a service asks of the driver (planning/builds.py).

    path: where the service is written. cuda: what it is built for; None: not known. required: without a GPU it cannot
    run. container: it runs in one.
    """

    path: str
    release: str
    cuda: str | None
    minimum: str
    required: bool
    container: bool


@dataclasses.dataclass(frozen=True)
class Wanted:
    """The role's variables without ``vllm_nvidia_``, told of in its defaults. needs: of the host's services."""

    source: str = "network"
    branch: str = "auto"
    driver_version: str = ""
    flavour: str = "auto"
    base_url: str = "https://developer.download.nvidia.com/compute/cuda/repos"
    key_fingerprint: str = ""
    local_base_url: str = "https://developer.download.nvidia.com/compute/cuda"
    local_installer: str = ""
    container_toolkit_base_url: str = "https://nvidia.github.io/libnvidia-container"
    container_toolkit_key_fingerprint: str = ""
    container_toolkit: str = "auto"
    container_toolkit_version: str = ""
    cuda_version: str = ""
    cuda_toolkit: bool = False
    hold: bool = True
    persistence: bool = True
    fabric: str = "auto"
    imex: bool = False
    rdma: bool = False
    peermem: bool = False
    gdrcopy_packages: tuple[str, ...] = ()
    own_module_key: bool = False
    allow_install: bool = False
    allow_upgrade: bool = False
    allow_interrupt: bool = False
    reboot: bool = False
    needs: tuple[Need, ...] = ()


_CHOICES = {
    "source": ("network", "local", "distribution", "none"),
    "flavour": ("auto", "open", "proprietary"),
    "fabric": ("auto", "always", "never"),
    "container_toolkit": ("auto", "always", "never"),
}
_FORMS: dict[str, tuple[re.Pattern[str], str]] = {
    "driver_version": (_VERSION, "a driver's whole version, such as 580.95.05"),
    "cuda_version": (_CUDA, "a toolkit's version, such as 12.8.1"),
    "container_toolkit_version": (_PACKAGE_VERSION, "a version of the container toolkit, such as 1.18.0-1"),
    "key_fingerprint": (_FINGERPRINT, "a key's whole fingerprint, 40 or 64 hexadecimal digits"),
    "container_toolkit_key_fingerprint": (_FINGERPRINT, "a key's whole fingerprint, 40 or 64 hexadecimal digits"),
}


def read(values: t.Mapping[str, t.Any], needs: t.Sequence[t.Mapping[str, t.Any]], refusals: Refusals) -> Wanted:
    """Values by the names of Wanted, as templates leave them: text may stand for a number or a truth."""
    read_values: dict[str, t.Any] = {}
    for field in dataclasses.fields(Wanted):
        if field.name in values:
            default = field.default
            read_values[field.name] = _typed(values[field.name], default)
    for name in ("key_fingerprint", "container_toolkit_key_fingerprint"):
        read_values[name] = str(read_values.get(name, "")).replace(" ", "").upper()
    wanted = Wanted(**read_values, needs=tuple(Need(**item) for item in needs))
    _check(wanted, refusals)
    return wanted


def _typed(value: t.Any, default: t.Any) -> t.Any:
    if isinstance(default, bool):
        return value if isinstance(value, bool) else str(value).strip().lower() in ("1", "on", "true", "y", "yes")
    if isinstance(default, tuple):
        return tuple(str(item) for item in (value or ()))
    return str(value if value is not None else "").strip()


def _check(wanted: Wanted, refusals: Refusals) -> None:
    for name, choices in _CHOICES.items():
        value = getattr(wanted, name)
        if value not in choices:
            refusals.add("nvidia-value", f"vllm_nvidia_{name}", value, "is unknown", f"write {', '.join(choices)}")
    for name, (form, what) in _FORMS.items():
        value = getattr(wanted, name)
        if value and not form.fullmatch(value):
            refusals.add(
                "nvidia-value", f"vllm_nvidia_{name}", value, f"is not {what}", f"write {what}, or leave it empty"
            )
    branch = wanted.branch
    if branch != "auto" and not re.fullmatch(r"\d{3}", branch):
        refusals.add(
            "nvidia-value", "vllm_nvidia_branch", branch, "is no driver branch", "write auto, or one such as 580"
        )
    elif branch != "auto" and wanted.driver_version and not wanted.driver_version.startswith(f"{branch}."):
        rule = f"is not of branch {branch}, which vllm_nvidia_branch names"
        refusals.add("nvidia-value", "vllm_nvidia_driver_version", wanted.driver_version, rule, "write one of the two")
    if wanted.cuda_toolkit and not wanted.cuda_version and wanted.source != "distribution":
        rule = "names no toolkit, and vllm_nvidia_cuda_toolkit asks for one"
        refusals.add("nvidia-value", "vllm_nvidia_cuda_version", None, rule, "write its version, such as 12.8")
    if wanted.source == "local" and not wanted.local_installer:
        for name, dots in (("driver_version", 1), ("cuda_version", 2)):
            if getattr(wanted, name).count(".") < dots:
                rule = "is not the whole version, and the local installer's name holds it"
                fix = (
                    "write both versions, such as 580.95.05 and 13.0.2, or name the file in vllm_nvidia_local_installer"
                )
                refusals.add("nvidia-value", f"vllm_nvidia_{name}", getattr(wanted, name) or None, rule, fix)
