# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker's guard: its link and its decisions."""

from __future__ import annotations

import time
from typing import Any

from . import says, systemd, worker
from .model import Action, Unit, View
from .program import Guard
from .settings import Settings
from .worker_link import WorkerLink

#: An answer that took longer tells of an epoch that may be over.
_FRESH_S = 2.0


class WorkerGuard(Guard):
    """The loop's worker part."""

    def __init__(self, config: Settings) -> None:
        super().__init__(config)
        self._state = worker.Worker()
        silent_s = config.rules.lost_after_s
        self._link = WorkerLink(self.selector, self.secret, config.engine, config.member, silent_s)
        self._number = 0
        self._sent: dict[int, float] = {}
        self._view: tuple[View, float] | None = None

    def restore(self, document: Any, now: float) -> None:  # noqa: ARG002
        self._state = worker.restored(document)

    def tend(self, now: float) -> None:
        self._link.tend(self.config.address, self.config.port, now)

    def decide(self, units: tuple[Unit, ...] | None, now: float) -> list[Action]:
        self._hear(now)
        self._state, actions = worker.decide(self._state, units, self._now_seen(now), now, self.config.rules)
        self._beat(now)
        return actions

    def kept(self) -> dict[str, Any]:
        return worker.kept(self._state)

    def shown(self) -> worker.Worker:
        return self._state

    def leave(self) -> None:
        """The head shall not take an upgrade of this guard for a lost host."""
        if self._link.linked and not systemd.shuts_down():
            self._beat(time.monotonic(), leaving=True)
        self._link.close()

    def _now_seen(self, now: float) -> View | None:
        """The head's last word as of now; None while it is not heard."""
        if self._view is None or now - self._view[1] >= self.config.rules.lost_after_s:
            return None
        view, at = self._view
        proved = None if view.proved is None else view.proved + now - at
        return view._replace(age=view.age + now - at, proved=proved)

    def _hear(self, now: float) -> None:
        messages, self._link.messages = self._link.messages, []
        for message in messages:
            heard = says.to_view(message)
            sent = self._sent.get(heard[0]) if heard else None
            if heard is not None and sent is not None and now - sent <= _FRESH_S + 1.0:
                self._view = heard[1], now
        for complaint in self._link.complaints:
            self.say(complaint, warning=True)
        self._link.complaints.clear()

    def _beat(self, now: float, leaving: bool = False) -> None:
        said = worker.beat(self._state, leaving)
        if said is None or not self._link.linked:
            return
        self._number += 1
        self._sent[self._number] = now
        self._sent.pop(self._number - 10, None)
        self._link.send(says.of_beat(said, self._number), now)
