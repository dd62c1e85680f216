# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of a link matrix: its header, its rows, its NIC legend. Whatever else a log holds is passed over."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from .kinds import Kinds

#: The columns after the links, in the order in which every driver prints them.
CPU, NUMA, GPU_NUMA = "CPU Affinity", "NUMA Affinity", "GPU NUMA ID"

_COLUMNS = {
    CPU: r"CPU\s*Affinity|CPU(?:\s+A[a-z]*)?\s*\Z",
    NUMA: r"NUMA\s*Affinity|NUMA(?:\s+A[a-z]*)?\s*\Z",
    GPU_NUMA: r"GPU\s*NUMA\s*ID|GPU\s+N[A-Z]*(?:\s+I?)?\s*\Z",
}
_ANY_COLUMN = re.compile("|".join(f"(?P<c{number}>{shape})" for number, shape in enumerate(_COLUMNS.values())))
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.+-]*\Z")
_GLUED_PREFIX = re.compile(r".*[^A-Za-z0-9_.+-](?=[A-Za-z])|\A[+.-]+(?=[A-Za-z])")
_NUMBERED = re.compile(r"(?:GPU|NIC|DD)[0-9]{1,4}\Z")
_GPU = re.compile(r"GPU([0-9]{1,4})\Z")
_TIME = re.compile(
    r"(?:[0-9]{2,4}[-/][0-9]{2}[-/][0-9]{2,4}[T ]*)?[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]+)?Z?|[0-9]+\.[0-9]+"
)
_LIST = re.compile(r"[0-9][0-9,-]*\Z|N/A\Z")
#: What closes a quoted line, and what may follow it in a list of such lines.
_QUOTED_END = re.compile(r"[ \t]*[`'\"][`'\",\])}]*[ \t]*\Z")
_LEGEND = re.compile(r"(?<![A-Za-z0-9_])((?:NIC|DD)[0-9]{1,4}):[ \t]+([A-Za-z0-9_][A-Za-z0-9_.+-]*)")
_WORDS = re.compile(
    r"(?<![A-Za-z0-9_.-])(?:(?P<upper>(?:gpu|nic|dd|nv)[0-9]{1,4}|x|n/a|psb|pix|pxb|phb|node|sys|soc|gpu numa id)"
    r"|(?P<title>(?:cpu|numa) affinity)|legend)(?![A-Za-z0-9_.-])",
    re.IGNORECASE,
)


def cased(text: str) -> str:
    """The text with the words of a matrix as the driver writes them, where small or capital letters replaced them."""
    if "Affinity" in text or (re.search(r"\bGPU[0-9]", text) and not re.search(r"\b(?:CPU|NUMA) AFFINITY", text)):
        return text

    def word(found: re.Match[str]) -> str:
        if found["title"]:
            return found["title"][:-8].upper() + "Affinity"
        return found[0].upper() if found["upper"] else found[0].title()

    return _WORDS.sub(word, text)


def gpu_number(name: str) -> int | None:
    """The index of a device named as a GPU, else None."""
    found = _GPU.match(name)
    return int(found[1]) if found else None


def like_list(chunk: str) -> bool:
    """Whether this may be a processor or NUMA list."""
    return _LIST.match(chunk) is not None


class Chunk(t.NamedTuple):
    """What stands between blanks, and where."""

    start: int
    text: str


def chunks(line: str) -> list[Chunk]:
    """What a line holds between its blanks."""
    return [Chunk(found.start(), found.group()) for found in re.finditer(r"\S+", line)]


@dataclasses.dataclass
class Row:
    """One device's line. ``text`` begins at the name, ``cells`` are the offset and text of what follows it.

    A line that has lost its name, or continues the line before, has the name None.
    """

    name: str | None
    prefix: str
    text: str
    cells: list[Chunk]
    glued: bool = False


@dataclasses.dataclass
class Block:
    """The lines of one matrix."""

    prefix: str
    names: list[str]
    columns: tuple[str, ...]
    rows: list[Row] = dataclasses.field(default_factory=list)
    glued: bool = False

    @property
    def evidence(self) -> int:
        return len(self.rows) + bool(self.columns)


def _bare(chunk: str) -> str:
    """A chunk without quotes around it, and without what a logger put right before it."""
    return _GLUED_PREFIX.sub("", chunk.strip("\"'`,"))


def _split_names(chunk: str) -> list[str]:
    """Device names of a header's chunk; ``NIC10NIC11`` lost its blank."""
    chunk = _bare(chunk)
    return re.split(r"(?<=.)(?=(?:GPU|NIC)[0-9])", chunk) if _NAME.match(chunk) else []


def read_header(line: str, kinds: Kinds) -> Block | None:
    """The header of a matrix, or None. Its device names may be cut; the rows tell the rest."""
    if "GPU" not in line:
        return None
    column = _ANY_COLUMN.search(line)
    left = line[: column.start()] if column else line
    names: list[str] = []
    prefix = ""
    # A column's name is set off by a blank, like any other.
    glued = any(line[at.start() - 1 : at.start()].strip() for at in _ANY_COLUMN.finditer(line, 1))
    for chunk in reversed(chunks(left)):
        parts = _split_names(chunk.text)
        if not parts:
            break
        names[:0] = parts
        glued = glued or len(parts) > 1
        prefix = left[: chunk.start] + chunk.text[: chunk.text.find(parts[0])]
    while names and gpu_number(names[0]) is None:
        prefix += " " + names.pop(0)
    if not names or any(kinds.split(name) for name in names):
        return None
    whole = names[:-1] if len(names) > 2 else names  # the last one may go on in the next line
    if column is None and not all(re.search(r"[0-9]", name) for name in whole):
        return None  # a sentence
    labels = list(_COLUMNS)
    found = [labels[int((match.lastgroup or "c0")[1:])] for match in _ANY_COLUMN.finditer(line, len(left))]
    return Block(prefix.strip(), names, tuple(dict.fromkeys(found)), glued=glued)


