# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a start failed: the root cause in one attempt's lines."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from .journal import Attempt, Line
from .phases import ORDER, SERVING, phase_of
from .rules.rule import Rule
from .rules.table import RULES, WRAPPERS
from .systemd import SystemdFailure, process_end, setup_failure

#: An engine that has served fails for a reason near its end; a hung remote rank shows up after at most 300 s.
_NEAR_END_S = 360.0

_EXCEPTION = re.compile(r"^(?:[A-Za-z_][\w.]*\.)?[A-Z]\w*(?:Error|Exception|Interrupt|Exit): .+")
_CHAINED = re.compile(r"^(?:During handling of the above|The above exception was the direct cause)")
_SOURCE = re.compile(r'^(?:    |  File ")')  # a traceback quotes code, error texts in it included
_SETUP_DETAIL = re.compile(r"Failed to (?:locate executable|execute|set up|determine user|determine group|change)")
_STOPPING = re.compile(r"^Stopping \S+ - |^Stopping .+\.\.\.$")
_TELLING_LEVELS = ("", "ERROR", "CRITICAL")
_EVIDENCE_WIDTH = 300


class Reason(NamedTuple):
    """A failure in words.

    code: stable name (rules.table.RULES, or unit_setup, host_out_of_memory, killed, exited, exception).
    summary: what is wrong. evidence: the log line that says so. fix: what to do.
    permanent: starting again cannot help.
    """

    code: str
    summary: str
    evidence: str
    fix: str
    permanent: bool


def last_failed(groups: list[Attempt], current: str, running: bool) -> Attempt | None:
    """The attempt to explain: the last that ended; the current one too when its unit no longer runs."""
    for attempt in reversed(groups):
        if attempt.ended or (attempt.invocation == current and not running):
            return attempt
    return None


def reason(lines: list[Line], port: int | None = None) -> Reason | None:
    """The root cause in the lines of one attempt, or None when they hold no sign of failure.

    Order: what systemd knows for certain; the first line that a rule explains (what follows is a consequence, and the
    end of the log is always a wrapper: EngineDeadError, "initialization failed"); how the process ended by a signal;
    wrappers and warnings; an exception no rule knows; an error that the start first went on after; a plain exit status.
    ``port`` is the engine's, for texts.
    """
    lines = _relevant(_unasked(lines))
    own = [line for line in lines if line.systemd]
    for line in own:
        failure = setup_failure(line.text)
        if failure is not None:
            return _from_systemd(failure, _setup_detail(own) or line.text)
    ends = [(failure, line.text) for failure, line in ((process_end(line.text), line) for line in own) if failure]
    killed = next((_from_systemd(failure, text) for failure, text in ends if failure.code == "killed"), None)
    exited = next((_from_systemd(failure, text) for failure, text in ends), None)
    found = _ruled(lines, port, weak=False) or killed or _ruled(lines, port, weak=True) or _exception(lines)
    return found or _ruled(lines, port, weak=False, overcome=True) or exited


def hint(lines: list[Line], port: int | None = None) -> Reason | None:
    """What may hold up a start that has not failed: wrappers and warnings count as well."""
    return _ruled(lines, port, weak=False) or _ruled(lines, port, weak=True)


def _unasked(lines: list[Line]) -> list[Line]:
    """The lines before somebody stopped the unit: vLLM logs EngineDeadError on a clean stop as well."""
    stop = next((index for index, line in enumerate(lines) if line.systemd and _STOPPING.match(line.text)), None)
    return lines if stop is None else lines[:stop]


def _relevant(lines: list[Line]) -> list[Line]:
    if not lines or not any(phase_of(line.text) == SERVING for line in lines):
        return lines
    return [line for line in lines if line.time >= lines[-1].time - _NEAR_END_S]


def _ruled(lines: list[Line], port: int | None, weak: bool, overcome: bool = False) -> Reason | None:
    """The first line that a rule explains, among those that the start went on after (``overcome``) or the others."""
    for index, line in enumerate(lines):
        if line.systemd or (line.level not in _TELLING_LEVELS and not weak) or _SOURCE.match(line.text):
            continue
        for rule in RULES:
            match = rule.pattern.search(line.text) if rule.weak == weak else None
            if match and _went_on(lines, index) == overcome:
                return _explain(rule, match, lines, index, port)
    return None


def _went_on(lines: list[Line], index: int) -> bool:
    """Did the start reach a later phase after this line? vLLM logs errors, whole tracebacks too, that it lives with."""
    told = [phase for phase in (phase_of(line.text) for line in lines[:index]) if phase in ORDER]
    reached = max((ORDER.index(phase) for phase in told), default=0)
    later = (phase_of(line.text) for line in lines[index + 1 :])
    return any(phase in ORDER and ORDER.index(phase) > reached for phase in later if phase is not None)


def _explain(rule: Rule, match: re.Match[str], lines: list[Line], index: int, port: int | None) -> Reason:
    words: dict[str, Any] = {name: value or "" for name, value in match.groupdict().items()}
    if "flags" in words:
        words["flags"] = ", ".join(word for word in words["flags"].split() if word.startswith("-")) or words["flags"]
    words["its_port"] = f"port {port}" if port else "a port"
    summary, evidence = rule.summary.format(**words), lines[index].text
    if rule.because is not None:
        evidence = next((row.text for row in lines if rule.because.search(row.text)), evidence)
    for row in lines[index + 1 : index + 1 + rule.more]:
        if "For further information" in row.text:
            break
        summary += ": " + row.text.strip()
        evidence += " " + row.text.strip()
    return Reason(rule.code, _short(summary), _short(evidence), rule.fix, rule.permanent)


def _exception(lines: list[Line]) -> Reason | None:
    """The first exception that is neither a wrapper nor the cause of a later, more telling one of the same chain."""
    found: str | None = None
    for line in lines:
        text = line.text.strip()
        if found is not None and _CHAINED.match(text):
            found = None
        elif found is None and line.level in _TELLING_LEVELS and _EXCEPTION.match(text) and not WRAPPERS.search(text):
            found = text
    return Reason("exception", _short(found), _short(found), "see the lines before it", False) if found else None


def _setup_detail(own: list[Line]) -> str | None:
    """systemd says on a line of its own which file, user or path it was."""
    return next((line.text for line in own if _SETUP_DETAIL.search(line.text)), None)


def _from_systemd(failure: SystemdFailure, evidence: str) -> Reason:
    return Reason(failure.code, failure.summary, _short(evidence), failure.fix, failure.permanent)


def _short(text: str | None) -> str:
    words = " ".join((text or "").split())
    return words if len(words) <= _EVIDENCE_WIDTH else words[: _EVIDENCE_WIDTH - 1] + "…"
