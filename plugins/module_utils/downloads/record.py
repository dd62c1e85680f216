# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hidden file in a downloaded directory that says what it holds. It is written last, so that it vouches for all."""

from __future__ import annotations

import dataclasses
import json
import os
import typing as t
from pathlib import Path

from . import checksums

NAME = ".vllm-download.json"
SCHEMA_VERSION = 1


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What is to be in a directory. revision None: whatever is newest at the first download."""

    source: str
    dataset: bool
    revision: str | None
    include: tuple[str, ...]
    exclude: tuple[str, ...]

    @property
    def name(self) -> str:
        """``owner/name``, ``owner/name@revision``, ``datasets/owner/name``."""
        name = f"{self.source}@{self.revision}" if self.revision else self.source
        return f"datasets/{name}" if self.dataset else name

    def as_dict(self) -> dict[str, t.Any]:
        found = dataclasses.asdict(self)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in found.items()}


@dataclasses.dataclass(frozen=True)
class Record:
    """wanted: what it was brought for. commit: of a hub. files: ``{path: {size, digest}}``; digest may be None."""

    wanted: dict[str, t.Any]
    commit: str | None
    files: dict[str, dict[str, t.Any]]

    def text(self) -> str:
        document = {"schema_version": SCHEMA_VERSION, **dataclasses.asdict(self)}
        return json.dumps(document, indent=1, sort_keys=True) + "\n"


def read(directory: Path) -> Record | None:
    """None for anything that this release did not write."""
    try:
        data = json.loads((directory / NAME).read_text(encoding="utf-8"))
        if data["schema_version"] != SCHEMA_VERSION:
            return None
        files = {
            str(path): {"size": int(item["size"]), "digest": item["digest"]} for path, item in data["files"].items()
        }
        return Record(dict(data["wanted"]), data["commit"], files)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def write(directory: Path, record: Record) -> None:
    """Raises OSError."""
    partial = directory / f"{NAME}.{os.getpid()}"
    with open(partial, "w", encoding="utf-8") as handle:
        handle.write(record.text())
        handle.flush()
        os.fsync(handle.fileno())
    os.replace(partial, directory / NAME)


def missing(wanted: Wanted, directory: Path, verify: bool = False) -> tuple[str | None, list[str]]:
    """Why the directory does not hold what is wanted, complete, and which files are damaged; (None, []) when it does.

    Reads the record and the files' sizes; with verify all files, to compare them with their recorded digests.
    """
    record = read(directory)
    if record is None:
        return ("it was not downloaded completely" if directory.exists() else "it is not there"), []
    if record.wanted != wanted.as_dict():
        return "it holds another revision or another choice of files", []
    wrong = damaged(record, directory, verify)
    if not wrong:
        return None, []
    more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
    return f"files are missing, of another size or of other content: {', '.join(wrong[:3])}{more}", wrong


def damaged(record: Record, directory: Path, verify: bool = False) -> list[str]:
    """Files that are gone or differ since, by path."""
    wrong = [path for path, item in record.files.items() if size(directory / path) != item["size"]]
    if verify:
        whole = [path for path in record.files if path not in wrong]
        wrong += checksums.wrong(directory, {path: record.files[path]["digest"] for path in whole})
    return sorted(wrong)


def size(path: Path) -> int | None:
    """Bytes of a regular file; None where there is none."""
    try:
        return path.stat().st_size if path.is_file() else None
    except OSError:
        return None
