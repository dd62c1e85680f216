# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""journalctl's output as lines, and the lines as start attempts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

#: What ``journalctl --output-fields`` has to give for from_json.
FIELDS = ("MESSAGE", "INVOCATION_ID", "_SYSTEMD_INVOCATION_ID", "SYSLOG_IDENTIFIER", "_PID")

_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
# "(Worker_TP0 pid=12) ", "(VllmWorker rank=0 pid=12) ", "(RayWorkerWrapper pid=12, ip=10.0.0.2) "
_PROCESS = re.compile(r"^(?:\([\w.-]+(?: rank=\d+)?(?: pid=\d+)(?:, ip=[\d.a-f:]+)?\)\s?)+")
# vLLM "INFO 11-21 01:10:28 [core.py:133] " (before 0.8 "core.py:133] "), uvicorn "INFO:     "
_LEVEL = re.compile(
    r"^(?:(?P<vllm>DEBUG|INFO|WARNING|ERROR|CRITICAL) \d\d-\d\d \d\d:\d\d:\d\d \[?[\w./<>-]+:\d+\] ?"
    r"|(?P<uvicorn>DEBUG|INFO|WARNING|ERROR|CRITICAL): +)"
)
# Ray "2026-11-21 01:12:11,453<tab>INFO worker.py:1691 -- ", its core "[2026-11-21 01:12:16,470 W 252 252] rpc.h:153: ",
# PyTorch "[W1121 01:22:16.377724418 TCPStore.cpp:340] "
_OTHERS = re.compile(
    r"^(?:\d{4}-\d\d-\d\d [\d:,]+\t(?P<ray>[A-Z]+) [\w.]+:\d+ -- "
    r"|\[\d{4}-\d\d-\d\d [\d:,]+ (?P<core>[DIWECF]) \d+ \d+\] (?:\(\w+\) )?[\w.]+:\d+: "
    r"|\[(?P<torch>[DIWECF])\d{4} [\d:.]+ [\w.]+:\d+\] )"
)
_LETTERS = {"D": "DEBUG", "I": "INFO", "W": "WARNING", "E": "ERROR", "C": "CRITICAL", "F": "CRITICAL"}

# Secrets that programs have been seen to log; a key given to the module is masked by Ansible besides.
_SECRETS = re.compile(r"(hf_[A-Za-z0-9]{3})[A-Za-z0-9]{10,}|(Bearer )[^\s'\"]+|('api_key': )(?:\[[^]]*\]|'[^']*')")

_ENDED = re.compile(r"Main process exited|Control process exited|Failed with result|Deactivated successfully")


class Line(NamedTuple):
    """One line. ``time``: epoch seconds (0.0 unknown); ``level``: the program's own, "" where the line has none."""

    time: float
    invocation: str
    systemd: bool
    level: str
    text: str


class Attempt(NamedTuple):
    """The lines of one systemd invocation, oldest first. ``ended``: systemd has said that its process is gone."""

    invocation: str
    lines: list[Line]
    ended: bool


def clean(raw: str) -> tuple[str, str]:
    """A raw log line to (level, text): no colours, no process tag, no time stamp, no secret.

    Of a progress bar that overwrites itself with carriage returns the last state is kept.
    """
    text = _ANSI.sub("", raw)
    text = next((part for part in reversed(text.split("\r")) if part.strip()), "")
    text = _PROCESS.sub("", text)
    level = ""
    for pattern in (_LEVEL, _OTHERS):
        match = pattern.match(text)
        if match:
            level = next(value for value in match.groups() if value)
            text = text[match.end() :]
            break
    return _LETTERS.get(level, level), redact(text.rstrip())


def redact(text: str) -> str:
    """Hide hub tokens, bearer tokens and logged API keys."""
    return _SECRETS.sub(lambda match: (match.group(1) or match.group(2) or match.group(3)) + "********", text)


def from_json(output: str) -> list[Line]:
    """Read ``journalctl --output=json`` (one object a line). Lines that are no JSON are left out."""
    lines = []
    for row in output.splitlines():
        try:
            entry = json.loads(row)
        except ValueError:
            continue
        if isinstance(entry, dict):
            lines.append(_line(entry))
    return lines


def from_text(rows: Iterable[str]) -> list[Line]:
    """A bare log (a container's, a file's) as the lines of one attempt."""
    return [Line(0.0, "", False, *clean(row.rstrip("\n"))) for row in rows]


def attempts(lines: Iterable[Line]) -> list[Attempt]:
    """Group by systemd invocation, in the order in which the invocations began."""
    groups: dict[str, list[Line]] = {}
    for line in lines:
        groups.setdefault(line.invocation, []).append(line)
    return [Attempt(key, rows, any(_is_end(row) for row in rows)) for key, rows in groups.items()]


def _is_end(line: Line) -> bool:
    return line.systemd and _ENDED.search(line.text) is not None


def _line(entry: dict[str, Any]) -> Line:
    message = entry.get("MESSAGE")
    if isinstance(message, list):  # journald's form of a message that is not clean UTF-8 text
        numbers = (byte for byte in message if isinstance(byte, int) and 0 <= byte < 256)
        message = bytes(numbers).decode("utf-8", "replace")
    # Process 1, and its child until the unit's program takes over: their lines carry the unit's INVOCATION_ID.
    systemd = "INVOCATION_ID" in entry or (entry.get("SYSLOG_IDENTIFIER"), entry.get("_PID")) == ("systemd", "1")
    level, text = clean(str(message or ""))
    invocation = entry.get("INVOCATION_ID") or entry.get("_SYSTEMD_INVOCATION_ID") or ""
    try:
        seconds = int(entry.get("__REALTIME_TIMESTAMP", 0)) / 1e6
    except (TypeError, ValueError):
        seconds = 0.0
    return Line(seconds, str(invocation), systemd, level, text)
