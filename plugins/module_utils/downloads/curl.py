# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files by their addresses, with curl. What came of a file stays beside it, and the next try goes on from there."""

from __future__ import annotations

import concurrent.futures
import os
import typing as t
from pathlib import Path

from . import record
from .errors import DownloadError
from .listing import RemoteFile
from .processes import Done, Run

PART = ".part"
_NO_RANGE, _BAD_RANGE = 33, 36
#: Exit statuses of curl (its manual), for a person to read.
_MEANS = {
    5: "the proxy's name is not known",
    6: "the host's name is not known",
    7: "no connection",
    18: "the connection was cut",
    22: "the server refuses it",
    28: "the server is too slow or silent",
    35: "TLS failed",
    52: "the server says nothing",
    56: "the connection was cut",
    60: "the server's certificate is not trusted",
    92: "the connection was cut",
}


def fetch(run: Run, files: t.Sequence[RemoteFile], directory: Path, token: str | None, workers: int) -> None:
    """Bring the files. Raises the first DownloadError when all others have ended."""
    with concurrent.futures.ThreadPoolExecutor(max(1, workers)) as pool:
        made = [pool.submit(_one, run, file, directory, token) for file in files]
    for future in made:
        future.result()


def _one(run: Run, file: RemoteFile, directory: Path, token: str | None) -> None:
    target = directory / file.path
    part = target.with_name(target.name + PART)
    target.parent.mkdir(parents=True, exist_ok=True)
    if (record.size(part) or 0) > file.size:
        part.unlink()
    if record.size(part) != file.size or file.size == 0:
        done = run(["curl", "--config", "-"], {}, _config(file, part, token))
        if done.status in (_NO_RANGE, _BAD_RANGE):
            part.unlink(missing_ok=True)  # the server sends whole files alone
            done = run(["curl", "--config", "-"], {}, _config(file, part, token))
        if done.status != 0:
            raise _failed(file, done)
    if record.size(part) != file.size:
        got = record.size(part)
        part.unlink(missing_ok=True)
        rule = f"came with {got} bytes, and was told to have {file.size}"
        raise DownloadError(file.path, None, rule, "try again; if it stays so, the source is damaged", passing=True)
    os.replace(part, target)


def _config(file: RemoteFile, part: Path, token: str | None) -> str:
    """curl's settings, read from its input: an argument would show tokens and signed addresses to every user."""
    lines = [
        ("url", file.address or ""),
        ("output", str(part)),
        ("continue-at", "-"),
        ("connect-timeout", "20"),
        ("speed-limit", "1"),
        ("speed-time", "60"),
        *([("header", f"Authorization: Bearer {token}")] if token else []),
    ]
    switches = "fail\nlocation\nsilent\nshow-error\ngloboff\n"
    return switches + "".join(f"{name} = {_quoted(value)}\n" for name, value in lines)


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _failed(file: RemoteFile, done: Done) -> DownloadError:
    meaning = _MEANS.get(done.status, "curl failed")
    said = done.last_lines(1)
    denied = done.status == 22 and any(f"error: {code}" in said for code in (401, 403, 404, 410))
    fix = "correct the source or the token" if denied else "run it again: it goes on where it stopped"
    return DownloadError(file.path, None, f"{meaning} ({said})", fix, passing=not denied)
