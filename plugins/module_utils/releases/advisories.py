# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Known security faults of a release that concern what a plan uses."""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from . import tables, versions

#: Effects that let a stranger take over a host or get past the key; the others disturb or disclose.
GRAVE = frozenset({"code_execution", "authentication_bypass"})


@dataclasses.dataclass(frozen=True)
class Advisory:
    """A published fault.

    since: the first affected release of the tables. fixed: the first release without it, None: none yet.
    needs: features, one of which must be in use.
    effect: code_execution, authentication_bypass, request_forgery, disclosure, integrity, denial_of_service or unknown.
    say: what it is, in one sentence.
    """

    id: str
    since: str
    fixed: str | None
    needs: tuple[str, ...]
    effect: str
    say: str

    def affects(self, version: str) -> bool:
        """Is the release one of the affected? One older than the tables counts as their oldest."""
        wanted = max(versions.parse(version), versions.parse(tables.oldest()))
        return versions.parse(self.since) <= wanted and (self.fixed is None or wanted < versions.parse(self.fixed))


def features() -> t.Mapping[str, str]:
    """Every feature that advisories ask for, with its meaning."""
    found: dict[str, str] = tables.load("advisories")["features"]
    return found


@functools.cache
def everything() -> tuple[Advisory, ...]:
    """All advisories of the table, in its order."""
    return tuple(
        Advisory(row["id"], row["since"], row["fixed"], tuple(row["needs"]), row["effect"], row["say"])
        for row in tables.load("advisories")["advisories"]
    )


def concerning(version: str, in_use: t.Collection[str]) -> list[Advisory]:
    """The advisories that concern a release with these features in use. Raises KeyError for an unknown feature."""
    for feature in in_use:
        features()[feature]
    return [item for item in everything() if item.affects(version) and set(item.needs) & set(in_use)]


def first_free_of(version: str, in_use: t.Collection[str]) -> str | None:
    """The first release from this one on that no advisory of the table concerns with these features; None: none yet.

    Looks among the measured releases.
    """
    wanted = versions.parse(version)
    for release in tables.sampled():
        if versions.parse(release) >= wanted and not concerning(release, in_use):
            return release
    return None
