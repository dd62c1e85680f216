# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sizes, numbers and lists of names in the words that persons read."""

from __future__ import annotations

import itertools
import json
import re
import typing as t

GIB = 2**30
#: Stands between the ends of a run of names, which may hold hyphens themselves.
TO = "\u2013"

_DIGITS = re.compile(r"(\d+)")


def gib(size: float) -> str:
    """Bytes as a bare number of GiB: ``39.1``."""
    return f"{size / GIB:,.1f}"


def size(amount: float) -> str:
    """Bytes with the unit that fits: ``128 KiB``, ``39.1 GiB``."""
    for unit in ("bytes", "KiB", "MiB"):
        if amount < 1024:
            return f"{amount:,.{0 if unit == 'bytes' or amount >= 100 or amount == int(amount) else 1}f} {unit}"
        amount /= 1024
    return f"{amount:,.1f} GiB"


def number(value: float) -> str:
    """``32,768``; a fraction keeps one digit while that tells something: ``9.2``, ``1,204``."""
    return f"{value:,.0f}" if value == int(value) or value >= 100 else f"{value:,.1f}"


def parameters(count: float) -> str:
    """``32.8 B``, ``494 M``."""
    for unit, letter in ((10**12, "T"), (10**9, "B"), (10**6, "M")):
        if count >= unit:
            return f"{count / unit:.3g} {letter}"
    return number(count)


def plural(count: int, word: str) -> str:
    """``1 host``, ``2 hosts``, ``2 replicas``."""
    return f"{count:,} {word}" + ("" if count == 1 else "s")


def value(found: t.Any) -> str:
    """A decision's value as it would be written in the inventory."""
    return found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)


def indexes(found: t.Iterable[int]) -> str:
    """``0-3,6``."""
    runs: list[list[int]] = []
    for index in sorted(found):
        if runs and index == runs[-1][-1] + 1:
            runs[-1].append(index)
        else:
            runs.append([index])
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def runs(names: t.Iterable[str]) -> list[str]:
    """Names that differ by one counted number become one item: gpu1, gpu2, gpu3, db -> ``gpu1-gpu3``, ``db``.

    The number may stand anywhere: ``gpu1.rack``, ``http://192.0.2.1:8000``. The order is kept.
    """
    found: list[list[str]] = []
    at: int | None = None
    for name in dict.fromkeys(names):
        step = _step(found[-1][-1], name) if found else None
        if step is not None and (len(found[-1]) == 1 or step == at):
            found[-1].append(name)
            at = step
        else:
            found.append([name])
    texts = (([run[0]] if len(run) == 1 else run if len(run) == 2 else [f"{run[0]}{TO}{run[-1]}"]) for run in found)
    return list(itertools.chain.from_iterable(texts))


def _step(one: str, other: str) -> int | None:
    """Which number of one is less by 1 in other, where nothing else differs."""
    left, right = _DIGITS.split(one), _DIGITS.split(other)
    if len(left) != len(right):
        return None
    differ = [place for place, (a, b) in enumerate(zip(left, right)) if a != b]
    if len(differ) != 1 or differ[0] % 2 == 0:
        return None
    a, b = left[differ[0]], right[differ[0]]
    padded = "0" in (a[0], b[0])
    if int(b) != int(a) + 1 or (padded and len(a) != len(b)):
        return None
    return differ[0]


def listing(names: t.Iterable[str], most: int = 6, separator: str = ", ") -> str:
    """Runs of names, at most so many of them; the rest is counted: ``gpu1-gpu8, db, … and 3 more``."""
    found = runs(names)
    if len(found) <= most:
        return separator.join(found)
    return separator.join([*found[: most - 1], f"… and {len(found) - most + 1} more"])


def port(found: t.Any) -> str:
    """A port, or a range of ports."""
    return f"{found[0]}-{found[1]}" if isinstance(found, (list, tuple)) else str(found)


def ports(found: t.Mapping[str, t.Any]) -> list[str]:
    """``api 8000``, ``rendezvous 29501``."""
    return [f"{name.replace('_', ' ')} {port(item)}" for name, item in found.items()]


def link(found: t.Mapping[str, t.Any] | None) -> str:
    """``NV18``, ``PIX``; empty where there is none or none is known."""
    return "" if not found else f"{found['type']}{found.get('count') or ''}"


def speed(megabits: int | None) -> str:
    """``200 Gb/s``; empty where it is not known."""
    if not megabits:
        return ""
    return f"{megabits / 1000:g} Gb/s" if megabits >= 1000 else f"{megabits} Mb/s"


def interface(found: t.Mapping[str, t.Any] | None) -> str:
    """``ib0 200 Gb/s RDMA``: without the address, so that equal hosts look equal."""
    if not found:
        return ""
    parts = [found["name"], speed(found.get("speed_mbits")), "RDMA" if found.get("rdma") else ""]
    return " ".join(part for part in parts if part)
