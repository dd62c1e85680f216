# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``nvidia-smi topo -m``: which link joins which devices."""

from __future__ import annotations

import dataclasses
import itertools

from .affinity import Affinity, read_affinity
from .cells import Grid, is_peer_matrix, some
from .kinds import UNKNOWN, Kinds, Link
from .rows import CPU, NUMA, cased, gpu_number, read_blocks, read_legend
from .text import clean, number_text


@dataclasses.dataclass
class Matrix:
    """A link matrix.

    gpus: indexes, ascending. nics: names as in the matrix's own order. devices: what a NIC's name stands for
    (``NIC0`` is ``mlx5_0``; a name that is a device stands for itself), None where the legend is missing.
    links: by the pair of names, first named first; ``UNKNOWN`` where the text does not tell. others: columns that are
    neither (DDn, a NIC's direct data path). warnings: all that could not be trusted, in words.
    """

    gpus: list[int] = dataclasses.field(default_factory=list)
    nics: list[str] = dataclasses.field(default_factory=list)
    others: list[str] = dataclasses.field(default_factory=list)
    devices: dict[str, str | None] = dataclasses.field(default_factory=dict)
    links: dict[tuple[str, str], Link] = dataclasses.field(default_factory=dict)
    affinity: dict[int, Affinity] = dataclasses.field(default_factory=dict)
    warnings: list[str] = dataclasses.field(default_factory=list)

    def link(self, a: str, b: str) -> Link:
        return self.links.get((a, b)) or self.links.get((b, a)) or UNKNOWN

    def gpu_links(self) -> dict[tuple[int, int], Link]:
        """The link of every pair of GPUs, lower index first."""
        pairs = itertools.combinations(self.gpus, 2)
        return {(a, b): self.link(f"GPU{a}", f"GPU{b}") for a, b in pairs}


def read_matrix(text: str) -> Matrix | None:
    """The first link matrix of a text, or None where there is none. Never raises.

    Takes what people paste: tabs or blanks, terminal escapes whole or damaged, prefixes on each line, NIC columns
    of any name, any set of affinity columns, lost rows, columns, blanks and ends. A cell counts where the diagonal
    proves its column or the mirrored cell says the same; everything else becomes a warning.
    """
    printed = clean(text)
    text = cased(printed)
    kinds = Kinds(text)
    blocks = read_blocks(text, kinds)
    links = [block for block in blocks if not is_peer_matrix(block)]
    if not links:
        return None
    # A header may stand alone, where nvidia-smi failed after it or a log repeats it.
    block = next((block for block in links if block.rows), links[0])
    grid = Grid(block, kinds)
    matrix = Matrix(warnings=grid.warnings)
    others = [other for other in links if other is not block and other.rows]
    if any([row.text.split() for row in other.rows] != [row.text.split() for row in block.rows] for other in others):
        matrix.warnings.append(f"the text holds {len(others) + 1} matrices that differ; the first is used")
    _sort_devices(matrix, grid)
    _resolve(matrix, grid)
    _name_nics(matrix, read_legend(text))
    _read_affinities(matrix, grid)
    if text != printed and matrix.nics:
        matrix.warnings.append("the text has lost its capital or small letters; names of NICs are as it has them")
    matrix.warnings = list(dict.fromkeys(matrix.warnings))
    return matrix


def _read_affinities(matrix: Matrix, grid: Grid) -> None:
    absent = [column for column in (CPU, NUMA) if column not in grid.columns]
    if absent:
        matrix.warnings.append(f"no column {' and no column '.join(absent)}")
    problems: dict[str, list[int]] = {}
    for cells in grid.rows:
        number = gpu_number(cells.name or "")
        if number is None:
            continue
        affinity = matrix.affinity[number] = read_affinity(cells.tail, cells.tail_start, grid.columns)
        if affinity.problem:
            problems.setdefault(affinity.problem, []).append(number)
        if affinity.glued:
            problems.setdefault("glued processor and NUMA columns (no blank between them) told apart", []).append(
                number
            )
    matrix.warnings += [f"{number_text(numbers)}: {problem}" for problem, numbers in problems.items()]


def _sort_devices(matrix: Matrix, grid: Grid) -> None:
    rows = [cells.name for cells in grid.rows if cells.name is not None]
    for name in dict.fromkeys([*(name for name in grid.names if name is not None), *rows]):
        number = gpu_number(name)
        if number is not None:
            matrix.gpus.append(number)
        elif name[:2] == "DD" and name[2:].isdigit():
            matrix.others.append(name)
        else:
            matrix.nics.append(name)
    without = [name for name in dict.fromkeys(grid.names) if name is not None and name not in rows]
    if without:
        matrix.warnings.append(f"no row of {some(without)}")
    matrix.gpus.sort()
    missing = sorted(set(range(max(matrix.gpus, default=-1) + 1)) - set(matrix.gpus))
    if missing:
        matrix.warnings.append(f"GPU numbers are left out: {', '.join(map(str, missing[:16]))}")


def _resolve(matrix: Matrix, grid: Grid) -> None:
    """One link for each pair, from its two cells."""
    names = [f"GPU{number}" for number in matrix.gpus] + matrix.nics + matrix.others
    lost: list[str] = []
    for a, b in itertools.combinations(names, 2):
        there, back = grid.links.get((a, b)), grid.links.get((b, a))
        if there is not None and back is not None and there != back:
            link = _choose(a, b, there, back, grid, matrix.warnings)
        else:
            link = there or back or UNKNOWN
            if ((a, b) if there else (b, a)) in grid.doubtful and (there is None or back is None):
                matrix.warnings.append(f"the link of {a} and {b} stands where the text is cut: {link}")
        if link is UNKNOWN:
            lost.append(f"{a}-{b}")
            continue
        if not link.known:
            matrix.warnings.append(f"the kind of link {link} is not known; it counts as the farthest")
        matrix.links[a, b] = link
    if lost:
        matrix.warnings.append(f"the text does not tell the links of {some(lost)}")


def _choose(a: str, b: str, there: Link, back: Link, grid: Grid, warnings: list[str]) -> Link:
    link = min(there, back, key=lambda link: link.rank)
    for pair, cut, whole in (((a, b), there, back), ((b, a), back, there)):
        if pair in grid.doubtful and str(whole).startswith(str(cut)):
            link = whole  # NV1, where the text ends inside NV12
    warnings.append(f"the matrix is not symmetric: {a} to {b} is {there}, {b} to {a} is {back}; taken as {link}")
    return link


def _name_nics(matrix: Matrix, legend: dict[str, list[str]]) -> None:
    for name in matrix.nics:
        numbered = name[:3] == "NIC" and name[3:].isdigit()
        found = legend.get(name, [])
        matrix.devices[name] = found[0] if len(found) == 1 else None if numbered or found else name
        if len(found) > 1:
            matrix.warnings.append(f"the legend gives {name} more than one device: {', '.join(found)}")
    absent = [name for name in legend if name not in matrix.nics and name not in matrix.others]
    if absent:
        matrix.warnings.append(f"the legend names what the matrix does not have: {some(absent)}")
    unnamed = [name for name, device in matrix.devices.items() if device is None and name not in legend]
    if unnamed:
        matrix.warnings.append(f"no legend for {some(unnamed)}")
