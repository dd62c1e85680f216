# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One worker at a time on a directory, also where several hosts share it.

A file beside the directory is locked with flock, which ends with the process that holds it, however that ends. Where
the file system keeps such locks among hosts, or the holder is on this host, that is all. Elsewhere the holder counts up
a number in the file; who sees it stand still for STALE_S seconds of its own clock takes over. No clocks are compared.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import socket
import threading
import time
import typing as t
import uuid
from pathlib import Path

BEAT_S = 5.0
STALE_S = 60.0
#: How long another host's claim, made at the same moment, may take to be seen here.
SETTLE_S = 0.5
_UNSUPPORTED = (errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK, errno.EOPNOTSUPP)


def here() -> str:
    """What tells this running system from all others: containers of one machine differ too."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return socket.gethostname()


class Lease:
    """The right to work on what the file stands for. take() until it is held, then close()."""

    def __init__(
        self,
        path: Path,
        beat: float = BEAT_S,
        stale: float = STALE_S,
        settle: float = SETTLE_S,
        place: str | None = None,
    ) -> None:
        self._path, self._beat, self._stale, self._settle = path, beat, stale, settle
        self._place = place or here()
        self._token = uuid.uuid4().hex
        self._descriptor: int | None = None
        self._seen: tuple[t.Any, float] | None = None
        self._stop = threading.Event()
        self.lost = threading.Event()

    def take(self) -> str | None:
        """None when it is held now; otherwise the name of the host that holds it. Raises OSError."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            locked = _flock(descriptor)
            holder = _read(descriptor)
            if locked is False:
                return str(holder.get("host") or "another process")
            if holder and not (locked and holder.get("place") == self._place) and not self._stands_still(holder):
                return str(holder.get("host"))
            self._write(descriptor, 0)
            time.sleep(self._settle)
            if self._read_anew().get("token") != self._token:
                return "another host"
            self._descriptor, descriptor = descriptor, -1
        finally:
            if descriptor >= 0:
                os.close(descriptor)
        threading.Thread(target=self._keep, daemon=True).start()
        return None

    def close(self) -> None:
        """Give it back. What another host took over meanwhile is left to it."""
        self._stop.set()
        if self._descriptor is None:
            return
        with contextlib.suppress(OSError):
            if self._read_anew().get("token") == self._token:
                os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)
        self._descriptor = None

    def _stands_still(self, holder: dict[str, t.Any]) -> bool:
        said, now = (holder.get("token"), holder.get("beat")), time.monotonic()
        if self._seen is None or self._seen[0] != said:
            self._seen = (said, now)
        return now - self._seen[1] >= self._stale

    def _keep(self) -> None:
        beat = 0
        while not self._stop.wait(self._beat):
            beat += 1
            with contextlib.suppress(OSError):
                if self._read_anew().get("token") != self._token:
                    self.lost.set()
                    return
                if self._descriptor is not None and not self._stop.is_set():
                    self._write(self._descriptor, beat)

    def _read_anew(self) -> dict[str, t.Any]:
        """By opening it again: that is when a shared file system asks for what others wrote."""
        descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return _read(descriptor)
        finally:
            os.close(descriptor)

    def _write(self, descriptor: int, beat: int) -> None:
        document = {"token": self._token, "place": self._place, "host": socket.gethostname(), "beat": beat}
        text = json.dumps(document).ljust(512).encode()  # one length: nobody reads the rest of a longer one
        os.pwrite(descriptor, text, 0)
        os.fsync(descriptor)


def _flock(descriptor: int) -> bool | None:
    """Whether the lock is ours now; None where the file system has none."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno in _UNSUPPORTED:
            return None
        raise
    return True


def _read(descriptor: int) -> dict[str, t.Any]:
    try:
        found = json.loads(os.pread(descriptor, 4096, 0).decode("utf-8"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
