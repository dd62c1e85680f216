# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ModelScope: what a repository holds, and the command line of its own client, ``modelscope``."""

from __future__ import annotations

import typing as t
import urllib.parse

from . import web
from .errors import DownloadError
from .listing import Listing, RemoteFile

ENDPOINT = "https://modelscope.cn"
VERSION = "1.40.2"
REQUIREMENTS = (f"modelscope=={VERSION}",)
REVISION = "master"
#: Where its client keeps settings and locks of its own, within the directory.
SCRATCH = ".cache/modelscope"
#: The hub lists no more entries of a model than these, and does not say that there are more.
_MOST_ENTRIES = 3000
_PAGE = 200


def files(endpoint: str, name: str, dataset: bool, revision: str | None, token: str | None) -> list[RemoteFile]:
    """Raises DownloadError."""
    subject = f"modelscope://{name}" + (f"@{revision}" if revision else "")
    entries = list(_entries(endpoint.rstrip("/"), name, dataset, revision or REVISION, token, subject))
    try:
        return [_file(item) for item in entries if item["Type"] != "tree"]
    except (KeyError, TypeError, ValueError):
        fix = "set vllm_modelscope_endpoint to ModelScope or a mirror of it"
        raise DownloadError(subject, None, f"{endpoint} does not tell which files it has", fix) from None


def _entries(
    endpoint: str, name: str, dataset: bool, revision: str, token: str | None, subject: str
) -> t.Iterator[t.Any]:
    query = {"Revision": revision, "Recursive": "True"}
    if not dataset:
        found = _page(f"{endpoint}/api/v1/models/{name}/repo/files", query, token, subject)
        if len(found) >= _MOST_ENTRIES:
            rule = f"has {_MOST_ENTRIES} files or more, and ModelScope lists no more than these"
            raise DownloadError(subject, None, rule, "bring it by other means, and name its directory as the model")
        yield from found
        return
    for number in range(1, 100_000):
        page = {**query, "PageNumber": str(number), "PageSize": str(_PAGE)}
        found = _page(f"{endpoint}/api/v1/datasets/{name}/repo/tree", page, token, subject)
        yield from found
        if len(found) < _PAGE:
            return


def _page(url: str, query: t.Mapping[str, str], token: str | None, subject: str) -> list[t.Any]:
    answer = web.ask_json(f"{url}?{urllib.parse.urlencode(query)}", token, subject)
    data = answer.get("Data") if isinstance(answer, dict) else None
    found = data.get("Files") if isinstance(data, dict) else data
    if not isinstance(found, list) or answer.get("Success") is False:
        said = str(answer.get("Message") if isinstance(answer, dict) else "no mapping")[:200]
        raise DownloadError(subject, None, f"ModelScope says: {said}", "correct the name, the revision or the token")
    return found


def _file(item: t.Mapping[str, t.Any]) -> RemoteFile:
    digest = item.get("Sha256")
    return RemoteFile(str(item["Path"]), int(item["Size"]), f"sha256:{digest}" if digest else None)


def command(
    environment: str,
    name: str,
    dataset: bool,
    revision: str | None,
    listing: Listing,
    patterns: tuple[t.Sequence[str], t.Sequence[str]],
    directory: str,
    workers: int,
) -> list[str]:
    """The command line; it holds no secret."""
    argv = [f"{environment}/bin/modelscope", "download", name, "--local-dir", directory]
    argv += ["--max-workers", str(workers), "--revision", revision or REVISION]
    if dataset:
        argv += ["--repo-type", "dataset"]
    include, exclude = patterns[0], [*patterns[1], *listing.left_out]
    argv += ["--include", *include] if include else []
    return argv + (["--exclude", *exclude] if exclude else [])


def variables(endpoint: str, token: str | None, scratch: str) -> dict[str, str]:
    """The client's environment. scratch: where it may write settings and locks of its own."""
    result = {"MODELSCOPE_ENDPOINT": endpoint.rstrip("/"), "MODELSCOPE_HOME": scratch, "MODELSCOPE_CACHE": scratch}
    return {**result, "MODELSCOPE_API_TOKEN": token} if token else result