def read_row(line: str, kinds: Kinds, names: t.Collection[str]) -> Row | None:
    """A row of a matrix, or None. ``names``: devices of the header, which are names however they look."""
    found = chunks(line)
    for at, chunk in enumerate(found):
        if not kinds.split(chunk.text):
            glued = re.search(r"(?<![A-Za-z0-9_])(?:GPU|NIC)[0-9]{1,4}(?=[A-Z])", chunk.text)
            if glued and kinds.split(chunk.text[glued.end() :]):
                rest = Chunk(chunk.start + glued.end(), chunk.text[glued.end() :])
                first = chunk._replace(text=chunk.text[: glued.end()])
                return dataclasses.replace(_row(line, first, glued.group(), [rest, *found[at + 1 :]]), glued=True)
            continue
        if at + 1 < len(found) and found[at + 1].text.startswith("="):
            return None  # the legend
        for before in range(at - 1, -1, -1):
            name = _bare(found[before].text)
            if name in names or _NUMBERED.match(name):
                return _row(line, found[before], name, found[before + 1 :])
            if not re.match(r"[^a-z]{1,8}\Z", name):
                break  # no cell that the driver failed to fill
        name = _bare(found[at - 1].text) if at else ""
        if not names and _NAME.match(name) and re.search("[0-9]", name):
            return _row(line, found[at - 1], name, found[at:])
    if found and all(kinds.split(chunk.text) or like_list(chunk.text) for chunk in found):
        return _row(line, found[0], None, found)
    return None


def _row(line: str, first: Chunk, name: str | None, cells: list[Chunk]) -> Row:
    start = first.start + (first.text.rfind(name) if name else 0)
    return Row(name, line[:start].strip(), line[start:], [Chunk(cell.start - start, cell.text) for cell in cells])


def read_blocks(text: str, kinds: Kinds) -> list[Block]:
    """The matrices of a cleaned text, in its order; those of several pods whose lines are mixed are told apart."""
    blocks: list[Block] = []
    for raw in text.split("\n"):
        line = re.sub(r"[|│┃]", " ", raw) if len(re.findall(r"[|│┃]", raw)) > 2 else raw
        line = _QUOTED_END.sub("", line.replace("**", ""))
        header = read_header(line, kinds)
        if header is not None:
            blocks.append(header)
            continue
        row = read_row(line, kinds, _known(blocks))
        if row is None:
            _continue_header(line, blocks)
            continue
        if row.name is not None and not blocks:
            blocks.append(Block(row.prefix, [], ()))
        if blocks:
            block = _block_of(row, blocks)
            if not (block.rows or block.columns) and not all(re.search("[0-9]", name) for name in block.names[-1:]):
                block.names = []  # its last name is cut, and no line went on with it
            block.rows.append(row)
    return [block for block in blocks if block.evidence]


def _known(blocks: list[Block]) -> set[str]:
    return {name for block in blocks for name in block.names}


def _source(prefix: str) -> str:
    """What is the same in the prefixes of one source's lines: no times, no counters."""
    return _TIME.sub("", prefix).strip()


def _block_of(row: Row, blocks: list[Block]) -> Block:
    sources = {_source(block.prefix) for block in blocks}
    if len(sources) > 1:
        for block in reversed(blocks):
            if _source(block.prefix) == _source(row.prefix):
                return block
    return blocks[-1]


def _continue_header(line: str, blocks: list[Block]) -> None:
    """A header that a narrow terminal broke goes on with names and columns alone."""
    if not blocks or blocks[-1].rows or blocks[-1].columns:
        return
    column = _ANY_COLUMN.search(line)
    left = line[: column.start()] if column else line
    found_chunks = chunks(left)
    last = blocks[-1].names[-1:]
    broken = re.match(r"[0-9_.-][A-Za-z0-9_.+-]*", line)
    if last and found_chunks and broken and broken.group() == found_chunks[0].text:
        # The terminal broke the name itself.
        found_chunks[0] = found_chunks[0]._replace(text=last[0] + broken.group())
    else:
        last = []
    parts = [_split_names(chunk.text) for chunk in found_chunks]
    if not all(parts) or not (column or parts):
        return
    names = [name for part in parts for name in part]
    if not all(re.search("[0-9]", name) for name in names):
        return
    labels = list(_COLUMNS)
    found = [labels[int((match.lastgroup or "c0")[1:])] for match in _ANY_COLUMN.finditer(line, len(left))]
    del blocks[-1].names[len(blocks[-1].names) - len(last) :]
    blocks[-1].names += names
    blocks[-1].columns = tuple(dict.fromkeys(found))


def read_legend(text: str) -> dict[str, list[str]]:
    """What NICn and DDn are, by name: the device, as printed, of each legend line."""
    legend: dict[str, list[str]] = {}
    for name, device in _LEGEND.findall(text):
        if device not in legend.setdefault(name, []):
            legend[name].append(device)
    return legend
