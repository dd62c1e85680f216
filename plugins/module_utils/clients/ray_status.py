# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``ray status`` printed, of any Ray from 1.7 on, whole or in parts, as it stands in logs and tickets.

Ray has printed it in these words: "Healthy" (to 2.4), then "Active", then "Idle" beside it (2.8); "Usage" and
"Demands" (to 2.4x), with -v "Total Usage" and "Total Demands", then "Total Constraints", then "From
request_resources" and "Pending Demands". Sizes were "0.00/70.437 GiB memory" before they had units of their own.
"""

from __future__ import annotations

import re
from typing import Any

from ..topology.text import BLANKS, listed
from . import ray_status_lines as lines

_SECTIONS = {
    "Active:": "active",
    "Healthy:": "active",
    "Idle:": "idle",
    "Pending:": "pending",
    "Recent failures:": "failed",
    "Usage:": "usage",
    "Total Usage:": "usage",
    "Constraints:": "constraints",
    "Total Constraints:": "constraints",
    "From request_resources:": "constraints",
    "Demands:": "demands",
    "Total Demands:": "demands",
    "Pending Demands:": "demands",
}
#: What every status has, and how a person knows it.
_NEEDED = {
    "active": "Active:",
    "pending": "Pending:",
    "failed": "Recent failures:",
    "usage": "Usage:",
    "demands": "Demands:",
}
_TITLES = ("Node status", "Resources")
_HEADER = re.compile(r"=+ ?Autoscaler status: (.*?)(?: =+)?")
_NODE = re.compile(r"Node: (\S+)(?: \((.*)\))?")
_TIMING = re.compile(r"(?:GCS request|Node Provider non_terminated_nodes|Autoscaler iteration) time: .*")
_NOTHING = re.compile(r"\((?:no [a-z_() ]+|none)\)")
_ERRORS = re.compile(
    r"The autoscaler failed with the following error|No cluster status\.|Traceback \(most recent call last\)"
    r"|Could not find any running Ray instance|Ray cluster is not found|Ray version mismatch|Failed to connect to GCS"
    r"|[\w.]{1,100}(?:Error|Exception): "
)
_WORDS = "|".join(re.escape(word) for word in [*_SECTIONS, *_TITLES])
_ANCHOR = re.compile(rf"(?P<prefix>.*?)(?:(?:{_WORDS})$|(?<!=)=+ ?Autoscaler status: )")
_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]?|[\x00-\x08\x0b-\x1f\x7f-\x9f\ufeff]")
#: A line of a list of lines.
_QUOTED = re.compile(r"""\s*\[?\s*(["'])(.*?)\1?[\],]*\s*""")
_FENCE = re.compile(r"[`~]{3}\w*")
#: Longer lines are cut: Ray prints none, and patterns take their time with them.
_LONGEST_LINE = 8192
_MOST_WARNINGS = 20


def read(text: str) -> dict[str, Any]:
    """The state of a Ray cluster. Never raises; what it cannot read is in ``warnings``.

    A part that the text does not have is null, which is not the same as empty.

    time: as printed. nodes: lists of ``active``, ``idle``, ``pending`` and ``failed`` (ray_status_lines tells their
    items). resources: by name. demands, constraints: see ray_status_lines.demand. by_node: what -v prints for each
    node. error: what Ray says instead of a status or after it. complete: every part is there and was understood.
    """
    text = str(text)
    text = BLANKS.sub(" ", listed(text))
    if "\n" not in text:
        text = text.replace("\\n", "\n")  # as a JSON string has it
    rows = [_ESCAPES.sub("", row)[:_LONGEST_LINE].rstrip() for row in text.splitlines()]
    rows = [found[2] if (found := _QUOTED.fullmatch(row)) else row for row in rows]
    rows = _single_spaced(_without_prefixes(rows))
    starts = [index for index, row in enumerate(rows) if _HEADER.fullmatch(row)]
    reader = _Reader()
    if len(starts) > 1:
        reader.warn(f"the text has {len(starts)} statuses; the last is read")
    for row in rows[starts[-1] if starts else 0 :]:
        reader.take(row)
    return reader.document()


class _Reader:
    """Takes line by line. What a line is depends on the part that it stands in."""

    def __init__(self) -> None:
        self.time: str | None = None
        self.lists: dict[str, list[dict[str, Any]]] = {}
        self.resources: dict[str, dict[str, Any]] | None = None
        self.by_node: list[dict[str, Any]] = []
        self.error: list[str] = []
        self.warnings: list[str] = []
        self.hidden_warnings = 0
        self.section: str | None = None
        self.after_blank = False
        self.in_activity = False
        self.ended = False
        self._readers = {
            "active": self._nodes,
            "idle": self._nodes,
            "pending": self._pending,
            "failed": self._failed,
            "usage": self._usage,
            "constraints": self._demands,
            "demands": self._demands,
        }

    def warn(self, message: str) -> None:
        if len(self.warnings) < _MOST_WARNINGS:
            self.warnings.append(message)
        else:
            self.hidden_warnings += 1

    def take(self, row: str) -> None:
        line = row.strip()
        header = _HEADER.fullmatch(line)
        if self.error:
            self.error.append(row)
        elif header:
            self.time = header[1]
        elif _ERRORS.match(line):
            self.error.append(row)
        elif not line or _FENCE.fullmatch(line):
            self.after_blank = True
        elif line in _SECTIONS and not (self.by_node and line == "Usage:"):
            self._begin(_SECTIONS[line])
        elif _NODE.fullmatch(line):
            self._begin_node(line)
        elif line in _TITLES:
            self.section = None
        elif not line.strip("-=") or _TIMING.fullmatch(line):
            pass
        elif self.section is None:
            self._outside(line)
        elif self.section == "node":
            self._node_line(line)
        else:
            self._item(line)

    def _begin(self, section: str) -> None:
        self.section, self.after_blank = section, False
        if section == "usage":
            self.resources = self.resources or {}
        else:
            self.lists.setdefault(section, [])
        if section == "demands":
            self.lists.setdefault("constraints", [])

    def _outside(self, line: str) -> None:
        """A line of a part whose name was cut off, which resources and demands alone do not need; or no line of Ray."""
        found = "usage" if lines.usage(line) else "demands" if lines.demand(line) else None
        if found:
            self.warn(f"lines of {found} stand there without that word")
            self._begin(found)
            self._item(line)

    def _item(self, line: str) -> None:
        if _NOTHING.fullmatch(line):
            self.ended = self.section == "demands"
            if self.ended:
                self.section = None  # nothing more can stand there; what follows is the ticket's
        elif self._readers[str(self.section)](line):
            pass
        elif self.after_blank:
            # What follows a status in a ticket.
            self.section = None
        else:
            self.warn(f"not understood under {self.section}: {_shown(line)}")

    def _nodes(self, line: str) -> bool:
        found = lines.nodes(line)
        if found:
            self.lists[str(self.section)].append(found[0])
            if found[1]:
                self.warn(f"{found[1]}: {_shown(line)}")
        return bool(found)

    def _pending(self, line: str) -> bool:
        found = lines.pending(line)
        self.lists["pending"] += [found] if found else []
        return bool(found)

    def _failed(self, line: str) -> bool:
        found = lines.failure(line)
        before = self.lists["failed"]
        if found:
            before.append(found)
        elif before and before[-1]["detail"] is not None:
            before[-1]["detail"] += "\n" + line
        else:
            return False
        return True

    def _usage(self, line: str) -> bool:
        found = lines.usage(line)
        if found and self.resources is not None:
            self.resources[found[0]] = found[1]
            if found[2]:
                self.warn(f"{found[2]}: {_shown(line)}")
        return bool(found)

    def _demands(self, line: str) -> bool:
        found = lines.demand(line)
        if found:
            kind = found.pop("kind")
            self.ended = self.section == "demands"
            if kind == "constraints":
                self.lists["constraints"].append(found)
            else:
                self.lists.setdefault("demands", []).append({"kind": kind, **found})
        return bool(found)

    def _begin_node(self, line: str) -> None:
        found = _NODE.fullmatch(line)
        if found:
            node_id = found[1] if lines.is_node_id(found[1]) else None
            self.by_node.append(
                {
                    "name": found[1],
                    "type": found[2],
                    "node_id": node_id,
                    "idle_ms": None,
                    "resources": {},
                    "activity": [],
                }
            )
            self.section, self.after_blank, self.in_activity = "node", False, False

    def _node_line(self, line: str) -> None:
        node = self.by_node[-1]
        found = lines.usage(line)
        key, _colon, value = line.partition(": ")
        if found:
            node["resources"][found[0]] = found[1]
        elif key == "Id" and value:
            node["node_id"] = value
        elif key == "Idle" and re.fullmatch(r"[0-9]{1,18} ms", value):
            node["idle_ms"] = int(value[:-3])
        elif line in ("Usage:", "Activity:"):
            self.in_activity = line == "Activity:"
        elif self.after_blank:
            self.section = None
        elif self.in_activity:
            node["activity"] += [] if _NOTHING.fullmatch(line) else [line]
        else:
            self.warn(f"not understood under Node: {_shown(line)}")

    def document(self) -> dict[str, Any]:
        missing = [word for part, word in _NEEDED.items() if self._part(part) is None]
        anything = len(missing) < len(_NEEDED)
        if not anything:
            self.warn("there is no status of Ray in the text")
        for word in missing if anything else []:
            self.warn(f"the part {word!r} is missing: the text is cut or not the whole output")
        if anything and not missing and not self.ended:
            self.warn("nothing stands under 'Demands:': the text is cut")
        if self.hidden_warnings:
            self.warnings.append(f"and {self.hidden_warnings} more lines that are not understood")
        return {
            "time": self.time,
            "nodes": {part: self.lists.get(part) for part in ("active", "idle", "pending", "failed")},
            "resources": self.resources,
            "demands": self.lists.get("demands"),
            "constraints": self.lists.get("constraints"),
            "by_node": self.by_node,
            "error": "\n".join(self.error).strip() or None,
            "complete": not self.warnings and self.time is not None,
            "warnings": self.warnings,
        }

    def _part(self, part: str) -> Any:
        return self.resources if part == "usage" else self.lists.get(part)


def _without_prefixes(rows: list[str]) -> list[str]:
    """The lines without what a log put before each: times, names of pods and units, quotes. Known from the titles."""
    shapes: dict[str, None] = {}
    for row in rows:
        found = _ANCHOR.match(row)
        prefix = found["prefix"] if found else ""
        if prefix.strip() and re.search(r"[\s:|>\])]$", prefix):
            shapes[re.sub(r"[0-9]+", "[0-9]+", re.sub(r"\s+", r"\\s+", re.escape(prefix).replace("\\ ", " ")))] = None
    if not shapes:
        return rows
    pattern = re.compile("|".join(sorted(shapes, key=len, reverse=True)[:50]))
    # A line that is empty behind its prefix lost the blank at the end.
    blank = re.compile("|".join(shape[: -len("\\s+")] + "$" for shape in shapes if shape.endswith("\\s+")) or "(?!)")
    return [
        "" if blank.fullmatch(row) else pattern.sub("", row, count=1) if pattern.match(row) else row for row in rows
    ]


def _single_spaced(rows: list[str]) -> list[str]:
    """The lines without the blank ones that a web form put after each."""
    if len(rows) < 3 or any(a and b for a, b in zip(rows, rows[1:])):
        return rows
    return [row for index, row in enumerate(rows) if row or not index or not rows[index - 1]]


def _shown(line: str) -> str:
    return line if len(line) <= 120 else line[:119] + "…"
