# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that a worker runs: they end with it, and their secrets go by environment or input alone."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
import typing as t
from dataclasses import dataclass

#: The kernel ends the program when its worker ends, however that ends (prctl's PR_SET_PDEATHSIG).
_BOOT = "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, 9); os.execvp(sys.argv[1], sys.argv[1:])"
_MOST_OUTPUT = 2**24
_STEP_S = 0.2
KILLED = -9


@dataclass(frozen=True)
class Done:
    """status: of the program; KILLED where it was stopped. out, err: what it wrote."""

    status: int
    out: str
    err: str

    def last_lines(self, count: int = 6) -> str:
        """What it said at last: of a traceback only the message."""
        said = (self.err or self.out).rpartition("Traceback (most recent call last):")[2]
        lines = [line.strip() for line in said.splitlines() if line[:1].strip()]
        return " / ".join(lines[-count:])[:800] or "it says nothing"


#: (argv, variables beside the environment, text for its input) -> what came of it.
Run = t.Callable[[t.Sequence[str], t.Mapping[str, str], str], Done]


class Programs:
    """Runs programs until a deadline, or until stop() is true.

    Its run() may be called from several threads.
    """

    def __init__(self, timeout: float, stop: t.Callable[[], bool]) -> None:
        self._deadline = time.monotonic() + timeout
        self._stop = stop
        self.timed_out = False

    def run(self, argv: t.Sequence[str], variables: t.Mapping[str, str], text: str) -> Done:
        """Raises FileNotFoundError where there is no such program."""
        environment = {**os.environ, "LC_ALL": "C", **variables}
        process = subprocess.Popen(  # noqa: S603  a list, and no shell
            [sys.executable, "-I", "-c", _BOOT, *argv],
            env={name: value for name, value in environment.items() if value != "" or name not in variables},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            text=True,
            errors="replace",
        )
        watch = threading.Thread(target=self._watch, args=(process,), daemon=True)
        watch.start()
        out, err = process.communicate(text)
        watch.join()
        return Done(process.returncode, out[:_MOST_OUTPUT], err[-_MOST_OUTPUT:])

    def _watch(self, process: subprocess.Popen[str]) -> None:
        while process.poll() is None:
            late = time.monotonic() > self._deadline
            if late or self._stop():
                self.timed_out = self.timed_out or late
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                return
            time.sleep(_STEP_S)
