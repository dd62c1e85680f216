# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that a source has, and which of them are wanted."""

from __future__ import annotations

import dataclasses
import fnmatch
import hashlib
import json
import typing as t

from .errors import DownloadError

#: Weights that PyTorch pickled: left out where the same repository has them as safetensors.
_PICKLED = ("pytorch_model*.bin", "pytorch_model.bin.index.json", "consolidated.*.pth")


@dataclasses.dataclass(frozen=True)
class RemoteFile:
    """path: within the source. size: bytes. digest: ``sha256:<hex>``, ``git:<sha1 of the blob>``, or None: none told.

    address: where it is fetched from, where that is not the source's own business. It may hold a secret.
    """

    path: str
    size: int
    digest: str | None = None
    address: str | None = dataclasses.field(default=None, repr=False)


@dataclasses.dataclass(frozen=True)
class Listing:
    """commit: the revision in its lasting form; None where a source has none. left_out: patterns beyond exclude."""

    files: tuple[RemoteFile, ...]
    commit: str | None = None
    left_out: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    @property
    def is_model(self) -> bool:
        """Whether it has a config.json and weights in a form whose completeness can be told."""
        names = {file.path for file in self.files}
        return "config.json" in names and any(name.endswith((".safetensors", ".bin")) for name in names)


def select(
    found: t.Iterable[RemoteFile],
    include: t.Sequence[str],
    exclude: t.Sequence[str],
    source: str,
    commit: str | None = None,
) -> Listing:
    """The wanted files. Patterns are those of fnmatch over the whole path; one that ends in / is all below.

    Raises DownloadError when none is left, or when a path leads out of the directory.
    """
    files = list(found)
    for file in files:
        parts = file.path.split("/")
        if not file.path or file.path.startswith("/") or ".." in parts or "\x00" in file.path or "\n" in file.path:
            raise DownloadError(source, file.path[:80], "lists a file outside of its own folder", "do not trust it")
    left_out: tuple[str, ...] = ()
    if not include and any(file.path.endswith(".safetensors") and "/" not in file.path for file in files):
        left_out = _PICKLED
    chosen = [
        file
        for file in files
        if (not include or _matches(file.path, include)) and not _matches(file.path, (*exclude, *left_out))
    ]
    if not chosen:
        rule = f"has {len(files)} files, and include and exclude leave none of them" if files else "holds no files"
        raise DownloadError(source, None, rule, "correct the patterns" if files else "correct the source")
    return Listing(tuple(sorted(chosen, key=lambda file: file.path)), commit, left_out)


def _matches(path: str, patterns: t.Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(path, f"{pattern}*" if pattern.endswith("/") else pattern) for pattern in patterns)


def digest(files: t.Mapping[str, t.Mapping[str, t.Any]]) -> str:
    """Stands for the files of a record: equal on hosts that hold the same."""
    told = {path: [item["size"], item.get("digest")] for path, item in files.items()}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]
