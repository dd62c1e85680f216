# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a GPU's memory is taken, as a bar."""

from __future__ import annotations

import typing as t

from . import amounts

#: Amounts of a stage in the order of the bar: key, letter, word.
PARTS = (("weights", "W", "weights"), ("overhead", "O", "overhead"), ("kv", "K", "KV"), ("free", ".", "free"))


def cells(sizes: t.Sequence[float], width: int) -> list[int]:
    """Whole cells for each size, together exactly width; what is there at all gets one at least."""
    whole = [max(0.0, float(size)) for size in sizes]
    total = sum(whole)
    if not total:
        return [0] * len(whole)
    shares = [size * width / total for size in whole]
    found = [max(1, int(share)) if share else 0 for share in shares]
    while sum(found) < width:
        found[max(range(len(found)), key=lambda place: shares[place] - found[place])] += 1
    while sum(found) > width:
        found[max(range(len(found)), key=lambda place: (found[place] > 1, found[place] - shares[place]))] -= 1
    return found


def drawn(stage: t.Mapping[str, t.Any], width: int) -> str:
    """``[WWWWWOOKKKKKKKK..]``: weights, overhead, KV cache, free."""
    taken = cells([stage[key] for key, _letter, _word in PARTS], width)
    return "[" + "".join(letter * count for (_key, letter, _word), count in zip(PARTS, taken)) + "]"


def caption(stage: t.Mapping[str, t.Any]) -> str:
    """``39.1 weights + 4.2 overhead + 29.5 KV + 6.8 free = 79.6 GiB``."""
    sizes = [max(0, stage[key]) for key, _letter, _word in PARTS]
    words = " + ".join(f"{amounts.gib(size)} {word}" for size, (_key, _letter, word) in zip(sizes, PARTS))
    return f"{words} = {amounts.gib(sum(sizes))} GiB"
