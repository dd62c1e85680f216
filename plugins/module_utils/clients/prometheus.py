# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of a /metrics page: the Prometheus format 0.0.4 and OpenMetrics 1.0, which servers mix."""

from __future__ import annotations

import dataclasses
import re
from typing import NamedTuple

#: What a family's samples add to its name. A counter's own name may end in _total (0.0.4) or not (OpenMetrics).
_SUFFIXES = {
    "counter": ("_total", "_created"),
    "histogram": ("_bucket", "_count", "_sum", "_created"),
    "gaugehistogram": ("_bucket", "_gcount", "_gsum"),
    "summary": ("_count", "_sum", "_created"),
    "info": ("_info",),
}
_TYPES = {*_SUFFIXES, "gauge", "stateset", "untyped", "unknown"}

_NAME = r"[A-Za-z_:][A-Za-z0-9_:]*"
_NUMBER = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?|(?i:infinity|inf|nan))"
_HEAD = re.compile(rf"[ \t]*({_NAME})[ \t]*")
_LABEL = re.compile(r'[ \t]*([A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*"((?:[^"\\]|\\.)*)"[ \t]*(,|(?=\}))', re.DOTALL)
_VALUE = re.compile(rf"[ \t]*({_NUMBER})(?:[ \t]+({_NUMBER}))?[ \t]*")
_COMMENT = re.compile(rf"[ \t]*#[ \t]+(HELP|TYPE|UNIT)[ \t]+({_NAME})(?:[ \t]+(.*))?", re.DOTALL)
_END = re.compile(r"[ \t]*#[ \t]+EOF[ \t]*")
_ESCAPES = {"\\n": "\n", '\\"': '"', "\\\\": "\\"}
_MOST_WARNINGS = 20


class Sample(NamedTuple):
    """One line. timestamp: as written, which is milliseconds in 0.0.4 and seconds in OpenMetrics; mostly none."""

    name: str
    labels: dict[str, str]
    value: float
    timestamp: float | None = None
    exemplar: Exemplar | None = None


class Exemplar(NamedTuple):
    """A request behind a sample, such as its trace (OpenMetrics). timestamp: seconds."""

    labels: dict[str, str]
    value: float
    timestamp: float | None = None


@dataclasses.dataclass
class Family:
    """What one TYPE line speaks of: a histogram has all its series here. type: ``untyped`` where nothing says it."""

    name: str
    type: str = "untyped"
    help: str = ""
    unit: str = ""
    samples: list[Sample] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Scrape:
    """A page. openmetrics: it ends with the mark of that format. warnings: lines that are cut or not understood."""

    families: dict[str, Family] = dataclasses.field(default_factory=dict)
    openmetrics: bool = False
    warnings: list[str] = dataclasses.field(default_factory=list)

    def samples(self, name: str) -> list[Sample]:
        """All samples of one name, such as ``vllm:request_success_total``; [] where there are none."""
        family = self._family_of(name)
        return [sample for sample in family.samples if sample.name == name] if family else []

    def _family_of(self, name: str) -> Family | None:
        """The family of a sample: the one of its own name, or of its name without what its type adds."""
        if name in self.families:
            return self.families[name]
        for kind, suffixes in _SUFFIXES.items():
            for suffix in suffixes:
                family = self.families.get(name[: -len(suffix)]) if name.endswith(suffix) else None
                if family and family.type == kind:
                    return family
        return None

    def family_for(self, name: str) -> Family:
        """The family that a sample of this name goes to; a new one where no TYPE line told of it."""
        return self._family_of(name) or self.families.setdefault(name, Family(name))


def read(text: str) -> Scrape:
    """The families of a page and their samples. Never raises; what is no line of the format is in ``warnings``.

    A sample that stands there twice counts once, with its last value.
    """
    scrape = Scrape()
    wrong: list[str] = []
    seen: dict[tuple[str, tuple[tuple[str, str], ...]], tuple[Family, int]] = {}
    # Only this character ends a line: values of labels may hold the others.
    for line in text.split("\n"):
        row = line.rstrip("\r")
        if not row.strip():
            continue
        if _END.fullmatch(row):
            scrape.openmetrics = True
        elif row.lstrip().startswith("#"):
            wrong += _comment(row, scrape)
        else:
            sample = _sample(row)
            if sample is None:
                wrong.append(f"not understood: {_shown(row)}")
                continue
            key = (sample.name, tuple(sorted(sample.labels.items())))
            if key in seen:
                family, index = seen[key]
                family.samples[index] = sample
                wrong.append(f"stands there twice: {_shown(row)}")
            else:
                family = scrape.family_for(sample.name)
                seen[key] = (family, len(family.samples))
                family.samples.append(sample)
    if text and not text.endswith("\n"):
        wrong.append("the last line has no end: it may be cut")
    more = len(wrong) - _MOST_WARNINGS
    scrape.warnings = wrong[:_MOST_WARNINGS] + ([f"and {more} more such lines"] if more > 0 else [])
    return scrape


def _comment(row: str, scrape: Scrape) -> list[str]:
    """Take HELP, TYPE and UNIT; other comments say nothing. Returns what is wrong."""
    found = _COMMENT.fullmatch(row)
    if found is None:
        return [f"not understood: {_shown(row)}"] if re.match(r"[ \t]*#[ \t]+(?:HELP|TYPE|UNIT)\b", row) else []
    word, name, rest = found[1], found[2], (found[3] or "").strip()
    if word == "TYPE" and rest not in _TYPES:
        return [f"not understood: {_shown(row)}"]
    family = scrape.families.setdefault(name, Family(name))
    if word == "HELP":
        family.help = _unescaped(rest)
    elif word == "UNIT":
        family.unit = rest
    elif family.type not in ("untyped", rest):
        return [f"{name} was a {family.type} before: {_shown(row)}"]
    else:
        family.type = rest
    return []


def _sample(row: str) -> Sample | None:
    head = _HEAD.match(row)
    if head is None:
        return None
    labels, at = _labels(row, head.end())
    value = _VALUE.match(row, at) if at is not None else None
    # A number stands behind a blank where no label ends before it.
    if value is None or labels is None or (value.start() == head.end() and row[head.end() - 1] not in " \t"):
        return None
    rest = row[value.end() :]
    exemplar = _exemplar(rest) if rest else None
    if rest and exemplar is None:
        return None
    return Sample(head[1], labels, float(value[1]), _number(value[2]), exemplar)


def _labels(row: str, at: int) -> tuple[dict[str, str] | None, int | None]:
    """The labels in braces from a place on (there may be none), and the place behind them; None when cut."""
    if row[at : at + 1] != "{":
        return {}, at
    labels: dict[str, str] = {}
    at += 1
    while True:
        found = _LABEL.match(row, at)
        if found is None:
            break
        labels[found[1]] = _unescaped(found[2])
        at = found.end()
    closed = re.compile(r"[ \t]*\}").match(row, at)
    return (labels, closed.end()) if closed else (None, None)


def _exemplar(rest: str) -> Exemplar | None:
    mark = re.match(r"[ \t]*#[ \t]*(?=\{)", rest)
    if mark is None:
        return None
    labels, at = _labels(rest, mark.end())
    value = _VALUE.fullmatch(rest, at) if at is not None else None
    return Exemplar(labels, float(value[1]), _number(value[2])) if value and labels is not None else None


def _number(text: str | None) -> float | None:
    return None if text is None else float(text)


def _unescaped(text: str) -> str:
    return re.sub(r"\\[n\"\\]", lambda found: _ESCAPES[found[0]], text)


def _shown(line: str) -> str:
    return line if len(line) <= 120 else line[:119] + "…"
