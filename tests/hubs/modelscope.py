# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A hub as ModelScope answers, for the requests that its own client makes."""

from __future__ import annotations

import json
import re
import typing as t
from pathlib import Path

from tests.hubs.server import Handler, paths, sha256


class ModelScope(Handler):
    """Models and datasets alike; a dataset is root/datasets/<owner>/<name>."""

    def route(self, path: str, query: dict[str, str]) -> None:
        found = re.fullmatch(r"/api/v1/(models|datasets)/([^/]+/[^/]+)(/repo/files|/repo/tree|/repo|/revisions)?", path)
        folder = (
            self.server.root / ("datasets" if found and found[1] == "datasets" else "") / (found[2] if found else "")
        )
        if not found or not folder.is_dir() or query.get("Revision", "master") not in ("master", "v1"):
            self._answer(None, 404)
        elif found[3] in ("/repo/files", "/repo/tree"):
            self._list(folder, query)
        elif found[3] == "/revisions":
            self._answer({"RevisionMap": {"Branches": [{"Revision": "master"}], "Tags": [{"Revision": "v1"}]}})
        elif found[3] is None:
            owner, _slash, name = found[2].partition("/")
            self._answer({"Id": 1, "Path": owner, "Name": name, "Visibility": 5})
        elif (folder / query.get("FilePath", "-")).is_file():
            self.file(folder, query["FilePath"], {"ETag": f'"{sha256(folder / query["FilePath"])}"'})
        else:
            self._answer(None, 404)

    def _answer(self, data: t.Any, status: int = 200) -> None:
        good = status == 200
        document = {"Code": 200 if good else 10010205001, "Success": good, "Message": "" if good else "not found"}
        self.text(json.dumps({**document, "Data": data}), status, {"Content-Type": "application/json"})

    def _list(self, folder: Path, query: dict[str, str]) -> None:
        files = [self._entry(folder, path) for path in paths(folder)]
        if "PageNumber" in query:
            size = int(query["PageSize"])
            start = (int(query["PageNumber"]) - 1) * size
            files = files[start : start + size]
        self._answer({"Files": files})

    def _entry(self, folder: Path, path: str) -> dict[str, t.Any]:
        size = self.server.told_sizes.get(path, (folder / path).stat().st_size)
        told = {"Name": path.rpartition("/")[2], "Path": path, "Type": "blob", "Size": size, "Revision": "a" * 40}
        return {**told, "Sha256": sha256(folder / path), "IsLFS": path.endswith(".safetensors"), "CommittedDate": 1}
