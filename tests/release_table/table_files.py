# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The derived tables as files: columns by release folded into spans of releases, and back."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

from module_utils.releases import tables, timelines, versions
from observation import FACTS, SECTIONS, Column, Observation, Section

PROVENANCE = (
    "Written by tests/release_table from vLLM's own sources; see docs/releases.md. "
    "Each entry: [first release, first release without it or null, value]."
)


class Columns:
    """What every measured release has, section by section."""

    def __init__(self) -> None:
        self.by_release: dict[str, dict[Section, Column]] = {}
        self.untold: set[str] = set()

    @classmethod
    def read(cls) -> Columns:
        """The present files; nothing, where there are none yet."""
        columns = cls()
        if not (tables.FOLDER / "releases.json").is_file():
            return columns
        columns.untold = set(tables.load("releases")["untold"])
        for release in tables.sampled():
            columns.by_release[release] = {section: _column(section, release) for section in SECTIONS}
        return columns

    def put(self, seen: Observation) -> None:
        """Add a release, or replace what was known of it."""
        self.by_release[seen.release] = seen.columns
        self.untold -= {seen.release}
        if not seen.told:
            self.untold |= {seen.release}

    def releases(self) -> list[str]:
        """The measured releases, oldest first."""
        return sorted(self.by_release, key=versions.parse)

    def write(self, folder: Path) -> None:
        """Write every derived file."""
        self._lend_facts()
        contents: dict[str, dict[str, t.Any]] = {}
        for table, section in SECTIONS:
            content = contents.setdefault(table, {"provenance": PROVENANCE})
            content[section] = self._folded((table, section))
        contents["releases"] = {
            "provenance": PROVENANCE,
            "sampled": self.releases(),
            "untold": sorted(self.untold, key=versions.parse),
            **contents["releases"],
        }
        for table, content in contents.items():
            (folder / f"{table}.json").write_text(_text(content), encoding="utf-8")

    def _lend_facts(self) -> None:
        """A release whose sources tell only some facts has the others of the release before it."""
        before: Column = {}
        for release in self.releases():
            column = self.by_release[release][FACTS]
            if release in self.untold:
                self.by_release[release][FACTS] = column = {**before, **column}
            before = column

    def _folded(self, section: Section) -> dict[str, list[list[t.Any]]]:
        rows: dict[str, list[list[t.Any]]] = {}
        for release in self.releases():
            column = self.by_release[release][section]
            for name, spans in rows.items():
                if spans[-1][1] is None and column.get(name) != _value(spans[-1]):
                    spans[-1][1] = release
            for name, value in column.items():
                spans = rows.setdefault(name, [])
                if not spans or spans[-1][1] is not None:
                    spans.append([release, None] if value is True else [release, None, value])
        return dict(sorted(rows.items()))


def _value(span: t.Sequence[t.Any]) -> t.Any:
    return span[2] if len(span) > 2 else True


def _column(section: Section, release: str) -> Column:
    found = {name: line.at(release) for name, line in timelines.timelines(*section).items()}
    return {name: value for name, value in found.items() if value is not None}


def _text(content: t.Mapping[str, t.Any]) -> str:
    """JSON with one line for each entry of a section, so that a change shows as the lines it concerns."""
    parts = []
    for key, value in content.items():
        if isinstance(value, dict):
            lines = ",\n".join(f"    {json.dumps(name)}: {json.dumps(spans)}" for name, spans in value.items())
            parts.append(f"  {json.dumps(key)}: {{\n{lines}\n  }}")
        else:
            parts.append(f"  {json.dumps(key)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"
