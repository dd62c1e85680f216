# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run at a time on a host."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from .state import EnvironmentFailure

INTERVAL_S = 0.5


def hold_lock(path: Path, timeout: float) -> int:
    """A file descriptor that holds the lock until it, and every copy that a child process got, is closed.

    Waits up to ``timeout`` seconds for another run, then raises EnvironmentFailure.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    deadline = time.monotonic() + timeout
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(descriptor)
                raise EnvironmentFailure(
                    f"another run on this host is still at work after {timeout} s. "
                    f"Fix: see with fuser which process holds {path}, and stop it."
                ) from None
            time.sleep(INTERVAL_S)
        else:
            return descriptor
