# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an environment should be, what a host has of it, and what is to be done."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

from . import conda
from .distributions import normalize

SCHEMA_VERSION = 1


class EnvironmentFailure(Exception):
    """An environment cannot be made. The text says what, why and what to do; it holds no secret."""


@dataclass(frozen=True)
class Request:
    """What decides the packages of an environment. Two equal requests need no work."""

    requirements: tuple[str, ...]
    excludes: tuple[str, ...]
    aliases: tuple[tuple[str, str], ...]
    torch_backend: str | None

    def digest(self) -> str:
        """Stands for the request in the record, which everybody can read: a requirement may hold a password."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Environment:
    """One item of the plan's ``environments``."""

    name: str
    path: str
    python: str
    request: Request
    conda: tuple[str, ...] | None = None  # specs of conda's packages; None: a virtual environment of ``python``

    @classmethod
    def from_plan(cls, item: dict[str, Any]) -> Environment:
        """From the plan's form, docs/plan.md. Order within the lists means nothing and is dropped."""
        aliases = {normalize(name): str(version) for name, version in item["aliases"].items()}
        return cls(
            name=item["name"],
            path=item["path"],
            python=item["python"],
            conda=tuple(item["conda"]) if item.get("conda") else None,
            request=Request(
                requirements=tuple(sorted(item["requirements"])),
                excludes=tuple(sorted(normalize(name) for name in item["excludes"])),
                aliases=tuple(sorted(aliases.items())),
                torch_backend=item["torch_backend"],
            ),
        )


@dataclass(frozen=True)
class Record:
    """What the collection did to an environment. Kept beside it, so that it outlives a half-removed directory."""

    complete: bool  # False from before the first change to after the last
    request: str  # digest of the request that it was made for
    interpreter: str  # what it was made from: the real path of `python`, or what was asked of conda or uv
    packages: dict[str, str]  # normalized name to version, aliases and conda's packages (conda.PREFIX) included

    def to_json(self) -> str:
        return json.dumps({"schema_version": SCHEMA_VERSION, **asdict(self)}, indent=2, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Record | None:
        """None for anything that :meth:`to_json` of this release did not write."""
        try:
            data = json.loads(text)
            if data["schema_version"] != SCHEMA_VERSION:
                return None
            return cls(
                complete=data["complete"] is True,
                request=data["request"],
                interpreter=data["interpreter"],
                packages=dict(data["packages"]),
            )
        except (KeyError, TypeError, ValueError):
            return None


@dataclass(frozen=True)
class Found:
    """What a host has at an environment's path."""

    record: Record | None
    recorded: bool  # a record file is there, readable or not
    occupied: bool  # the path exists and is not an empty directory
    runnable: bool  # it has its interpreter, and what makes it an environment
    packages: dict[str, str]


@dataclass(frozen=True)
class Decision:
    """``build``: from nothing; ``install``: change the packages in place; ``none``."""

    action: str
    reason: str
    lock: dict[str, str]  # versions to keep to: what was installed before somebody else changed it


def decide(environment: Environment, found: Found, interpreter: str) -> Decision:
    """What to do about an environment; ``interpreter``: what it would be made from now, as a record tells it.

    Raises EnvironmentFailure when the path holds something that this collection did not make: it is not ours to remove.
    """
    record = found.record
    if not found.recorded and found.occupied:
        raise EnvironmentFailure(
            f"environment {environment.name}: {environment.path} is there but was not made by this collection, "
            "and is left alone. Fix: move it away, or give the environment another path."
        )
    if not found.occupied:
        return Decision("build", "it is not there", {})
    if record is None or not record.complete:
        return Decision("build", "an earlier run did not finish", {})
    if not found.runnable:
        return Decision("build", "it is damaged: its interpreter, pyvenv.cfg or conda-meta is missing", {})
    if record.interpreter != interpreter:
        return Decision("build", f"it was made from {record.interpreter} and is to be made from {interpreter}", {})
    if record.request != environment.request.digest():
        return Decision("install", "the plan asks for other packages", {})
    drift = differences(record.packages, found.packages)
    if drift:
        changed = {*record.packages.items()} ^ {*found.packages.items()}
        by_conda = any(name.startswith(conda.PREFIX) for name, _version in changed)
        action = "build" if by_conda else "install"  # uv cannot mend what conda put in place
        return Decision(action, "changed since it was made: " + ", ".join(drift), record.packages)
    return Decision("none", "as planned", {})


def differences(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """One short text a distribution that came, went or changed version, in order of names."""
    result = []
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if old is None:
            result.append(f"+{name}=={new}")
        elif new is None:
            result.append(f"-{name}=={old}")
        elif old != new:
            result.append(f"{name} {old} -> {new}")
    return result
