# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Disjoint sets of points such that the pairs within each are as near as can be."""

from __future__ import annotations

import itertools
import typing as t

#: A pair's nearness, greater is nearer: first what sets are judged by, then what decides between equal ones.
Score = tuple[int, int]

#: Steps of one search and sets compared in one choice. Hosts of 16 GPUs stay far below; larger made-up ones must end.
_STEPS = 20_000
_CANDIDATES = 2_000


class Packing:
    """Sets of ``size`` points, as bit masks of positions.

    A grade is an index into the sorted scores; pairs of that score or a greater one are joined at that grade.
    """

    def __init__(self, scores: t.Sequence[t.Sequence[Score]], size: int) -> None:
        """scores: of each pair of positions, the same both ways."""
        self.scores, self.size, self.count = scores, size, len(scores)
        pairs = itertools.combinations(range(self.count), 2)
        self.grades = sorted({scores[a][b] for a, b in pairs})
        #: The lowest grade of each first part of the scores.
        self.floors = [at for at, grade in enumerate(self.grades) if at == 0 or grade[0] != self.grades[at - 1][0]]
        self.joined = [
            [sum(1 << b for b in range(self.count) if b != a and row[b] >= grade) for a, row in enumerate(scores)]
            for grade in self.grades
        ]
        self.known: dict[tuple[int, tuple[int, ...]], bool] = {}
        self.steps = 0

    def best(self, wanted: int, fair: bool) -> list[tuple[int, ...]]:
        """``wanted`` disjoint sets, best first; ``fair``: the worst set is as good as it can be, whatever the best is.

        There must be points enough.
        """
        everyone = (1 << self.count) - 1
        floors = self.floors[::-1]
        lowest = 0
        if fair:
            lowest = next(floor for floor in floors if floor == 0 or self._fits(everyone, (floor,) * wanted))
        needs: tuple[int, ...] = ()
        while len(needs) < wanted:
            rest = (lowest,) * (wanted - len(needs) - 1)
            higher = [floor for floor in floors if lowest < floor <= (needs[-1] if needs else floor)]
            needs += (next((floor for floor in higher if self._fits(everyone, (*needs, floor, *rest))), lowest),)
        sets: list[tuple[int, ...]] = []
        left = everyone
        for at, grade in enumerate(needs):
            chosen = self._choose(left, grade, needs[at + 1 :])
            sets.append(_positions(chosen))
            left &= ~chosen
        return sets

    def _fits(self, left: int, needs: tuple[int, ...]) -> bool:
        """Whether ``left`` holds disjoint sets of these grades (descending) at least."""
        self.steps = _STEPS
        return self._search(left, needs)

    def _search(self, left: int, needs: tuple[int, ...]) -> bool:
        if not needs or needs[0] == 0:
            return _size(left) >= self.size * len(needs)
        if (left, needs) not in self.known:
            self.known[left, needs] = self._possible(left, needs) and any(
                self._search(left & ~found, needs[1:]) for found in self._sets(left, needs[0])
            )
        return self.known[left, needs]

    def _possible(self, left: int, needs: tuple[int, ...]) -> bool:
        """A bound: at each grade, the sets go into the connected parts of what is left."""
        if _size(left) < self.size * len(needs):
            return False
        for grade in set(needs):
            room = sum(_size(part) // self.size for part in self._parts(left, grade))
            if room < sum(1 for need in needs if need >= grade):
                return False
        return True

    def _parts(self, left: int, grade: int) -> t.Iterator[int]:
        while left:
            part = border = left & -left
            while border:
                at = border.bit_length() - 1
                border = (border | (self.joined[grade][at] & left & ~part)) & ~(1 << at)
                part |= border
            yield part
            left &= ~part

    def _sets(self, left: int, grade: int) -> t.Iterator[int]:
        """Sets of which all pairs are joined at the grade, in the order of their positions."""
        joined = self.joined[grade]

        def extend(chosen: int, fit: int, missing: int) -> t.Iterator[int]:
            if not missing:
                yield chosen
                return
            while self.steps > 0 and _size(fit) >= missing:
                self.steps -= 1
                lowest = fit & -fit
                fit ^= lowest
                yield from extend(chosen | lowest, fit & joined[lowest.bit_length() - 1], missing - 1)

        return extend(0, left, self.size)

    def _choose(self, left: int, grade: int, needs: tuple[int, ...]) -> int:
        """The best set of the grade or a higher one that leaves what the others need."""
        for at in range(len(self.grades) - 1, grade - 1, -1):
            self.steps = _STEPS
            found = list(itertools.islice(self._sets(left, at), _CANDIDATES))
            if at < len(self.grades) - 1:
                found.sort(key=self._sums, reverse=True)
            for candidate in found:
                if self._fits(left & ~candidate, needs):
                    return candidate
        return sum(1 << at for at in _positions(left)[: self.size])  # the search was given up

    def _sums(self, chosen: int) -> Score:
        pairs = [self.scores[a][b] for a, b in itertools.combinations(_positions(chosen), 2)]
        return sum(first for first, _second in pairs), sum(second for _first, second in pairs)


def _positions(mask: int) -> tuple[int, ...]:
    return tuple(at for at in range(mask.bit_length()) if mask >> at & 1)


def _size(mask: int) -> int:
    return bin(mask).count("1")
