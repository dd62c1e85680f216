# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host as a box: its engines' GPUs with their memory, links, ports and front doors. Sizes are in pixels."""

from __future__ import annotations

import typing as t

from . import amounts
from .islands import Share
from .markup import Markup, element, join

WIDTH = 288
_PAD = 10
_GPU = (26, 44)
_STEP = 30  # from one GPU to the next
_ROW = 8  # GPUs beside each other
_LETTER = 6.4  # width of a letter of the drawing's 10.5 px monospace
_LEAST = 128  # width of a part of one or two GPUs


class Piece(t.NamedTuple):
    """A drawing whose upper left corner is 0, 0."""

    body: Markup
    width: float
    height: float


def cut(text: str, width: float) -> str:
    """Text that fits: the end is cut and said to be."""
    most = max(3, int(width / _LETTER))
    return text if len(text) <= most else text[: most - 1] + "…"


def label(text: str, x: float, y: float, kind: str = "n", anchor: str | None = None) -> Markup:
    """A line of text; y is its base line."""
    return element("text", text, x=x, y=y, class_=kind, text_anchor=anchor)


def at(piece: Piece, x: float, y: float) -> Markup:
    """The piece, moved."""
    return element("g", piece.body, transform=f"translate({x:g} {y:g})")


def host(name: str, facts: t.Mapping[str, t.Any], shares: t.Sequence[Share], least: float = 0) -> Piece:
    """The box of one host, at least so high; parts stand beside each other where they fit. facts: of the plan."""
    inside, address = WIDTH - 2 * _PAD, facts["address"]
    shown = name if address == name else f"{name} · {address}"
    drawn = [label(cut(shown, inside - 4), _PAD, 19, "h")]
    x, y, tallest = 0.0, 28.0, 0.0
    for piece in (_part(share, inside) for share in shares):
        if x and x + piece.width > inside:
            x, y, tallest = 0.0, y + tallest + 8, 0.0
        drawn.append(at(piece, _PAD + x, y))
        x += piece.width + 8
        tallest = max(tallest, piece.height)
    y += tallest + 6
    for text in [*_interfaces(shares), *_idle(facts, shares)]:
        y += 14
        drawn.append(label(cut(text, inside), _PAD, y))
    height = max(y + 10, least)
    frame = element("rect", width=WIDTH, height=height, rx=8, class_="host")
    return Piece(join(frame, drawn), WIDTH, height)


def rest(names: t.Sequence[str], like: str, height: float) -> Piece:
    """Stands for hosts that are not drawn."""
    frame = element("rect", width=WIDTH, height=height, rx=8, class_="host more")
    lines = [
        label(f"… {amounts.plural(len(names), 'more host')}", WIDTH / 2, 34, "h", "middle"),
        label(cut(amounts.listing(names, 2), WIDTH - 20), WIDTH / 2, 52, "n", "middle"),
        label(cut(like, WIDTH - 20), WIDTH / 2, 68, "n", "middle"),
    ]
    return Piece(join(frame, lines), WIDTH, height)


def _interfaces(shares: t.Sequence[Share]) -> list[str]:
    found = []
    for share in shares:
        facts = share.member["interface"]
        if facts:
            name, _blank, kind = amounts.interface(facts).partition(" ")
            found.append(" · ".join(part for part in (name, facts["address"], kind) if part))
    return list(dict.fromkeys(found))


def _idle(facts: t.Mapping[str, t.Any], shares: t.Sequence[Share]) -> list[str]:
    """The GPUs that no engine has."""
    used = {index for share in shares for index in share.member["devices"]}
    idle = [index for index in facts["gpus"] if index not in used]
    return [f"GPU {amounts.indexes(idle)} idle"] if idle else []


