# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cells of a link matrix's rows under the names of its columns, and which of them can be trusted."""

from __future__ import annotations

import dataclasses
import typing as t

from .kinds import PEER, SELF, Kinds, Link, parse
from .rows import Block, Row, like_list


@dataclasses.dataclass
class Cells:
    """A row read with the number of columns known. None: a cell that is no link. tail: the text after the links."""

    name: str | None
    row: Row
    links: list[Link | None]
    tail: str
    tail_start: int
    glued: bool = False
    strange: list[str] = dataclasses.field(default_factory=list)

    @property
    def selves(self) -> list[int]:
        return [at for at, link in enumerate(self.links) if link is not None and link.kind == SELF]


def read_cells(row: Row, columns: int | None, kinds: Kinds) -> Cells:
    """Splits a row into links and the text after them. columns: how many devices the header names, or None."""
    result = Cells(row.name, row, [], "", len(row.text), row.glued)
    last = max((at for at, cell in enumerate(row.cells) if kinds.split(cell.text)), default=-1)
    for at, cell in enumerate(row.cells):
        end = cell.start + len(cell.text)
        parts = kinds.split(cell.text)
        full = columns is not None and len(result.links) >= columns
        if not parts and not full:
            parts, rest = kinds.before_number(cell.text)
            end -= len(rest) if parts else 0
            if parts:
                result.links.extend(map(parse, parts))
                result.glued = True
                result.tail, result.tail_start = row.text[end:], end
                return result
        if parts:
            result.glued = result.glued or len(parts) > 1
            result.links.extend(map(parse, parts))
        elif not full and (at < last or kinds.cut(cell.text) or (columns is not None and not like_list(cell.text))):
            result.links.append(None)
            result.strange.append(cell.text)
        else:
            break
        result.tail, result.tail_start = row.text[end:], end
    return result


