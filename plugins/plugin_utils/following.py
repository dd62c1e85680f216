# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Follow a worker that a module started on a host, and show how far it is."""

from __future__ import annotations

import time
import typing as t

from ansible import constants
from ansible.utils.display import Display
from ansible_collections.vllm.cluster.plugins.module_utils.background import progress

_POLLS_S = (0.5, 0.5, 1.0, 2.0)
_RESTARTS = 3

display = Display()
Result = dict[str, t.Any]


def follow(call: t.Callable[[str], Result], answer: Result, host: str, interval: float, what: str) -> Result:
    """The module's last answer. call: runs it with its operation, ``start`` or ``follow``. answer: that of its start.

    interval: seconds between two lines of an item. what: of messages, such as "the download".
    """
    shown, restarts, polls = _Lines(host, interval), 0, 0
    while True:
        if answer.get("failed") or answer.get("unreachable") or answer.get("worker") is None:
            return answer
        state = answer["worker"]["state"]
        shown.show(answer["worker"])
        if state == "done":
            return answer
        if state == "failed":
            return {"failed": True, "changed": False, "msg": f"on host {host} {answer['worker']['error']}"}
        if state == "lost":
            restarts += 1
            if restarts > _RESTARTS:
                msg = f"{what} on host {host} was killed {restarts} times. Fix: see why, in its journal."
                return {"failed": True, "changed": False, "msg": msg}
            display.display(f"  {host}: {what} was killed, and starts again", color=constants.COLOR_WARN)
        else:
            time.sleep(_POLLS_S[min(polls, len(_POLLS_S) - 1)])
            polls += 1
        answer = call("start" if state == "lost" else "follow")


class _Lines:
    """Shows the progress of one host: each phase when it comes, and each interval how far it is."""

    def __init__(self, host: str, interval: float) -> None:
        self._host, self._interval = host, interval
        self._shown: dict[str, tuple[t.Any, float]] = {}

    def show(self, worker: Result) -> None:
        now = time.monotonic()
        for path, item in worker["items"].items() if self._interval > 0 else ():
            mark = (item["phase"], item["attempt"])
            before, at = self._shown.get(path, (None, 0.0))
            early = item["phase"] == "complete" or now - at < self._interval
            if item["phase"] == "is next" or (before == mark and early):
                continue
            self._shown[path] = (mark, now)
            display.display(f"  {self._host} {progress.line(item)}", color=constants.COLOR_VERBOSE)
