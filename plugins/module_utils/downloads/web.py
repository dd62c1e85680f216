# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small documents of hubs, and folders of web servers that hold a SHA256SUMS."""

from __future__ import annotations

import concurrent.futures
import http.client
import json
import re
import typing as t
import urllib.error
import urllib.parse
import urllib.request

from .errors import DownloadError
from .listing import RemoteFile

SUMS = "SHA256SUMS"
TIMEOUT_S = 30.0
_MOST_BYTES = 2**26
_SUM = re.compile(r"([0-9a-fA-F]{64}) [ *](?:\./)?(.+)")
_AT_ONCE = 8
_REACH = "let the host reach it (proxies of its environment are used), or name a mirror that it reaches"
_DENIED = "correct the name and the token; a gated model must be granted to the token's owner"


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects; the token stays with the server that it is for."""

    def redirect_request(
        self, req: urllib.request.Request, fp: t.Any, code: int, msg: str, headers: t.Any, newurl: str
    ) -> urllib.request.Request | None:
        made = super().redirect_request(req, fp, code, msg, headers, newurl)
        if made is not None and urllib.parse.urlsplit(newurl)[:2] != urllib.parse.urlsplit(req.full_url)[:2]:
            made.remove_header("Authorization")
        return made


def ask(url: str, token: str | None, subject: str, method: str = "GET") -> tuple[bytes, t.Mapping[str, str]]:
    """Body and headers of an answer. subject: what the error is about. Raises DownloadError."""
    request = urllib.request.Request(  # noqa: S310  no other scheme comes here
        url, method=method, headers={"User-Agent": "vllm.cluster"}
    )
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.build_opener(_Redirects).open(request, timeout=TIMEOUT_S) as answer:
            return answer.read(_MOST_BYTES), answer.headers
    except urllib.error.HTTPError as error:
        raise _refused(subject, url, error.code) from None
    except (urllib.error.URLError, http.client.HTTPException, OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        rule = f"{_host(url)} gives no answer ({reason})"
        raise DownloadError(subject, None, rule, _REACH, passing=not isinstance(error, ValueError)) from None


def _refused(subject: str, url: str, status: int) -> DownloadError:
    rule = f"{_host(url)} answers HTTP {status}"
    if status in (401, 403):
        return DownloadError(subject, None, rule, _DENIED)
    if status in (404, 410):
        return DownloadError(
            subject, None, f"{rule}: it has no such model or revision", "correct the name or the revision"
        )
    return DownloadError(
        subject, None, rule, "try again later, or name a mirror", passing=status >= 500 or status == 429
    )


def ask_json(url: str, token: str | None, subject: str) -> t.Any:
    """Raises DownloadError, for an answer that is no JSON as well."""
    body, _headers = ask(url, token, subject)
    try:
        return json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        fix = "check that the endpoint is a hub's, and no login page or proxy"
        raise DownloadError(subject, None, f"{_host(url)} answers with something that is no JSON", fix) from None


def sums(text: str, subject: str) -> dict[str, str]:
    """Digest by path, of the text of a SHA256SUMS. Raises DownloadError."""
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        match = _SUM.fullmatch(line.strip())
        if match:
            found[match[2]] = f"sha256:{match[1].lower()}"
        elif line.strip():
            fix = "make it with: find . -type f ! -name SHA256SUMS -exec sha256sum {} + > SHA256SUMS"
            raise DownloadError(f"{subject}/{SUMS}", f"line {number}", "is no line of sha256sum", fix)
    return found


def files(address: str, token: str | None) -> list[RemoteFile]:
    """The files of a folder: paths and digests from its SHA256SUMS, sizes from the server. Raises DownloadError."""
    try:
        body, _headers = ask(f"{address}/{SUMS}", token, address)
    except DownloadError as error:
        if "HTTP 404" in error.rule or "HTTP 410" in error.rule:
            fix = "put a SHA256SUMS beside the files, as sha256sum writes it: it says which files there are"
            raise DownloadError(address, None, f"has no {SUMS}", fix) from None
        raise
    digests = sums(body.decode("utf-8", errors="replace"), address)

    def one(path: str) -> RemoteFile:
        url = f"{address}/{urllib.parse.quote(path)}"
        _body, headers = ask(url, token, url, "HEAD")
        length = headers.get("Content-Length") or ""
        if not length.isdecimal():
            raise DownloadError(
                url, None, "the server does not tell its size", "use a server that tells Content-Length"
            )
        return RemoteFile(path, int(length), digests[path], url)

    with concurrent.futures.ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(one, digests))


def _host(url: str) -> str:
    return urllib.parse.urlsplit(url).netloc.rpartition("@")[2]