def _part(share: Share, most: float) -> Piece:
    member, engine = share.member, share.engine
    width = min(most, max(_LEAST, min(_ROW, len(member["devices"])) * _STEP + 20))
    drawn, y = _head(share, width), 22.0
    if member["devices"]:
        piece = _gpus(share)
        drawn.append(at(piece, 10, y))
        y += piece.height
    else:
        drawn += [
            element("rect", x=10, y=y + 4, width=52, height=24, rx=3, class_="chip"),
            label("CPU", 36, y + 20, "i"),
        ]
        y += 32
    for text in _details(share):
        for line in _lines(text, width - 16):
            y += 13
            drawn.append(label(line, 10, y))
    height = y + 8
    frame = [
        element("rect", width=width, height=height, rx=4, class_="part"),
        element("rect", width=4, height=height, rx=2, class_="edge"),
    ]
    name = f"{engine['name']} on {member['host']}" + (f": clients call {share.door}" if share.door else "")
    body = element("g", element("title", name), frame, drawn, class_=f"c{share.place % 8}")
    return Piece(body, width, height)


def _head(share: Share, width: float) -> list[Markup]:
    """The engine's name, and the front door as a tag beside it."""
    if not share.door:
        return [label(cut(share.engine["name"], width - 14), 10, 16, "e")]
    door = f"▸ :{share.door.rstrip('/').rpartition(':')[2]}"
    tag = len(door) * _LETTER + 10
    return [
        label(cut(share.engine["name"], width - tag - 20), 10, 16, "e"),
        element("rect", x=width - tag - 5, y=4, width=tag, height=16, rx=8, class_="door"),
        label(door, width - tag / 2 - 5, 16, "d", "middle"),
    ]


def _details(share: Share) -> list[str]:
    """NIC and ports; the port of the front door is told by the door."""
    member = share.member
    ports = {name: port for name, port in member["ports"].items() if name != "api" or not share.door}
    found = [f"NIC {member['nic']}"] if member["nic"] else []
    return found + ([", ".join(amounts.ports(ports))] if ports else [])


def _lines(text: str, width: float) -> list[str]:
    lines: list[str] = []
    for word in text.split(", "):
        if lines and (len(lines[-1]) + len(word) + 2) * _LETTER <= width:
            lines[-1] += f", {word}"
        else:
            lines.append(word)
    return [cut(line, width) for line in lines]


def _gpus(share: Share) -> Piece:
    """The devices in rows, those of a tensor group joined by a line that is named after their link."""
    devices = share.member["devices"]
    size = min(len(devices), share.engine["parallel"].get("tensor", 1))
    link = amounts.link(share.member["link"]) if size > 1 else ""
    top = 18 if link else 2
    drawn: list[Markup] = []
    height = top + _GPU[1] + 16
    for place, index in enumerate(devices):
        x, y = place % _ROW * _STEP, place // _ROW * height
        drawn.append(_gpu(index, share.fills[place], x, y + top))
        # The line spans what of the group stands in this row.
        last = min(place - place % size + size, place - place % _ROW + _ROW, len(devices)) - 1
        if link and (place % size == 0 or place % _ROW == 0):
            end = last % _ROW * _STEP + _GPU[0] / 2
            start = x + _GPU[0] / 2
            drawn.append(element("path", d=f"M{start:g} {y + top}v-5H{end:g}v5", class_="nv"))
            drawn += [
                element("path", d=f"M{at_ * _STEP + _GPU[0] / 2:g} {y + top}v-5", class_="nv")
                for at_ in range(place % _ROW + 1, last % _ROW)
            ]
            drawn.append(label(link, (start + end) / 2, y + top - 8, "i"))
    rows = (len(devices) + _ROW - 1) // _ROW
    return Piece(join(drawn), min(_ROW, len(devices)) * _STEP, rows * height)


def _gpu(index: int, fill: tuple[int, ...] | None, x: float, y: float) -> Markup:
    """A GPU, filled from its foot: weights, overhead, KV cache."""
    width, height = _GPU
    drawn = [element("rect", x=x, y=y, width=width, height=height, rx=3, class_="gpu")]
    if fill is None:
        drawn.append(label("?", x + width / 2, y + height / 2 + 4, "i"))
    else:
        total, foot = sum(fill) or 1, y + height - 1.0
        for kind, amount in zip("wok", fill):
            part = round((height - 2) * max(0, amount) / total, 1)
            foot = round(foot - part, 1)
            drawn.append(element("rect", x=x + 1, y=foot, width=width - 2, height=part, class_=kind))
    return join(drawn, label(str(index), x + width / 2, y + height + 12, "i"))
