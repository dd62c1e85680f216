# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Watching one engine's start: what to show while it goes on, and when to give up. Fed with vllm_health's findings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .phases import SERVING, STARTING
from .report import reason_text

_LINE_WIDTH = 100
_REFUSED_POLLS = 3


class Watch:
    """One unit that is waited for.

    unit: systemd unit. timeout: seconds until giving up. max_restarts: how many restarts during the wait are borne when
    the reason may pass by itself. report_interval: seconds between two lines about the same phase.
    ``ready``: its last finding was healthy. ``failure``: why waiting is of no use, or None.
    """

    def __init__(self, unit: str, timeout: float, max_restarts: int, report_interval: float) -> None:
        self.unit = unit
        self.ready = False
        self.failure: str | None = None
        self.waited = 0.0
        self._timeout = timeout
        self._max_restarts = max_restarts
        self._report_interval = report_interval
        self._first_restarts: int | None = None
        self._stopped_polls = 0
        self._taken_polls = 0
        self._refused_polls = 0
        self._shown: tuple[str, float] | None = None

    def feed(self, found: Mapping[str, Any], elapsed: float) -> str | None:
        """Take a finding made ``elapsed`` seconds after the wait began; return a line to show, or None."""
        was_ready, self.ready = self.ready, bool(found["ok"])
        if self.ready:
            if not was_ready:
                self.waited = elapsed
            return f"ready after {duration(elapsed)}" if self._shown and not was_ready else None
        self.failure = self._ended(found) or self._taken(found) or self._refused(found) or self._stuck(found, elapsed)
        return None if self.failure else self._line(found, elapsed)

    def where(self, found: Mapping[str, Any]) -> str:
        """The phase in words, with the rung that fails when the log says that it serves."""
        progress = found["progress"]
        phase = f"{progress['phase']} {progress['detail']}".strip() if progress else STARTING
        rung = found["failed_rung"]
        if rung == "token" and found["rungs"]["http"]["ok"] is None:  # a member that serves no HTTP: its guard's word
            return f"{phase}; {found['rungs'][rung]['detail']}"
        if rung in ("model", "token") or (rung == "http" and (phase == SERVING or found["port_holder"])):
            return f"{phase}, but {rung}: {found['rungs'][rung]['detail']}"
        return phase

    def _ended(self, found: Mapping[str, Any]) -> str | None:
        unit, reason = found["unit"], found["reason"]
        if self._first_restarts is None:
            self._first_restarts = unit["restarts"]
        restarts = unit["restarts"] - self._first_restarts
        stopped = unit["active_state"] in ("inactive", "failed")
        self._stopped_polls = self._stopped_polls + 1 if stopped else 0
        # Between the stop and the start of one restart a unit is inactive for a moment.
        if unit["active_state"] == "failed" or self._stopped_polls > 1:
            return self._with_reason(found, f"does not run: {found['rungs']['unit']['detail']}")
        crashed = restarts > 0 or unit["sub_state"] == "auto-restart"
        if crashed and reason and reason["permanent"]:
            return self._with_reason(found, "cannot start")
        if restarts >= self._max_restarts:
            return self._with_reason(found, f"ended {restarts} times while it was waited for")
        return None

    def _taken(self, found: Mapping[str, Any]) -> str | None:
        """Another process holds the port: seen twice, since a predecessor may just be leaving."""
        holder = found["port_holder"]
        self._taken_polls = self._taken_polls + 1 if holder else 0
        if self._taken_polls < 2:
            return None
        return (
            f"{self.unit} cannot listen: {found['rungs']['http']['detail']}."
            " Fix: end that process, or give the service another port"
        )

    def _refused(self, found: Mapping[str, Any]) -> str | None:
        """It answers and refuses the key or the model's name: time does not cure that."""
        self._refused_polls = self._refused_polls + 1 if found["failed_rung"] == "model" else 0
        if self._refused_polls < _REFUSED_POLLS:
            return None
        return (
            f"{self.unit} runs, but {found['rungs']['model']['detail']}. Fix: compare the API key and the model's name"
            " in vllm_services with those that the unit was started with"
        )

    def _stuck(self, found: Mapping[str, Any], elapsed: float) -> str | None:
        if elapsed < self._timeout:
            return None
        progress, hint = found["progress"], found["hint"]
        since = f" (for {duration(progress['seconds'])})" if progress else ""
        text = f"is not ready after {duration(elapsed)}; it is at: {self.where(found)}{since}"
        if progress and progress["line"]:
            text += f". Last line: {shorten(progress['line'])}"
        if hint and not found["reason"]:
            text += f". It may be held up: {hint['summary']} ({shorten(hint['evidence'])}). Fix: {hint['fix']}"
        if found["failed_rung"] == "token" and found["rungs"]["http"]["ok"] is not None:
            text += f". It answers and makes no token: wedged or overloaded. Fix: systemctl restart {self.unit}"
        return self._with_reason(found, text)

    def _with_reason(self, found: Mapping[str, Any], text: str) -> str:
        reason = found["reason"]
        if reason:
            text += f": {reason_text(reason)}"
        return f"{self.unit} {text}. More: journalctl -u {self.unit} -n 200 --no-pager"

    def _line(self, found: Mapping[str, Any], elapsed: float) -> str | None:
        progress = found["progress"]
        if found["unit"]["active_state"] in ("active", "reloading"):
            where = self.where(found)
            last = f" | {shorten(progress['line'])}" if progress and progress["line"] else ""
        else:
            where, last = found["rungs"]["unit"]["detail"], ""
        if self._shown and self._shown[0] == where and elapsed - self._shown[1] < self._report_interval:
            return None
        self._shown = (where, elapsed)
        return f"{where}, {duration(elapsed)}{last}"


def duration(seconds: float) -> str:
    """Seconds as "35 s" or "2 min 05 s"."""
    whole = int(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02d} s"


def shorten(line: str) -> str:
    """A log line cut to a width that fits beside the rest."""
    words = " ".join(line.split())
    return words if len(words) <= _LINE_WIDTH else words[: _LINE_WIDTH - 1] + "…"
