# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a download is, how fast it goes and when it will end."""

from __future__ import annotations

import collections
import typing as t

_WINDOW_S = 30.0
_LEAST_S, _LEAST_BYTES, _LEAST_STEPS = 3.0, 2**20, 2
_QUIET_S, _QUIET_STEPS = 30.0, 3


class Rate:
    """Bytes a second over the last half minute of growth, once that says something.

    Clients write in pieces of up to 10 MiB, so on a slow line nothing grows for long. What counts is therefore from
    growth to growth, however far apart, and a stall is a silence much longer than those before.
    """

    def __init__(self) -> None:
        self._marks: collections.deque[tuple[float, int]] = collections.deque()
        self._looked = 0.0

    def feed(self, now: float, done: int) -> None:
        """now: seconds of a clock that only goes forward. done: bytes so far; less than before begins anew."""
        self._looked = now
        if self._marks and done < self._marks[-1][1]:
            self._marks.clear()
        if not self._marks or done > self._marks[-1][1]:
            self._marks.append((now, done))
        while len(self._marks) > _LEAST_STEPS + 2 and self._marks[-1][0] - self._marks[1][0] > _WINDOW_S:
            self._marks.popleft()

    @property
    def value(self) -> float:
        """0.0 while too little came to tell, and where nothing comes any more."""
        came, steps = self._grown()
        if steps < _LEAST_STEPS or came[0] < _LEAST_S or came[1] < _LEAST_BYTES or self.quiet:
            return 0.0
        return came[1] / came[0]

    @property
    def quiet(self) -> float:
        """Seconds since anything came; 0.0 while that is no longer than usual."""
        if not self._marks:
            return 0.0
        (seconds, _bytes), steps = self._grown()
        usual = seconds / steps if steps else 0.0
        silent = self._looked - self._marks[-1][0]
        return silent if silent >= max(_QUIET_S, _QUIET_STEPS * usual) else 0.0

    def _grown(self) -> tuple[tuple[float, int], int]:
        """Seconds and bytes between the first and the last growth, and how many steps that were.

        The first one is no step: what it brought had begun before anybody looked.
        """
        if len(self._marks) < 3:
            return (0.0, 0), 0
        (began, before), (ended, after) = self._marks[1], self._marks[-1]
        return (ended - began, after - before), len(self._marks) - 2


def line(item: t.Mapping[str, t.Any]) -> str:
    """An item of a worker's status, for a person to read.

    ``acme/tiny: 1.25 GiB of 80.00 GiB (1%), 410.0 MiB/s, 3 min 17 s left``, or ``…, nothing came for 45 s``
    """
    phase, total, done = item["phase"], item["total"], item["done"]
    if phase == "waits":
        return f"{item['source']}: waits for {item['detail']}, which works on it"
    if phase not in ("downloads", "verifies") or not total:
        return f"{item['source']}: {phase}"
    verb = "" if phase == "downloads" else f"{phase} "
    text = f"{item['source']}: {verb}{size(done)} of {size(total)} ({100 * done // total}%)"
    rate, quiet = item["rate"], item["quiet"]
    if quiet > 0 and done < total:
        text += f", nothing came for {duration(quiet)}"
    elif rate > 0:
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
