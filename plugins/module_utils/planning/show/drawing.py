# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster drawn: every host that has something to do, those that look the same once."""

from __future__ import annotations

import typing as t

from . import amounts, boxes
from .digest import Digest
from .islands import Island, Share, islands, shares, title
from .joined import COLUMNS, Joined
from .markup import Markup, element, join

_MOST_ISLANDS = 40
_LARGER = 1.3  # of small drawings, so that they fill the page
_CELL = 18  # a host of the overview
_STEP = 22


def cluster(found: Digest) -> Markup:
    """Groups of hosts that engines join, then the hosts that stand alone."""
    held, hosts = shares(found.plan), found.plan["hosts"]
    pieces = islands(found.plan, held)
    drawn = [(piece, _piece(piece, held, hosts)) for piece in pieces[:_MOST_ISLANDS]]
    scale = _LARGER if all(picture.width < 3.3 * boxes.WIDTH for _island, picture in drawn) else 1
    body = [_figure(title(piece), picture, scale) for piece, picture in drawn if len(piece.hosts) > 1]
    alone = [
        # One host's name stands in its box.
        _figure(title(piece), picture, scale, captioned=len(piece.alike) > 1)
        for piece, picture in drawn
        if len(piece.hosts) == 1
    ]
    if alone:
        body.append(element("div", alone, class_="hosts"))
    rest = [host for piece in pieces[_MOST_ISLANDS:] for same in piece.alike for host in same]
    if rest:
        text = f"Not drawn: {amounts.plural(len(rest), 'more host')} ({amounts.listing(rest, 8)}); see their services."
        body.append(element("p", text, class_="note"))
    return join(body)


def overview(found: Digest) -> Markup | None:
    """Every host as a small square in the colours of its services, where there are too many to see at once."""
    held = shares(found.plan)
    if len(held) <= 3 * COLUMNS:
        return None
    columns = 56
    drawn = []
    for place, (host, items) in enumerate(held.items()):
        x, top = place % columns * _STEP, float(place // columns * _STEP)
        parts: dict[int, int] = {}
        for item in items:
            parts[item.place] = parts.get(item.place, 0) + (len(item.member["devices"]) or 1)
        names = ", ".join(dict.fromkeys(item.engine["service"] for item in items))
        cells = [element("title", f"{host}: {names}")]
        for colour, count in parts.items():
            height = round(_CELL * count / sum(parts.values()), 1)
            cells.append(element("rect", x=x, y=round(top, 1), width=_CELL, height=height, class_=f"m c{colour % 8}"))
            top += height
        drawn.append(element("g", cells))
    rows = (len(held) + columns - 1) // columns
    text = f"{amounts.plural(len(held), 'host')}, each a square in the colours of its services"
    return _figure(text, boxes.Piece(join(drawn), columns * _STEP, rows * _STEP))


def _piece(
    island: Island, held: t.Mapping[str, t.Sequence[Share]], hosts: t.Mapping[str, t.Mapping[str, t.Any]]
) -> boxes.Piece:
    if len(island.hosts) > 1:
        return Joined(island, held, hosts).draw()
    name = island.hosts[0]
    box = boxes.host(name, hosts[name], held[name])
    return boxes.Piece(boxes.at(box, 1, 1), box.width + 2, box.height + 2)


def _figure(caption: str, piece: boxes.Piece, scale: float = 1, captioned: bool = True) -> Markup:
    picture = element(
        "svg",
        piece.body,
        viewBox=f"0 0 {piece.width:g} {piece.height:g}",
        width=round(piece.width * scale),
        height=round(piece.height * scale),
        role="img",
        aria_label=caption,
    )
    return element("figure", element("figcaption", caption) if captioned else None, picture)
