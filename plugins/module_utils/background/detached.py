# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker that outlives the task that started it, and how others find it."""

from __future__ import annotations

import fcntl
import os
import sys
import time
import traceback
import typing as t
from pathlib import Path

from . import status
from .errors import WorkError

LOST = "lost"
Work = t.Callable[[status.Status], None]
_LOOKS, _LOOK_S = 5, 0.1


class Post:
    """The worker's place: a lock that it holds as long as it lives, and its status."""

    def __init__(self, folder: Path, identity: str) -> None:
        self._folder = folder
        self._lock, self._status = folder / f"{identity}.lock", folder / f"{identity}.json"

    def found(self) -> dict[str, t.Any] | None:
        """The worker's status; state ``lost`` where it is gone and did not end; None where there never was one."""
        alive = self._alive()
        said = status.read(self._status)
        if said is not None and said["state"] == status.RUNNING and not alive:
            said = status.read(self._status) or said  # it may have ended between the two looks
            if said["state"] == status.RUNNING:
                said["state"] = LOST
        if said is None and alive:
            return {"state": status.RUNNING, "error": None, "items": {}}
        return said

    def start(self, subjects: t.Sequence[status.Subject], work: Work) -> None:
        """Start a worker unless one is at work. It is nobody's child, and holds nothing of this process.

        work: raises WorkError for what a person should read.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if not _locked(descriptor):
            os.close(descriptor)
            return
        self._status.unlink(missing_ok=True)
        said = status.Status(self._status, subjects)
        sys.stdout.flush()
        child = os.fork()
        if child:
            os.close(descriptor)
            os.waitpid(child, 0)
            return
        try:
            os.setsid()
            if os.fork() == 0:
                _own_streams(keep=descriptor)
                _end(work, said)
        finally:
            os._exit(0)

    def _alive(self) -> bool:
        try:
            descriptor = os.open(self._lock, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False


def _locked(descriptor: int) -> bool:
    """Whoever only looks whether there is a worker holds the lock for a moment; a worker holds it for good."""
    for _look in range(_LOOKS):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            time.sleep(_LOOK_S)
    return False


def _own_streams(keep: int) -> None:
    """Whoever started this waits until all copies of its streams are closed."""
    os.chdir("/")
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    for descriptor in range(3, 1024):
        if descriptor != keep:
            try:
                os.close(descriptor)
            except OSError:
                continue


def _end(work: Work, said: status.Status) -> None:
    try:
        work(said)
    except WorkError as error:
        said.finish(str(error))
    except OSError as error:
        said.finish(f"{error.filename or 'the work'}: {error.strerror or error}. Fix: look at the disk and its rights.")
    except BaseException:
        said.finish("a fault of this collection: " + traceback.format_exc(limit=-3))
    else:
        said.finish(None)
