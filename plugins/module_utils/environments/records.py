# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The records beside environments: what the collection made, and whether it was finished."""

from __future__ import annotations

import os
import tempfile
import typing as t
from pathlib import Path

from .state import Record


def record_path(environment: Path) -> Path:
    """Where the record of an environment is. Beside it, so that it outlives a half-removed directory."""
    return environment.parent / f".{environment.name}.json"


def read_record(environment: Path) -> Record | None:
    """None where there is none that this release can read."""
    try:
        return Record.from_json(record_path(environment).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return None


def write_record(environment: Path, record: Record) -> None:
    """Whole or not at all, also when the host loses power."""
    path = record_path(environment)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=path.name, encoding="utf-8", delete=False) as handle:
        handle.write(record.to_json())
        handle.flush()
        os.fsync(handle.fileno())
    os.chmod(handle.name, 0o644)
    os.replace(handle.name, path)


def recorded(folder: Path) -> dict[Path, Record | None]:
    """Every environment of a folder that the collection made, finished or not, by its path."""
    paths = [folder / file.stem[1:] for file in sorted(folder.glob(".*.json"))]
    return {path: read_record(path) for path in paths}


def others(environments: t.Iterable[Path]) -> list[Path]:
    """The finished environments with vLLM that lie beside these and are none of them: what one can go back to."""
    wanted = set(environments)
    found = {
        path: record for folder in sorted({path.parent for path in wanted}) for path, record in recorded(folder).items()
    }
    return [
        path
        for path, record in found.items()
        if path not in wanted and path.is_dir() and record is not None and record.complete and "vllm" in record.packages
    ]
