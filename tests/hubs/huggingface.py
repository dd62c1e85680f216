# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A hub as the Hugging Face Hub answers, for the requests that its own client makes."""

from __future__ import annotations

import hashlib
import json
import re
import typing as t
from pathlib import Path

from tests.hubs.server import Handler, blob, paths, sha256

LARGE = (".safetensors", ".bin")


def commit(folder: Path) -> str:
    """The commit of what is in the folder now."""
    told = "".join(f"{path} {sha256(folder / path)}\n" for path in paths(folder))
    return hashlib.sha1(told.encode()).hexdigest()


class HuggingFace(Handler):
    """Models and datasets alike; a dataset is root/datasets/<owner>/<name>."""

    def route(self, path: str, _query: dict[str, str]) -> None:
        api = re.fullmatch(r"/api/(models|datasets)/([^/]+/[^/]+)(?:/(revision|tree)/([^/]+)(?:/.*)?)?", path)
        file = re.fullmatch(r"/(datasets/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path)
        if api:
            self._api(self._folder(api[1] == "datasets", api[2]), api[2], api[3], api[4])
        elif file:
            self._file(self._folder(bool(file[1]), file[2]), file[3], file[4])
        else:
            self._refuse("EntryNotFound")

    def _folder(self, dataset: bool, name: str) -> Path:
        return self.server.root / "datasets" / name if dataset else self.server.root / name

    def _refuse(self, code: str) -> None:
        self.text(json.dumps({"error": code}), 404, {"X-Error-Code": code, "X-Error-Message": code})

    def _known(self, folder: Path, revision: str | None) -> bool:
        if not folder.is_dir():
            self._refuse("RepoNotFound")
            return False
        if revision not in (None, "main", commit(folder)):
            self._refuse("RevisionNotFound")
            return False
        return True

    def _api(self, folder: Path, name: str, kind: str | None, revision: str | None) -> None:
        if not self._known(folder, revision):
            return
        entries = [self._entry(folder, path) for path in paths(folder)]
        if kind == "tree":
            answer: t.Any = [{"type": "file", **entry} for entry in entries]
        else:
            siblings = []
            for entry in entries:
                sibling = {"rfilename": entry["path"], "size": entry["size"], "blobId": entry["oid"]}
                if "lfs" in entry:
                    sibling["lfs"] = {"sha256": entry["lfs"]["oid"], "size": entry["size"], "pointerSize": 134}
                siblings.append(sibling)
            when = "2026-01-01T00:00:00.000Z"
            answer = {"_id": "0" * 24, "id": name, "sha": commit(folder), "private": False, "gated": False}
            answer |= {"disabled": False, "tags": [], "downloads": 0, "likes": 0, "siblings": siblings}
            answer |= {"createdAt": when, "lastModified": when}
        self.text(json.dumps(answer), headers={"Content-Type": "application/json"})

    def _entry(self, folder: Path, path: str) -> dict[str, t.Any]:
        size = self.server.told_sizes.get(path, (folder / path).stat().st_size)
        entry: dict[str, t.Any] = {"path": path, "size": size, "oid": blob(folder / path)}
        if path.endswith(LARGE):
            entry["lfs"] = {"oid": sha256(folder / path), "size": size, "pointerSize": 134}
        return entry

    def _file(self, folder: Path, revision: str, path: str) -> None:
        if not self._known(folder, revision):
            return
        if not (folder / path).is_file():
            self._refuse("EntryNotFound")
            return
        large = path.endswith(LARGE)
        tag = sha256(folder / path) if large else blob(folder / path)
        headers = {"X-Repo-Commit": commit(folder), "ETag": f'"{tag}"'}
        if large:
            headers |= {"X-Linked-Etag": f'"{tag}"', "X-Linked-Size": str((folder / path).stat().st_size)}
        self.file(folder, path, headers)
