# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Work that takes what the rest of the run leaves of the processors."""

from __future__ import annotations

import multiprocessing
import os
import sys
import typing as t
from pathlib import Path

T = t.TypeVar("T")


class Beside(t.Generic[T]):
    """A function in a process of its own, of the lowest priority. What it prints waits in a file."""

    def __init__(self, work: t.Callable[[], T], log: Path) -> None:
        context = multiprocessing.get_context("fork")  # work is a closure, and nothing here has threads
        log.parent.mkdir(parents=True, exist_ok=True)
        self.log = log
        self._answer, answer = context.Pipe(duplex=False)
        self._process = context.Process(target=self._run, args=(work, answer))
        sys.stdout.flush()
        self._process.start()
        answer.close()

    def _run(self, work: t.Callable[[], T], answer: t.Any) -> None:
        os.nice(19)
        file = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        for stream in (1, 2):
            os.dup2(file, stream)
        sys.stdout = os.fdopen(1, "w", closefd=False)
        result = work()
        sys.stdout.flush()
        answer.send(result)

    def stop(self) -> None:
        """Tell it to end: it gets SIGTERM."""
        self._process.terminate()

    def result(self) -> T:
        """What the function gave, once it ended. Raises EOFError when it died."""
        try:
            return self._answer.recv()
        finally:
            self._process.join()
