# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that engines join: rows of boxes, and a line for each engine that meets its members' boxes."""

from __future__ import annotations

import typing as t

from . import amounts, boxes
from .digest import Item
from .islands import Island, Share
from .markup import Markup, element, join

COLUMNS = 4
_MOST_BOXES = 8
_GAP = 20
_LEFT = 18  # room for the lines that join the rows
_LINE = 26  # height of one engine's line below a row

Cell = tuple[boxes.Piece, tuple[str, ...]]


class Joined:
    """The drawing of one island. held: each host's shares. hosts: the plan's."""

    def __init__(
        self, island: Island, held: t.Mapping[str, t.Sequence[Share]], hosts: t.Mapping[str, t.Mapping[str, t.Any]]
    ) -> None:
        self._island, self._held, self._hosts = island, held, hosts
        cells = self._cells()
        self._rows = [cells[start : start + COLUMNS] for start in range(0, len(cells), COLUMNS)]
        self._lines: dict[str, list[float]] = {}

    def draw(self) -> boxes.Piece:
        drawn: list[Markup] = []
        y = 1.0
        for row in self._rows:
            for column, (piece, _names) in enumerate(row):
                drawn.append(boxes.at(piece, _x(column), y))
            foot = y + max(piece.height for piece, _names in row)
            for place, engine in enumerate(self._island.engines):
                drawn.append(self._row(place, engine, row, y, foot + 12 + place * _LINE))
            y = foot + len(self._island.engines) * _LINE + 24
        for place, engine in enumerate(self._island.engines):
            lines = self._lines.get(engine["name"], [])
            if len(lines) > 1:
                path = element("path", d=f"M{_trunk(place):g} {lines[0]:g}V{lines[-1]:g}", class_="bus")
                drawn.append(element("g", path, class_=self._colour(engine)))
        return boxes.Piece(join(drawn), _x(max(len(row) for row in self._rows)) - _GAP + 1, y)

    def _cells(self) -> list[Cell]:
        """A box a host; of many hosts the first ones, a box that stands for the rest, and the last one."""
        names = self._island.hosts
        many = len(names) > _MOST_BOXES
        shown = [*names[: _MOST_BOXES - 2], names[-1]] if many else list(names)
        height = max(self._box(name).height for name in shown)
        cells: list[Cell] = [(self._box(name, height), (name,)) for name in shown]
        if many:
            hidden = names[_MOST_BOXES - 2 : -1]
            looks = {tuple(share.alike for share in self._held[name]) for name in [shown[-2], *hidden]}
            like = f"like {shown[-2]}" if len(looks) == 1 else "of several kinds: see below"
            cells.insert(-1, (boxes.rest(hidden, like, height), hidden))
        return cells

    def _box(self, name: str, least: float = 0) -> boxes.Piece:
        return boxes.host(name, self._hosts[name], self._held[name], least)

    def _row(self, place: int, engine: Item, row: t.Sequence[Cell], top: float, line: float) -> Markup:
        """The engine's line below a row, with a drop to each member's box; nothing where it has no member there."""
        members = {member["host"] for member in engine["members"]}
        meets = [
            (_x(column) + 40 + 14 * (place % 15), top + piece.height)
            for column, (piece, names) in enumerate(row)
            if members.intersection(names)
        ]
        if not meets:
            return join()
        start = _trunk(place) if len(self._rows) > 1 else meets[0][0]
        parts = [element("path", d=f"M{start:g} {line:g}H{meets[-1][0]:g}", class_="bus")]
        for x, foot in meets:
            parts.append(element("path", d=f"M{x:g} {foot:g}V{line:g}", class_="bus"))
            parts.append(element("circle", cx=x, cy=foot, r=3.5, class_="dot"))
        if engine["name"] not in self._lines:
            parts.append(boxes.label(_text(engine), meets[0][0] + 10, line + 14, "b"))
        self._lines.setdefault(engine["name"], []).append(line)
        return element("g", parts, class_=self._colour(engine))

    def _colour(self, engine: Item) -> str:
        shares = self._held[engine["members"][0]["host"]]
        return f"c{next(share.place for share in shares if share.engine['name'] == engine['name']) % 8}"


def _text(engine: Item) -> str:
    names = dict.fromkeys(amounts.interface(member["interface"]) for member in engine["members"])
    over = amounts.listing((name for name in names if name), 3)
    return f"{engine['name']}: {amounts.plural(len(engine['members']), 'member')}" + (f" over {over}" if over else "")


def _x(column: int) -> float:
    return _LEFT + column * (boxes.WIDTH + _GAP)


def _trunk(place: int) -> float:
    return 3.0 + 3 * (place % 5)
