# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls that may take long, in threads; the loop is woken when one ends."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Callable, Generic, TypeVar

T = TypeVar("T")


class Waker:
    """Ends the loop's sleep from a thread or a signal's handler."""

    def __init__(self) -> None:
        self.reader, self.writer = socket.socketpair()
        self.reader.setblocking(False)
        self.writer.setblocking(False)

    def wake(self) -> None:
        """Make ``reader`` readable."""
        with contextlib.suppress(BlockingIOError):
            self.writer.send(b"\0")

    def drain(self) -> None:
        """Make it unreadable again."""
        with contextlib.suppress(BlockingIOError):
            while self.reader.recv(1024):
                pass


class Task(Generic[T]):
    """One call at a time. busy: it runs; its result waits in ``take``."""

    def __init__(self, waker: Waker) -> None:
        self._waker = waker
        self._result: T | None = None
        self._error: Exception | None = None
        self.busy = False
        self.done = False

    def start(self, call: Callable[[], T]) -> None:
        """Run a call in a thread. Only while not busy."""
        self.busy, self.done = True, False
        threading.Thread(target=self._run, args=(call,), daemon=True).start()

    def take(self) -> T | None:
        """The result, once; None while there is none. Raises what the call raised."""
        if not self.done:
            return None
        self.busy = self.done = False
        error, self._error = self._error, None
        result, self._result = self._result, None
        if error is not None:
            raise error
        return result

    def _run(self, call: Callable[[], T]) -> None:
        try:
            self._result = call()
        except Exception as error:  # it is raised again in the loop
            self._error = error
        self.done = True
        self._waker.wake()
