# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``nvidia-smi --query-gpu=… --format=csv`` and ``--query-compute-apps=…``, any columns, with or without units."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import re
import typing as t

from .gpu import Gpu, Inventory, Process, number, plain, size
from .text import clean

#: Field of a Gpu by column.
_FIELDS = {
    "index": "index",
    "name": "name",
    "gpu_name": "name",
    "uuid": "uuid",
    "gpu_uuid": "uuid",
    "pci.bus_id": "bus_id",
    "gpu_bus_id": "bus_id",
    "memory.total": "memory_bytes",
    "memory.used": "memory_used_bytes",
    "memory.free": "memory_free_bytes",
    "compute_cap": "compute_capability",
    "driver_version": "driver",
    "kmd_version": "driver",
    "compute_mode": "compute_mode",
    "persistence_mode": "persistence",
    "ecc.mode.current": "ecc",
    "mig.mode.current": "mig",
    "fabric.state": "fabric_state",
    "fabric.status": "fabric_status",
    "gpu_recovery_action": "recovery_action",
}
#: Columns that begin a header; nvidia-smi prints them in the order of the query.
_FIRST = frozenset((*_FIELDS, "timestamp", "count", "pid", "process_name", "used_gpu_memory", "used_memory"))
#: Columns whose values hold commas, which nvidia-smi does not quote.
_FREE_TEXT = ("process_name", "name", "gpu_name")
_COLUMN = re.compile(r"([A-Za-z][A-Za-z0-9_.]*)(?:\s*\[([^\]]+)\])?\Z")


@dataclasses.dataclass
class Table:
    """columns: names without units. units: by column. rows: values by column as printed; a cut row has fewer."""

    columns: list[str]
    units: dict[str, str]
    rows: list[dict[str, str]] = dataclasses.field(default_factory=list)
    warnings: list[str] = dataclasses.field(default_factory=list)

    @property
    def lists_gpus(self) -> bool:
        """Whether each row is a GPU; else each is a process."""
        return "pid" not in self.columns and bool({*self.columns} & {*_FIELDS})

    def gpus(self) -> Inventory:
        """The rows as GPUs, in the table's order."""
        inventory = Inventory(warnings=list(self.warnings))
        for row in self.rows:
            gpu = Gpu()
            for column, value in row.items():
                if column in _FIELDS:
                    gpu.take(_FIELDS[column], value, self.units.get(column, "MiB"))
            inventory.gpus.append(gpu)
        return inventory

    def processes(self) -> list[tuple[str | None, Process]]:
        """The rows as processes, each with its GPU's UUID."""
        result = []
        for row in self.rows:
            column = "used_gpu_memory" if "used_gpu_memory" in row else "used_memory"
            memory = size(plain(row.get(column)), self.units.get(column, "MiB"))
            process = Process(number(row.get("pid")), plain(row.get("process_name")), "C", memory)
            result.append((plain(row.get("gpu_uuid")), process))
        return result


def read_tables(text: str, columns: t.Sequence[str] | None = None) -> list[Table]:
    """The tables of a text. columns: those of the query, for a text without header (``noheader``). Never raises.

    Each header begins a table, a blank line ends it. Lines that are no row, such as the errors that nvidia-smi
    prints between rows, are left out and named in the table's warnings.
    """
    tables: list[Table] = []
    if columns is not None:
        tables.append(Table([column.strip() for column in columns], {}))
    words = 0
    open_table = tables[0] if tables else None
    for line in clean(text).split("\n"):
        header = _header(line)
        if header is not None:
            words, open_table = header
            tables.append(open_table)
        elif not line.strip():
            open_table = None if open_table is not None and open_table.rows else open_table
        elif open_table is not None:
            _row(line, words, open_table)
    return tables


def _cells(line: str) -> list[str]:
    """A line's values. Spreadsheets and documents put other separators, or quotes around values."""
    line = line.strip()
    if '"' in line:
        with contextlib.suppress(csv.Error, StopIteration):
            return [cell.strip() for cell in next(csv.reader([line], skipinitialspace=True))]
    if "," not in line:
        line = re.sub(r"[|;\t]", ",", line.strip("|"))
    return [cell.strip() for cell in line.split(",")]


