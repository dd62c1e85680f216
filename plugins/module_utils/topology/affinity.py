# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The processor and NUMA columns of a link matrix, which stand under no column of their own."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from .rows import CPU, GPU_NUMA, NUMA, like_list
from .text import number_list

#: nvidia-smi prints no more than this of a list of single processors, so six of them may be sixty.
_CUT_BY_TOOL = re.compile(r"[0-9]+(?:,[0-9]+){5}\Z")
_TAB = 8


@dataclasses.dataclass
class Affinity:
    """cpus: the list as printed, or None. numa: node numbers, or None. gpu_numa: the node of the GPU's own memory."""

    cpus: str | None = None
    numa: list[int] | None = None
    gpu_numa: int | None = None
    problem: str | None = None
    glued: bool = False


def read_affinity(tail: str, start: int, columns: tuple[str, ...]) -> Affinity:
    """What stands after the links of a GPU's row.

    tail: the row's text after its last link. start: where that is in the row. columns: what the header names.
    The driver separates the columns by one or two tabs and leaves values out (no NUMA support, a processor set
    without the GPU's node), so where values are fewer than columns their tab stops tell which are missing.
    """
    values = re.findall(r"N/A|(?:(?!N/A)\S)+", tail)
    if not values:
        return Affinity(problem="no processor and NUMA columns" if columns else None)
    if not columns:
        return Affinity(problem=f"text under no column: {' '.join(values)}")
    if not all(like_list(value) for value in values) or len(values) > len(columns):
        return Affinity(problem=f"processor and NUMA columns not understood: {' '.join(values)}")
    if len(values) == len(columns):
        result = _read(dict(zip(columns, values)))
        result.glued = len(values) != len(tail.split())
        return result
    placed = _place(_fields(tail, start), columns)
    if placed is None:
        return Affinity(problem=f"processor and NUMA columns are incomplete: {' '.join(values)}")
    return _read(placed)


def _read(values: t.Mapping[str, str]) -> Affinity:
    result = Affinity()
    for column, value in values.items():
        if value == "N/A":
            continue
        numbers = number_list(value)
        if numbers is None or (column == GPU_NUMA and len(numbers) != 1):
            result.problem = f"{column} is no list of numbers: {value}"
        elif column == CPU:
            result.cpus = value
            if _CUT_BY_TOOL.match(value):
                result.problem = f"nvidia-smi may have cut the list of processors {value}"
        elif column == NUMA:
            result.numa = numbers
        else:
            result.gpu_numa = numbers[0]
    return result


def _fields(tail: str, start: int) -> list[str] | None:
    """The tail's fields between tabs; blanks that a terminal made of tabs are counted back to tabs."""
    if "\t" in tail:
        return [field.strip() for field in tail.split("\t")[1:]]
    fields: list[str] = []
    end = start
    for value in re.finditer(r"\S+", tail):
        begin = start + value.start()
        if begin % _TAB:
            return None
        fields.extend([""] * (begin // _TAB - end // _TAB - 1))
        fields.append(value.group())
        end = start + value.end()
    return fields


def _place(fields: list[str] | None, columns: tuple[str, ...]) -> dict[str, str] | None:
    """Values by column, where the fields leave no doubt; a column without a value is left out."""
    if not fields or columns[0] != CPU:
        return None
    placed = {CPU: fields[0]} if fields[0] else {}
    rest = [(at, value) for at, value in enumerate(fields[1:], 1) if value]
    others = columns[1:]
    if len(rest) == len(others):
        placed.update(zip(others, (value for _at, value in rest)))
    elif len(rest) == 1 and rest[0][0] > len(others) and GPU_NUMA in others:
        placed[GPU_NUMA] = rest[0][1]  # it comes last, and the driver always fills it
    elif rest or others:
        return None
    return placed
