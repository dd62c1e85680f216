# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a worker tells of itself: a file that it writes anew every second, for whoever follows it."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
import typing as t
from pathlib import Path

from .progress import Rate

INTERVAL_S = 1.0
RUNNING, DONE, FAILED = "running", "done", "failed"
_STILL: dict[str, t.Any] = {"rate": 0.0, "quiet": 0.0}


class Subject(t.Protocol):
    """What is worked on. key: tells it from others. title: for a person."""

    @property
    def key(self) -> str: ...

    @property
    def title(self) -> str: ...


class Status:
    """state, error and one entry an item: source, phase, detail, done, total, rate, quiet, attempt, ended."""

    def __init__(self, path: Path, items: t.Sequence[Subject]) -> None:
        self._path = path
        self._lock = threading.Lock()
        blank = {"phase": "is next", "detail": "", "done": 0, "total": 0, **_STILL, "attempt": 1, "ended": None}
        self._items = {item.key: {"source": item.title, **blank} for item in items}
        self._write(RUNNING)

    def show(self, item: Subject, phase: str, **more: t.Any) -> None:
        entry = self._items[item.key]
        if (entry["phase"], entry["detail"]) != (phase, more.get("detail", "")):
            entry.update({"phase": phase, "detail": "", **_STILL, **more})
            self._write(RUNNING)

    def end(self, item: Subject, reason: str | None, seconds: float) -> None:
        """reason None: nothing was done here."""
        ended = {"reason": reason, "seconds": round(seconds, 1)}
        self._items[item.key].update({"phase": "complete", **_STILL, "ended": ended})
        self._write(RUNNING)

    def finish(self, error: str | None) -> None:
        self._write(DONE if error is None else FAILED, error)

    @contextlib.contextmanager
    def measured(
        self, item: Subject, total: int, attempt: int, detail: str, done: t.Callable[[], int], phase: str = "downloads"
    ) -> t.Iterator[None]:
        """While the body runs, tell every second how far it is."""
        stop, rate = threading.Event(), Rate()
        entry = self._items[item.key]
        entry.update({"phase": phase, "detail": detail, "total": total, "attempt": attempt})

        def tell() -> None:
            count = done()
            rate.feed(time.monotonic(), count)
            entry.update({"done": count, "rate": rate.value, "quiet": rate.quiet})
            self._write(RUNNING)

        def go_on() -> None:
            while not stop.wait(INTERVAL_S):
                tell()

        tell()
        thread = threading.Thread(target=go_on, daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
            tell()

    def _write(self, state: str, error: str | None = None) -> None:
        document = {"state": state, "error": error, "items": self._items}
        with self._lock:
            partial = self._path.with_name(f"{self._path.name}.new")
            partial.write_text(json.dumps(document), encoding="utf-8")
            os.replace(partial, self._path)


def read(path: Path) -> dict[str, t.Any] | None:
    """None where there is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
