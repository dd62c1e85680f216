# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a name was, release by release: the one shape of all tables."""

from __future__ import annotations

import bisect
import dataclasses
import functools
import typing as t

from . import tables, versions

_Release = tuple[int, int, int, int, int]


@dataclasses.dataclass(frozen=True)
class Span:
    """One stretch of releases.

    since: the first release of it. until: the first release that no longer belongs to it, or None: the newest still
    does. value: what the name was there, as the table holds it; True where the table only tells that it was.
    """

    since: str
    until: str | None
    value: t.Any


class Timeline:
    """The spans of one name, oldest first.

    A release older than the tables is judged by their oldest, one that is newer by their newest.
    """

    def __init__(self, spans: t.Iterable[Span]) -> None:
        self.spans = tuple(spans)
        self._starts = [versions.parse(span.since) for span in self.spans]
        self._ends = [None if span.until is None else versions.parse(span.until) for span in self.spans]

    def span(self, version: str) -> Span | None:
        """The span that holds the release, or None."""
        wanted = max(versions.parse(version), _oldest())
        place = bisect.bisect_right(self._starts, wanted) - 1
        if place < 0:
            return None
        end = self._ends[place]
        return self.spans[place] if end is None or wanted < end else None

    def at(self, version: str) -> t.Any:
        """The value in this release, or None where the name was not."""
        found = self.span(version)
        return None if found is None else found.value

    def stretches(self) -> list[tuple[str, str]]:
        """First and last release of each unbroken stretch, whatever the values: ``[("0.7.0", "0.17.1")]``."""
        joined: list[tuple[str, str | None]] = []
        for span in self.spans:
            if joined and joined[-1][1] == span.since:
                joined[-1] = (joined[-1][0], span.until)
            else:
                joined.append((span.since, span.until))
        return [(since, tables.newest() if until is None else tables.before(until)) for since, until in joined]


NEVER = Timeline(())


@functools.cache
def timelines(table: str, section: str) -> t.Mapping[str, Timeline]:
    """Every name of a section of a table with its timeline."""
    return {name: _timeline(rows) for name, rows in tables.load(table)[section].items()}


@functools.cache
def _oldest() -> _Release:
    return versions.parse(tables.oldest())


def _timeline(rows: t.Sequence[t.Sequence[t.Any]]) -> Timeline:
    return Timeline(Span(row[0], row[1], row[2] if len(row) > 2 else True) for row in rows)
