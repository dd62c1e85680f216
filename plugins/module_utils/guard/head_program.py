# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The head's guard: its links, its probe, its decisions."""

from __future__ import annotations

from typing import Any

from . import head, says
from .head_link import HeadLinks
from .model import Action, Api, Beat, Unit
from .probe import Probe
from .program import Guard
from .settings import Settings

#: A canary is given up this long after a group restart would have come of it.
_CANARY_MORE_S = 15.0


class HeadGuard(Guard):
    """The loop's head part."""

    def __init__(self, config: Settings) -> None:
        super().__init__(config)
        self._state = head.new(config.members)
        rules = config.rules
        self._links = HeadLinks(self.selector, self.secret, config.engine, config.members, rules.lost_after_s)
        self._probe = Probe(config.api, rules.stalled_after_s + _CANARY_MORE_S) if config.api else None
        self._beats: dict[str, Beat] = {}

    def restore(self, document: Any, now: float) -> None:
        self._state = head.restored(document, self.config.members, now)

    def tend(self, now: float) -> None:
        if not self._links.listening:
            address, port = self.config.address, self.config.port
            try:
                self._links.listen(address, port)
            except OSError as error:
                self.say(f"cannot listen on {address} port {port}: {error.strerror}", warning=True, again_s=60.0)
        self._links.tend(now)

    def decide(self, units: tuple[Unit, ...] | None, now: float) -> list[Action]:
        self._hear(now)
        beats, self._beats = self._beats, {}
        api = self._probe.take() if self._probe else Api()
        self._state, actions = head.decide(self._state, units, beats, self._links.linked, api, now, self.config.rules)
        if self._probe and self._state.settled:
            self._probe.poll()
        return actions

    def kept(self) -> dict[str, Any]:
        return head.kept(self._state)

    def shown(self) -> head.Head:
        return self._state

    def ask(self) -> None:
        if self._probe:
            self._probe.ask()

    def leave(self) -> None:
        self._links.close()

    def _hear(self, now: float) -> None:
        messages, self._links.messages = self._links.messages, []
        for member, message in messages:
            heard = says.to_beat(message)
            if heard is None:
                continue
            number, beat = heard
            self._beats[member] = beat
            self._links.answer(member, says.of_view(head.view(self._state, member, now), number))
        for complaint in self._links.complaints:
            self.say(complaint, warning=True)
        self._links.complaints.clear()
