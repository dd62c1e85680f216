# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What images a host is to have, from the module's options."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import typing as t

from . import reference
from .engine import Login


@dataclasses.dataclass(frozen=True)
class Item:
    """One image. Fields as in the plan's ``hosts.<host>.images`` (docs/plan.md).

    archive: a file of the host that holds it, or None.
    base, ray: of an image that is built here, and else None: what from, and with which Ray.
    """

    wanted: reference.Reference
    archive: str | None = None
    base: str | None = None
    ray: str | None = None

    @property
    def key(self) -> str:
        """Of its entry in a worker's status."""
        return self.wanted.text

    @property
    def title(self) -> str:
        """For a person."""
        return self.wanted.text


@dataclasses.dataclass(frozen=True)
class Settings:
    """What is the same for all images. refresh: whether tags are asked for newer images. timeout: seconds an image."""

    logins: t.Mapping[str, Login] = dataclasses.field(repr=False)
    refresh: bool
    timeout: float
    pip: t.Mapping[str, str] = dataclasses.field(repr=False, default_factory=dict)


def items(given: t.Sequence[t.Mapping[str, t.Any]]) -> list[Item]:
    """Of the module's options. Raises reference.BadReference."""
    return [
        Item(
            reference.parse(item["reference"]),
            item.get("archive"),
            item.get("base"),
            item.get("ray"),
        )
        for item in given
    ]


def identity(found: t.Sequence[Item], set_: Settings) -> str:
    """Stands for the work: a run that is told the same joins it. Logins are no part of it."""
    told = [[dataclasses.asdict(item) for item in found], set_.refresh]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]
