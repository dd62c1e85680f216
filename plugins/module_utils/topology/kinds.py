# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of links between devices, as the legend of ``nvidia-smi topo -m`` defines them."""

from __future__ import annotations

import dataclasses
import re

NVLINK = "NV"
SELF = "X"
#: What crosses PCIe, nearest first. PSB: a switch on the GPU's own board. SOC: the old name of SYS.
PCIE = ("PSB", "PIX", "PXB", "PHB", "NODE", "SYS")
SAME = {"SOC": "SYS"}
#: Cells of ``nvidia-smi topo -p2p``, another matrix with the same header.
PEER = frozenset(("OK", "CNS", "GNS", "TNS", "NS", "DR", "U"))

_LEGEND = re.compile(r"(?<!\S)([A-Z][A-Z0-9]{1,7})\s*=\s*Connection\b")


@dataclasses.dataclass(frozen=True)
class Link:
    """A link's kind (``NV``, ``PIX``, …, or as printed where unknown) and how many NVLinks it bonds (0: none)."""

    kind: str
    count: int = 0

    @property
    def rank(self) -> tuple[int, int]:
        """Nearer links have the greater rank; a kind that nobody knows comes last."""
        if self.kind == NVLINK:
            return len(PCIE) + 1, self.count
        kind = SAME.get(self.kind, self.kind)
        return (len(PCIE) - PCIE.index(kind), 0) if kind in PCIE else (0, 0)

    @property
    def known(self) -> bool:
        return self.rank > (0, 0)

    def __str__(self) -> str:
        return f"{self.kind}{self.count}" if self.kind == NVLINK else self.kind


#: Where the text says nothing that can be trusted.
UNKNOWN = Link("unknown")


class Kinds:
    """The kinds that one text may hold: those that everyone prints, and those that its own legend names."""

    def __init__(self, text: str = "") -> None:
        self.extra = sorted(set(_LEGEND.findall(text)) - {*PCIE, *SAME})
        words = sorted((SELF, *PCIE, *SAME, *self.extra), key=len, reverse=True)
        self._words = (*words, NVLINK)
        self._cell = re.compile("|".join((*words, "NV[0-9]{1,3}")))
        self._cells = re.compile(rf"(?:{self._cell.pattern})+\Z")

    def split(self, chunk: str) -> list[str]:
        """The cells of a chunk without blanks: one, or several that lost the blanks between them; else nothing."""
        return self._cell.findall(chunk) if self._cells.match(chunk) else []

    def cut(self, chunk: str) -> bool:
        """Whether this is the beginning of a link's name."""
        return any(word.startswith(chunk) for word in self._words)

    def before_number(self, chunk: str) -> tuple[list[str], str]:
        """Cells glued to the processor list after them (``SYS0-47``), as cells and list; else no cells.

        After an NVLink nobody can tell where its number ends.
        """
        found = re.fullmatch(r"(.*?[A-Z])([0-9][0-9,-]*|N/A)", chunk)
        return (self.split(found[1]), found[2]) if found else ([], chunk)


def parse(cell: str) -> Link:
    """The link of one cell, as printed."""
    found = re.fullmatch(r"NV([0-9]{1,3})", cell)
    return Link(NVLINK, int(found[1])) if found and int(found[1]) else Link(cell)
