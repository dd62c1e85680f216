# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Digests of files, read on several cores at once: hashlib leaves the interpreter to others while it works."""

from __future__ import annotations

import concurrent.futures
import hashlib
import os
import typing as t
from pathlib import Path

SHA256, GIT = "sha256", "git"
_BLOCK = 2**22
_MOST_AT_ONCE = 4


def _nobody(_count: int) -> None:
    """Nobody wants to know how far it is."""


def of_file(path: Path, kind: str, on_bytes: t.Callable[[int], None] = _nobody) -> str:
    """``<kind>:<hex>``. kind ``git``: of a git blob, which hubs tell of small files. Raises OSError."""
    found = hashlib.sha256() if kind == SHA256 else hashlib.sha1()  # noqa: S324  git's own names are SHA-1
    if kind == GIT:
        found.update(b"blob %d\0" % path.stat().st_size)
    with open(path, "rb", buffering=0) as handle:
        while True:
            block = handle.read(_BLOCK)
            if not block:
                return f"{kind}:{found.hexdigest()}"
            found.update(block)
            on_bytes(len(block))


def wrong(
    directory: Path, digests: t.Mapping[str, str | None], on_bytes: t.Callable[[int], None] = _nobody
) -> list[str]:
    """Paths whose content is not that of their digest. Those without one are not read."""

    def differs(path: str) -> bool:
        expected = digests[path] or ""
        try:
            return of_file(directory / path, expected.partition(":")[0], on_bytes) != expected
        except OSError:
            return True

    told = [path for path, value in digests.items() if value]
    with concurrent.futures.ThreadPoolExecutor(min(_MOST_AT_ONCE, os.cpu_count() or 1)) as pool:
        return [path for path, bad in zip(told, pool.map(differs, told)) if bad]
