# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTML and SVG elements, escaped by construction."""

from __future__ import annotations

import html
import typing as t


class Markup(str):
    """Text that is markup already. Every other string is escaped where it becomes a child or an attribute."""

    __slots__ = ()


Child = t.Union[str, None, t.Iterable["Child"]]
_VOID = ("meta", "line", "rect", "path", "circle")


def element(tag: str, *children: Child, **attributes: t.Any) -> Markup:
    """``element("a", "x < y", href=url)``. A trailing ``_`` is cut, other ``_`` become ``-``; None leaves one out."""
    shown = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{html.escape(_number(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    if tag in _VOID and not children:
        return Markup(f"<{tag}{shown}/>")
    return Markup(f"<{tag}{shown}>{join(*children)}</{tag}>")


def join(*children: Child) -> Markup:
    """Children, one after the other."""
    return Markup("".join(_text(child) for child in children))


def _text(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, Markup):
        return child
    if isinstance(child, str):
        return html.escape(child)
    return "".join(_text(part) for part in child)


def _number(value: t.Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
