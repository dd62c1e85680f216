# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a download is, how fast it goes and when it will end."""

from __future__ import annotations

import collections
import typing as t

_WINDOW_S = 30.0


class Rate:
    """Bytes a second over the last half minute."""

    def __init__(self) -> None:
        self._marks: collections.deque[tuple[float, int]] = collections.deque()

    def feed(self, now: float, done: int) -> float:
        """now: seconds of a clock that only goes forward. done: bytes so far."""
        self._marks.append((now, done))
        while len(self._marks) > 2 and now - self._marks[0][0] > _WINDOW_S:
            self._marks.popleft()
        began, before = self._marks[0]
        return max(0.0, (done - before) / (now - began)) if now > began else 0.0


def line(item: t.Mapping[str, t.Any]) -> str:
    """An item of a worker's status, for a person to read.

    ``acme/tiny: 1.25 GiB of 80.00 GiB (1%), 410.0 MiB/s, 3 min 17 s left``
    """
    phase, total, done = item["phase"], item["total"], item["done"]
    if phase == "waits":
        return f"{item['source']}: waits for {item['detail']}, which works on it"
    if phase not in ("downloads", "verifies") or not total:
        return f"{item['source']}: {phase}"
    verb = "" if phase == "downloads" else f"{phase} "
    text = f"{item['source']}: {verb}{size(done)} of {size(total)} ({100 * done // total}%)"
    rate = item["rate"]
    if rate > 0:
        text += f", {rate / 2**20:.1f} MiB/s, {duration((total - done) / rate)} left"
    return f"{text}; try {item['attempt']}: {item['detail']}" if item["attempt"] > 1 and item["detail"] else text


def size(count: float) -> str:
    """``3.1 MiB``, ``80.00 GiB``."""
    return f"{count / 2**30:.2f} GiB" if count >= 2**30 else f"{count / 2**20:.1f} MiB"


def duration(seconds: float) -> str:
    """``45 s``, ``3 min 17 s``, ``2 h 5 min``."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
