# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Hugging Face Hub and its mirrors: what a repository holds, and the command line of its own client, ``hf``."""

from __future__ import annotations

import re
import typing as t
import urllib.parse

from . import web
from .errors import DownloadError
from .listing import Listing, RemoteFile

ENDPOINT = "https://huggingface.co"
VERSION = "2.4.0"
REQUIREMENTS = (f"huggingface-hub=={VERSION}",)
_COMMIT = re.compile(r"[0-9a-f]{40}")


def is_commit(revision: str | None) -> bool:
    """Whether it is a whole commit's hash: what it names never changes."""
    return bool(revision and _COMMIT.fullmatch(revision))


def files(
    endpoint: str, name: str, dataset: bool, revision: str | None, token: str | None
) -> tuple[str, list[RemoteFile]]:
    """The commit that the revision stands for now, and its files. Raises DownloadError."""
    kind = "datasets" if dataset else "models"
    path = (
        f"/api/{kind}/{urllib.parse.quote(name)}/revision/{urllib.parse.quote(revision or 'main', safe='')}?blobs=true"
    )
    answer = web.ask_json(endpoint.rstrip("/") + path, token, f"{name}@{revision}" if revision else name)
    try:
        commit = str(answer["sha"])
        found = [_file(item) for item in answer["siblings"]]
    except (KeyError, TypeError, ValueError):
        fix = "set vllm_hub_endpoint to a hub that tells the sizes of its files"
        raise DownloadError(name, None, f"{endpoint} does not tell which files it has", fix) from None
    if not is_commit(commit):
        raise DownloadError(name, commit[:80], f"{endpoint} tells no commit", "set vllm_hub_endpoint to a hub")
    return commit, found


def _file(item: t.Mapping[str, t.Any]) -> RemoteFile:
    large = item.get("lfs")
    if large:
        return RemoteFile(str(item["rfilename"]), int(large["size"]), f"sha256:{large['sha256']}")
    blob = item.get("blobId")
    return RemoteFile(str(item["rfilename"]), int(item["size"]), f"git:{blob}" if blob else None)


def command(
    environment: str,
    name: str,
    dataset: bool,
    listing: Listing,
    patterns: tuple[t.Sequence[str], t.Sequence[str]],
    directory: str,
    workers: int,
) -> list[str]:
    """The command line; it holds no secret."""
    argv = [f"{environment}/bin/hf", "download", name, "--local-dir", directory, "--max-workers", str(workers)]
    argv += ["--revision", str(listing.commit)]
    if dataset:
        argv += ["--repo-type", "dataset"]
    include, exclude = patterns
    argv += [part for pattern in include for part in ("--include", pattern)]
    argv += [part for pattern in (*exclude, *listing.left_out) for part in ("--exclude", pattern)]
    return argv


def variables(endpoint: str, token: str | None) -> dict[str, str]:
    """hf's environment. The token goes this way, the only one that other users of the host cannot read."""
    result = {
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_UPDATE_CHECK": "1",
        "NO_COLOR": "1",
        "HF_TOKEN": token or "",
    }
    if endpoint.rstrip("/") != ENDPOINT:
        # Mirrors carry the hub's own interface, not the store that its chunked transfer fetches from.
        result.update({"HF_ENDPOINT": endpoint.rstrip("/"), "HF_HUB_DISABLE_XET": "1"})
    return result
