# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders of other hosts, with rsync: from its own service, or over ssh."""

from __future__ import annotations

import re
import typing as t
import urllib.parse

from .errors import DownloadError
from .listing import RemoteFile
from .processes import Done, Run

#: Where rsync keeps what came of a file when it was cut off, beside the file.
PARTIAL = ".vllm-rsync-partial"
_LINE = re.compile(r"-\S+ +([\d,.]+) \d{4}/\d\d/\d\d \d\d:\d\d:\d\d (.+)")
_LASTING = {
    1: "correct the source",
    4: "let the other host allow it",
    5: "correct the module's name, and let the service admit this host",
    23: "let the files be read by whoever serves them",
}


def files(run: Run, address: str) -> list[RemoteFile]:
    """Raises DownloadError."""
    done = run(["rsync", "--recursive", "--list-only", "--no-human-readable", *_options(address)], {}, "")
    if done.status != 0:
        raise _failed(address, done)
    matches = (_LINE.fullmatch(line) for line in done.out.splitlines())
    return [RemoteFile(match[2], int(re.sub(r"\D", "", match[1]))) for match in matches if match]


def fetch(run: Run, address: str, wanted: t.Sequence[RemoteFile], directory: str) -> None:
    """Raises DownloadError."""
    # Filters and no list of files: services of rsync 3.5.0 without chroot look for listed files in the wrong place.
    argv = [
        "rsync",
        "--recursive",
        "--times",
        "--partial-dir",
        PARTIAL,
        "--filter=. -",
        *_options(address),
        f"{directory}/",
    ]
    done = run(argv, {}, _filters(wanted))
    if done.status != 0:
        raise _failed(address, done)


def _filters(wanted: t.Sequence[RemoteFile]) -> str:
    """Rules that let exactly these files through, and the folders on the way to them."""
    rules: dict[str, None] = {}
    for file in wanted:
        parts = file.path.split("/")
        for depth in range(1, len(parts)):
            rules[f"+ /{_literal('/'.join(parts[:depth]))}/"] = None
        rules[f"+ /{_literal(file.path)}"] = None
    return "\n".join([*rules, "- *", ""])


def _literal(path: str) -> str:
    """A backslash protects a wildcard, and is itself where there is no wildcard."""
    return re.sub(r"([*?\[\\])", r"\\\1", path) if re.search(r"[*?\[]", path) else path


def _options(address: str) -> list[str]:
    """The options that the address decides, and the address as rsync takes it."""
    parts = urllib.parse.urlsplit(address)
    if parts.scheme == "rsync":
        return ["--timeout=60", "--contimeout=20", f"{address}/"]
    port = f" -p {parts.port}" if parts.port else ""
    where = f"{parts.username}@{parts.hostname}" if parts.username else str(parts.hostname)
    ssh = f"ssh -o BatchMode=yes -o ConnectTimeout=20{port}"
    return ["--timeout=60", "--protect-args", f"--rsh={ssh}", f"{where}:{parts.path}/"]


def _failed(address: str, done: Done) -> DownloadError:
    said = done.last_lines(3)
    fix = _LASTING.get(done.status, "")
    if "Permission denied (" in said or "Host key verification failed" in said:
        fix = "let root of this host log in there by key, and put the other host's key into its known_hosts"
    passing = not fix
    return DownloadError(
        address, None, f"rsync says: {said}", fix or "let the host reach it, and run it again", passing
    )
