# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The images that this collection brought to a host: these alone it may remove again."""

from __future__ import annotations

import json
import os
import typing as t
from pathlib import Path

from .engine import Engine, Refused

PATH = Path("/etc/vllm/images.json")
_CONFLICT, _GONE = 409, 404


def read(path: Path = PATH) -> list[str]:
    """References, oldest first; what is no such file holds none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))["brought"]
        return [str(item) for item in found]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def add(references: t.Iterable[str], path: Path = PATH) -> None:
    """Raises OSError."""
    known = read(path)
    _write([*known, *(item for item in references if item not in known)], path)


def stale(wanted: t.Iterable[str], path: Path = PATH) -> list[str]:
    """What was brought once and is not wanted any more."""
    keep = set(wanted)
    return [item for item in read(path) if item not in keep]


def prune(engine: Engine, references: t.Sequence[str], path: Path = PATH) -> tuple[list[str], list[str]]:
    """Remove them, but for what a container uses. Returns what is gone and what is in use. Raises Refused, OSError."""
    removed, used = [], []
    for item in references:
        try:
            engine.remove(item)
            removed.append(item)
        except Refused as refused:
            if refused.status == _CONFLICT:
                used.append(item)
            elif refused.status != _GONE:
                raise
    _write([item for item in read(path) if item in used or item not in references], path)
    return removed, used


def _write(references: t.Sequence[str], path: Path) -> None:
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(json.dumps({"schema_version": 1, "brought": list(references)}) + "\n", encoding="utf-8")
    os.replace(partial, path)
