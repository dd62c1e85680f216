# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Room on the disk, and what dead downloads left there."""

from __future__ import annotations

import contextlib
import os
import typing as t
from pathlib import Path

from ..background.progress import size
from . import curl, record, rsync
from .errors import DownloadError
from .listing import Listing, RemoteFile

#: Kept free: a full disk stops more than the download.
_MARGIN = 64 * 2**20
#: Bookkeeping of the clients, no part of a model.
CACHE = ".cache"
_ENDINGS = (".incomplete", curl.PART)


def lacking(have: Listing, directory: Path) -> list[RemoteFile]:
    """Files that are not there with the size that the source tells."""
    return [file for file in have.files if record.size(directory / file.path) != file.size]


def check(directory: Path, files: t.Sequence[RemoteFile], subject: str) -> None:
    """Refuse when what is lacking does not fit. What came of a file already counts as there. Raises DownloadError."""
    needed = sum(max(0, file.size - _begun(directory, file)) for file in files)
    state = os.statvfs(_nearest(directory))
    free = state.f_bavail * state.f_frsize
    if needed + _MARGIN > free:
        rule = f"needs {size(needed)} at {directory}, and {size(free)} are free there"
        fix = f"free {size(needed + _MARGIN - free)} there, or set vllm_model_dir to a larger disk"
        raise DownloadError(subject, None, rule, fix)


def _begun(directory: Path, file: RemoteFile) -> int:
    """Bytes on the disk that the next try goes on from, or that it replaces."""
    path = directory / file.path
    for partial in (path.with_name(path.name + curl.PART), path.with_name(path.name + ".incomplete")):
        found = record.size(partial)
        if found is not None:
            return found
    return record.size(path) or record.size(path.parent / rsync.PARTIAL / path.name) or 0


def clean(directory: Path, have: Listing, resumes: bool) -> list[str]:
    """Remove what no try goes on from; hold the lease. resumes: whether the client goes on from its partial files.

    hf gives each its own name at every start, so that a dead one stays for ever. Returns what was removed.
    """
    kept = set()
    if resumes:
        for file in have.files:
            path = directory / file.path
            kept |= {path.with_name(path.name + ending) for ending in _ENDINGS}
    removed = []
    for path in directory.rglob("*"):
        if path.name.endswith(_ENDINGS) and path not in kept and path.is_file():
            with contextlib.suppress(OSError):
                path.unlink()
                removed.append(str(path.relative_to(directory)))
    return sorted(removed)


def used(directory: Path, have: Listing) -> int:
    """Bytes of the wanted files that are there, what came of unfinished ones included."""
    total = sum(record.size(directory / file.path) or 0 for file in have.files)
    with contextlib.suppress(OSError):
        for path in directory.rglob("*"):
            if path.name.endswith(_ENDINGS) or path.parent.name == rsync.PARTIAL:
                with contextlib.suppress(OSError):
                    total += path.stat().st_size
            elif path.name.startswith(".") and path.parent.name != CACHE and path.name.count(".") >= 2:
                total += _rsyncs(path)
    return min(total, have.size)


def _rsyncs(path: Path) -> int:
    """rsync writes ``.<name>.<six letters>`` before it gives a file its name."""
    return (record.size(path) or 0) if len(path.suffix) == 7 else 0


def _nearest(path: Path) -> Path:
    path = path.resolve()
    while not path.exists():
        path = path.parent
    return path