class Grid:
    """All cells of a block by row and column name.

    warnings: what could not be trusted. doubtful: cells where the text may have ended inside the link's number.
    """

    def __init__(self, block: Block, kinds: Kinds) -> None:
        self.warnings: list[str] = []
        self.faults: dict[str, list[str]] = {}
        self.links: dict[tuple[str, str], Link] = {}
        self.doubtful: set[tuple[str, str]] = set()
        self.columns = block.columns
        self.rows = self._rows(block, kinds)
        self.names = self._names(block)
        self._place()
        self.warnings += [f"{fault}: {some(names)}" for fault, names in self.faults.items()]

    def _fault(self, fault: str, name: str) -> None:
        self.faults.setdefault(fault, []).append(name)

    def _rows(self, block: Block, kinds: Kinds) -> list[Cells]:
        """Rows as read, with what a narrow terminal broke off joined to them."""
        columns = len(block.names) or None
        rows: list[Cells] = []
        for row in block.rows:
            before = rows[-1] if rows else None
            short = before is not None and columns is not None and len(before.links) < columns
            if row.name is None and before is not None and short and not before.tail.strip():
                rows[-1] = self._join(before, row, columns, kinds)
            else:
                rows.append(read_cells(row, columns, kinds))
        glued = [cells.name or "a row without a name" for cells in rows if cells.glued]
        if block.glued:
            glued.insert(0, "the header")
        if glued:
            self.warnings.append(f"glued cells (no blank between them) told apart by their names: {some(glued)}")
        for cells in rows:
            if cells.strange:
                self._fault(
                    "rows with cells that are no links", f"{cells.name or 'one without a name'} ({some(cells.strange)})"
                )
        return rows

    def _join(self, before: Cells, row: Row, columns: int | None, kinds: Kinds) -> Cells:
        self._fault("rows that go on in the next line", before.name or "one without a name")
        for blank in (" ", ""):
            text = before.row.text.rstrip() + blank + row.text
            start = len(text) - len(row.text)
            if blank:
                added = [cell._replace(start=cell.start + start) for cell in row.cells]
                joined = Row(before.name, before.row.prefix, text, [*before.row.cells, *added])
            else:
                seam = before.row.cells[-1]
                middle = seam._replace(text=seam.text + row.cells[0].text)
                added = [cell._replace(start=cell.start + start) for cell in row.cells[1:]]
                joined = Row(before.name, before.row.prefix, text, [*before.row.cells[:-1], middle, *added])
            cells = read_cells(joined, columns, kinds)
            if columns is not None and len(cells.links) == columns and not cells.strange:
                return cells
        return cells

    def _names(self, block: Block) -> list[str | None]:
        """The columns' names: the header's where the X of each row stands under the row's own name, else the rows'."""
        header: list[str | None] = list(block.names)
        listed = [cells.name for cells in self.rows if cells.name is not None]
        if header and header[-1] not in listed and len(listed) >= len(header):
            whole = listed[len(header) - 1]
            if whole.startswith(str(header[-1])) and whole not in header:
                self.warnings.append(f"the header ends inside the name {whole}")
                header[-1] = whole
        diagonal, width = self._diagonal()
        if not diagonal or (header and all(header[at : at + 1] in ([name], []) for at, name in diagonal.items())):
            length = max(len(header), max(diagonal, default=-1) + 1)
            return [header[at] if at < len(header) else diagonal.get(at) for at in range(length)]
        fault = "the header does not fit the diagonal of the matrix" if header else "no header"
        self.warnings.append(f"{fault}; columns are named by the rows")
        ordered = all(listed[at : at + 1] == [name] for at, name in diagonal.items())
        names: list[str | None] = []
        for at in range(width):
            other = header[at] if len(header) == width else listed[at] if ordered and at < len(listed) else None
            names.append(diagonal.get(at, None if other in diagonal.values() else other))
        return names

    def _diagonal(self) -> tuple[dict[int, str], int]:
        """Devices by the place of their own X, from the rows that are as wide as most; and that width."""
        whole = [(cells.selves[0], cells.name, len(cells.links)) for cells in self.rows if len(cells.selves) == 1]
        widths = [width for _at, _name, width in whole]
        usual = max(widths, key=lambda width: (widths.count(width), width), default=0)
        found = [(at, name) for at, name, width in whole if width == usual and name is not None]
        places, names = [at for at, _name in found], [name for _at, name in found]
        return {at: name for at, name in found if places.count(at) == 1 and names.count(name) == 1}, usual

    def _place(self) -> None:
        position = {name: at for at, name in reversed([*enumerate(self.names)]) if name is not None}
        if len(position) < len([name for name in self.names if name is not None]):
            self.warnings.append("the header names a device twice")
        seen: dict[str, Cells] = {}
        for cells in self.rows:
            if cells.name is None:
                at = cells.selves[0] if len(cells.selves) == 1 else -1
                if len(cells.links) != len(self.names) or at < 0 or self.names[at] is None:
                    self._fault("links without a device's name, left out", cells.row.text.strip()[:40])
                    continue
                cells.name = self.names[at]
                self._fault("rows that lost their names, named by the diagonal", t.cast(str, cells.name))
            name = t.cast(str, cells.name)
            if name in seen:
                if seen[name].links != cells.links:
                    self._fault("devices with two rows that differ, of which the first is used", name)
                continue
            seen[name] = cells
            for at in self._trusted(cells, name, position):
                column, link = self.names[at], cells.links[at]
                if column is not None and column != name and link is not None and link.kind != SELF:
                    self.links[name, column] = link
        self.rows = list(seen.values())

    def _trusted(self, cells: Cells, name: str, position: dict[str, int]) -> t.Iterable[int]:
        """The positions at which this row's cells stand under their own columns."""
        found, wanted = len(cells.links), len(self.names)
        own = position.get(name)
        ends = not cells.tail.strip()
        if not cells.selves:
            # Its X may be where the text was cut off, or in a cell that is damaged.
            cut = ends and found <= wanted and (own is None or own >= found)
            if cut or (found == wanted and own is not None and cells.links[own] is None):
                if found < wanted:
                    self._fault("rows that are cut", f"{name} ({found} of {wanted} links)")
                self._doubt(cells, name, ends)
                return range(found)
            self._fault("rows without an X under their own name, not used", name)
            return ()
        if own not in cells.selves:
            self._fault("rows whose cells do not stand under their columns, not used", name)
            return ()
        if len(cells.selves) > 1:
            self._fault("rows with more than one X", name)
        if found == wanted:
            self._doubt(cells, name, ends)
            return range(found)
        if found < wanted and ends:
            self._fault("rows that are cut", f"{name} ({found} of {wanted} links)")
            self._doubt(cells, name, True)
            return range(found)
        self._fault(f"rows that do not have {wanted} links, used up to their X", f"{name} ({found})")
        return range(own)

    def _doubt(self, cells: Cells, name: str, doubtful: bool) -> None:
        if doubtful and cells.links and cells.links[-1] is not None and cells.links[-1].count:
            column = self.names[len(cells.links) - 1] if len(cells.links) <= len(self.names) else None
            if column is not None:
                self.doubtful.add((name, column))


def is_peer_matrix(block: Block) -> bool:
    """Whether these are the cells of ``topo -p2p``."""
    texts = {cell.text for row in block.rows for cell in row.cells}
    return bool(texts & PEER) and texts <= PEER | {SELF}


def some(items: t.Sequence[str], limit: int = 6) -> str:
    """The first of them for a message, and how many more there are."""
    shown = ", ".join(items[:limit])
    return shown if len(items) <= limit else f"{shown} and {len(items) - limit} more"
