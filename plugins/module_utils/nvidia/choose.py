# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which driver: its branch from the GPUs' generations and the services' CUDA, its flavour from the generations."""

from __future__ import annotations

import dataclasses
import typing as t

from ..planning.errors import Refusals
from ..planning.wording import some
from . import packages
from .hardware import GENERATIONS, OLDER, Generation
from .systems import System, branch_of
from .wanted import Wanted

#: Branches that NVIDIA maintains, by its list of supported drivers (read in August 2026). The first is supported
#: longest: 580, until August 2028.
MAINTAINED = (580, 595, 610)
#: From here on there are no proprietary kernel modules (the driver installation guide of that branch).
NO_PROPRIETARY = 620
#: From here on NVIDIA's own default is open.
OPEN_BY_DEFAULT = 560


@dataclasses.dataclass(frozen=True)
class Choice:
    """version: exact, or None for the branch's newest. minimum: the oldest that the services run on, or None."""

    branch: int
    version: str | None
    flavour: str
    minimum: str | None
    why: tuple[str, ...]

    @property
    def words(self) -> str:
        return f"driver {self.version or f'{self.branch}.*'} ({self.flavour})"


def choose(
    gpus: t.Sequence[t.Mapping[str, t.Any]], wanted: Wanted, system: System, refusals: Refusals
) -> Choice | None:
    """None where it is refused."""
    count = {name: sum(gpu["generation"] == name for gpu in gpus) for name in {gpu["generation"] for gpu in gpus}}
    kinds = [GENERATIONS[name] for name in sorted(count)]
    told = some(f"{count[kind.name]} x {kind.name}" for kind in kinds)
    need = max(wanted.needs, key=lambda item: numbers(item.minimum), default=None)
    minimum = need.minimum if need else None
    why = [f"GPUs by PCI: {told}"]
    if need:
        built = f" (built for CUDA {need.cuda})" if need.cuda else ""
        why.append(f"{need.path}: vLLM {need.release}{built} needs driver {minimum} or later")
    branch, version = _branch(kinds, told, minimum, wanted, system, refusals, why)
    flavour = _flavour(kinds, told, branch, wanted, refusals, why) if branch else None
    return Choice(branch, version, flavour, minimum, tuple(why)) if branch and flavour else None


def numbers(version: str) -> tuple[int, ...]:
    """``580.95.05`` -> ``(580, 95, 5)``."""
    return tuple(int(part) for part in version.split("."))


def suffices(version: str, minimum: str | None) -> bool:
    """Whether a driver is as new as the services need."""
    return minimum is None or numbers(version) >= numbers(minimum)


def _branch(
    kinds: t.Sequence[Generation],
    told: str,
    minimum: str | None,
    wanted: Wanted,
    system: System,
    refusals: Refusals,
    why: list[str],
) -> tuple[int | None, str | None]:
    low = max([kind.oldest for kind in kinds] + ([branch_of(minimum)] if minimum else [0]))
    high = min([kind.newest for kind in kinds if kind.newest is not None], default=None)
    path, version = "vllm_nvidia_branch", wanted.driver_version or None
    if any(kind.name == OLDER for kind in kinds):
        rule = f"{told}: no driver that vLLM runs on has GPUs older than Maxwell"
        refusals.add(
            "nvidia-gpu-too-old", path, wanted.branch, rule, "take the host out of the service, or its GPUs out"
        )
        return None, None
    if version:
        branch, path = branch_of(version), "vllm_nvidia_driver_version"
        why.append(f"branch {branch}: of the version that is written")
    elif wanted.branch != "auto":
        branch = int(wanted.branch)
        why.append(f"branch {branch}: as written")
    elif wanted.source == packages.DISTRIBUTION and not system.is_ubuntu and system.stock:
        branch = system.stock
        why.append(f"branch {branch}: the one that {system.id} {system.version} has")
    else:
        fitting = [item for item in MAINTAINED if item >= low and (high is None or item <= high)]
        branch = fitting[0] if fitting else low
        why.append(f"branch {branch}: the longest supported one that has these GPUs and suffices")
    value = version or wanted.branch
    if high is not None and branch > high:
        old = some(kind.name for kind in kinds if kind.newest is not None)
        if minimum and branch_of(minimum) > high:
            rule = f"the last branch with GPUs of {old} is {high}, and the services need driver {minimum}"
            fix = "use other GPUs, or an older vLLM release (docs/releases.md)"
        else:
            rule, fix = (
                f"branch {branch} has no GPUs of {old}; the last one that has is {high}",
                f"write {high}, or auto",
            )
        refusals.add("nvidia-branch", path, value, rule, fix)
        return None, None
    enough = suffices(version, minimum) if version else branch >= low
    if not enough:
        reason = (
            f"the services need driver {minimum}" if minimum and low == branch_of(minimum) else f"{told} need {low}"
        )
        if wanted.source == packages.DISTRIBUTION and wanted.branch == "auto" and not version:
            rule = f"{system.id} {system.version} has branch {branch}, and {reason}"
            refusals.add(
                "nvidia-stock", "vllm_nvidia_source", wanted.source, rule, "write network, or an older vLLM release"
            )
        else:
            refusals.add("nvidia-branch", path, value, f"is too old: {reason}", f"write {low} or later, or auto")
        return None, None
    return branch, version


def _flavour(
    kinds: t.Sequence[Generation],
    told: str,
    branch: int,
    wanted: Wanted,
    refusals: Refusals,
    why: list[str],
) -> str | None:
    never = [kind.name for kind in kinds if kind.open == "never"]
    must = [kind.name for kind in kinds if kind.open == "must"]
    path = "vllm_nvidia_flavour"
    if never and must:
        rule = (
            f"{told}: {some(never)} need the proprietary modules, {some(must)} the open ones, and a host has one driver"
        )
        refusals.add("nvidia-flavour", path, wanted.flavour, rule, "take one of the two kinds out of the host")
        return None
    if wanted.flavour != "auto":
        flavour = wanted.flavour
        why.append(f"{flavour} kernel modules: as written")
    elif never:
        flavour = "proprietary"
        why.append(f"proprietary kernel modules: the open ones do not have {some(never)}")
    elif must or branch >= OPEN_BY_DEFAULT:
        flavour = "open"
        why.append(f"open kernel modules: {'the only ones for ' + some(must) if must else 'NVIDIA recommends them'}")
    else:
        flavour = "proprietary"
        why.append(f"proprietary kernel modules: the default before branch {OPEN_BY_DEFAULT}")
    if flavour == "open" and never:
        refusals.add(
            "nvidia-flavour", path, flavour, f"the open modules do not have {some(never)}", "write proprietary"
        )
        return None
    if flavour == "proprietary" and must:
        refusals.add("nvidia-flavour", path, flavour, f"the proprietary modules do not have {some(must)}", "write open")
        return None
    if flavour == "proprietary" and branch >= NO_PROPRIETARY:
        rule = f"branch {branch} has open kernel modules only"
        refusals.add("nvidia-flavour", path, flavour, rule, "write open, or an older branch")
        return None
    return flavour