def _header(line: str) -> tuple[int, Table] | None:
    """How many words of a log stand before the header, and its table."""
    cells = _cells(line)
    # What a logger put before the first column ends with a blank.
    before = re.match(r"(?:.*\s)?(?=[A-Za-z][A-Za-z0-9_.]*(?:\s*\[[^\]]+\])?\Z)", cells[0])
    words = len(before.group().split()) if before else 0
    first = cells[0][before.end() :] if before else cells[0]
    found = [_COLUMN.match(cell) for cell in (first, *cells[1:])]
    names = [match[1] for match in found if match is not None]
    if len(names) != len(cells) or names[0] not in _FIRST or (len(names) == 1 and (words or names[0] == "name")):
        return None
    units = {match[1]: match[2] for match in found if match is not None and match[2]}
    return words, Table(names, units)


def _row(line: str, words: int, table: Table) -> None:
    parts = line.strip().split(None, words)
    rest = parts[words] if words and len(parts) > words else line
    cells = _cells(rest)
    if all(re.fullmatch(r":?-+:?", cell) for cell in cells):
        return  # the line under a document's header
    columns = table.columns
    extra = len(cells) - len(columns)
    free = [columns.index(name) for name in _FREE_TEXT if name in columns]
    if extra > 0 and free:
        at = free[0]
        cells[at : at + extra + 1] = [", ".join(cells[at : at + extra + 1])]
        extra = 0
    if extra > 0 or (len(cells) == 1 and len(columns) > 1) or not _plausible(dict(zip(columns, cells))):
        table.warnings.append(f"no row of the table: {line.strip()[:80]}")
        return
    if extra < 0:
        table.warnings.append(f"a row is cut after {len(cells)} of {len(columns)} values")
    table.rows.append(dict(zip(columns, cells)))


def _plausible(row: dict[str, str]) -> bool:
    """Whether the values stand under their own columns."""
    shapes = {"index": r"[0-9]{1,3}", "pid": r"[0-9]+", "count": r"[0-9]+"}
    return all(
        re.fullmatch(shape, row[column]) or plain(row[column]) is None or row[column].startswith("[")
        for column, shape in shapes.items()
        if column in row
    )


_VALUE = re.compile(r"[0-9]+(?:\.[0-9]+)? (?:[KMG]iB|W|%|MHz)\Z")
_SHAPES = {
    "uuid": re.compile(r"GPU-[0-9A-Za-z-]+\Z"),
    "pci.bus_id": re.compile(r"[0-9A-Fa-f]{8}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\.[0-9]\Z"),
    "name": re.compile(r"(?:NVIDIA|Tesla|GeForce|Quadro|GRID|Graphics Device)\b"),
}


def read_headless(text: str) -> Inventory:
    """GPUs of a table without header whose query nobody knows. Never raises.

    Its rows begin with 0, 1, 2, … and hold a GPU's name or UUID; or there is nothing but rows that hold a GPU's name
    or UUID and a value with a unit. What the other values are, nobody can tell; they are
    left out, and the inventory says so.
    """
    inventory = Inventory()
    unnumbered: list[Gpu] = []
    lines = [line for line in clean(text).split("\n") if line.strip()]
    for line in lines:
        cells = _cells(line)
        row = {column: cell for cell in cells for column, shape in _SHAPES.items() if shape.match(cell)}
        if cells[0] == str(len(inventory.gpus)) and ("name" in row or "uuid" in row):
            gpu = Gpu(index=len(inventory.gpus))
            for column, value in row.items():
                gpu.take(_FIELDS[column], value)
            inventory.gpus.append(gpu)
        elif len(row) > 1 or (row and any(_VALUE.match(cell) for cell in cells)):
            gpu = Gpu()
            for column, value in row.items():
                gpu.take(_FIELDS[column], value)
            unnumbered.append(gpu)
    if not inventory.gpus and len(unnumbered) == len(lines):
        inventory.gpus = unnumbered
        inventory.warnings += ["a table without indexes: whether it lists all GPUs is not known"] * bool(unnumbered)
    if inventory.gpus:
        inventory.warnings.append("a table without header: only indexes, names, UUIDs and bus addresses are read")
    return inventory
