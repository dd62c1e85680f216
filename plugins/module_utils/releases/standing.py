# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a release knows a name, what it is called now, and what to do where it is not known."""

from __future__ import annotations

import dataclasses
import difflib
import typing as t

from . import tables, timelines, versions


@dataclasses.dataclass(frozen=True)
class Standing:
    """A name in one release.

    valid: the release knows it. known: some measured release does. since, until: the first release of the stretch that
    holds this one, and the first release without it again; None where there is no such stretch or end. advice: what to
    do instead, for a person to read; empty where the name is valid. now: names that replace it, by section of the
    tables, such as ``{"flags": ("attention-backend",)}``.
    """

    name: str
    valid: bool
    known: bool
    since: str | None
    until: str | None
    advice: str
    now: t.Mapping[str, tuple[str, ...]]


def standing(
    name: str,
    version: str,
    lines: t.Mapping[str, timelines.Timeline],
    section: str,
    nowhere: str,
    shown: t.Callable[[str], str] = str,
    advised_as: str | None = None,
) -> Standing:
    """Judge a name by its like and by the advice written for it.

    section: the section of the advice table. nowhere: the advice for a name that no release knows and that is like none
    of them. shown: how people write names. advised_as: the name in the advice table, where it differs.
    """
    line = lines.get(name, timelines.NEVER)
    span = line.span(version)
    if span is not None:
        since, until = _stretch(line, span)
        return Standing(name, True, True, since, until, "", {})
    known = bool(line.spans)
    written = _written(section, advised_as or name, version)
    if written is not None:
        now = {part: tuple(replacing) for part, replacing in written.get("now", {}).items()}
        return Standing(name, False, known, None, None, written["say"], now)
    advice = _own_advice(line, version) if known else ""
    if not advice:
        present = [other for other in lines if lines[other].span(version)]
        close = difflib.get_close_matches(name, present, n=3, cutoff=0.6)
        advice = "did you mean " + " or ".join(shown(other) for other in close) + "?" if close else nowhere
    return Standing(name, False, known, None, None, advice, {})


def _written(section: str, name: str, version: str) -> dict[str, t.Any] | None:
    """The first entry of the advice table that is good for the release."""
    wanted = versions.parse(version)
    rows: list[dict[str, t.Any]] = tables.load("advice").get(section, {}).get(name, [])
    for row in rows:
        since, until = row.get("since"), row.get("until")
        if (since is None or versions.parse(since) <= wanted) and (until is None or wanted < versions.parse(until)):
            return row
    return None


def _stretch(line: timelines.Timeline, span: timelines.Span) -> tuple[str, str | None]:
    """First release of the unbroken stretch around a span, and the first one after it; values may change within."""
    since, until = span.since, span.until
    for other in reversed(line.spans):
        if other.until == since:
            since = other.since
    for other in line.spans:
        if other.since == until:
            until = other.until
    return since, until


def _own_advice(line: timelines.Timeline, version: str) -> str:
    stretches = line.stretches()
    first, last = stretches[0][0], stretches[-1][1]
    if versions.parse(version) < versions.parse(first):
        return f"leave it out, or use release {first} {'or later' if last == tables.newest() else f'to {last}'}"
    spans = ", ".join(since if since == until else f"{since} to {until}" for since, until in stretches)
    return f"leave it out, or use a release that has it ({spans})"
