# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a model's source may be, and the directory that it is brought to."""

from __future__ import annotations

import dataclasses
import hashlib
import re
import typing as t
import urllib.parse

HUB, MODELSCOPE, S3, WEB, RSYNC = "hub", "modelscope", "s3", "web", "rsync"
#: How sources are written, for a person to read.
FORMS = "owner/name, modelscope://owner/name, s3://bucket/folder, https://host/folder, rsync://host/module/folder or ssh://user@host/folder"

_KINDS = {"modelscope": MODELSCOPE, "s3": S3, "http": WEB, "https": WEB, "rsync": RSYNC, "ssh": RSYNC}
_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9_][\w.-]*")
_HUB_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?")
#: Blanks and signs that a shell, a URL or rsync would read as something else.
_ADDRESS = re.compile(r"[A-Za-z0-9._~/:@%+=,!\[\]-]+")


class BadSource(ValueError):
    """rule: what is wrong with the text. fix: what to write."""

    def __init__(self, rule: str, fix: str) -> None:
        super().__init__(rule)
        self.rule, self.fix = rule, fix


@dataclasses.dataclass(frozen=True)
class Source:
    """kind: who brings it. name: the repository of a hub, else the address without a slash at its end."""

    kind: str
    name: str


def parse(text: str) -> Source:
    """Raises BadSource."""
    scheme, separator, rest = text.partition("://")
    if not separator:
        if not _HUB_REPOSITORY.fullmatch(text):
            raise BadSource("is no source of models", f"write {FORMS}")
        return Source(HUB, text)
    kind = _KINDS.get(scheme)
    if kind is None:
        raise BadSource(f"nothing is brought by {scheme}://", f"write {FORMS}")
    if kind == MODELSCOPE:
        if not _REPOSITORY.fullmatch(rest):
            raise BadSource("names no repository of ModelScope", "write modelscope://owner/name")
        return Source(kind, rest)
    name = text.rstrip("/")
    fault = _fault(scheme, name)
    if fault is not None:
        raise BadSource(*fault)
    return Source(kind, name)


def _fault(scheme: str, address: str) -> tuple[str, str] | None:
    """(rule, fix) of an address."""
    try:
        parts = urllib.parse.urlsplit(address)
        parts.port  # noqa: B018  reading it is what checks it
    except ValueError as error:
        return f"is no address ({error})", "correct it"
    if parts.password is not None or (parts.username is not None and scheme != "ssh"):
        return "holds a user name or password, and plans show it", "take it out; docs/models.md names the variables"
    if parts.query or parts.fragment or not _ADDRESS.fullmatch(address):
        return "holds a question mark, a blank or another sign that no address of a folder has", "name a folder"
    if not parts.hostname or (parts.username or "a").startswith("-") or parts.hostname.startswith("-"):
        return "names no host" if scheme != "s3" else "names no bucket", f"write {FORMS}"
    if ".." in parts.path.split("/"):
        return "leads upward", "name the folder itself"
    if scheme in ("rsync", "ssh") and not parts.path.strip("/"):
        return "names no folder", f"write {FORMS}"
    return None


def folder(text: str, revision: str | None, dataset: bool, patterns: t.Sequence[t.Sequence[str]]) -> str:
    """The name of the directory: another for everything that differs by source, revision or choice of files.

    ``Qwen/Qwen2.5`` -> ``Qwen--Qwen2.5``. What cannot be read back from the name is told by a digest at its end.
    """
    name = re.sub(r"[^\w.-]+", "--", text)
    if revision:
        name += "@" + re.sub(r"[^\w.-]+", "--", revision)
    told = text.replace("/", "--") + (f"@{revision}" if revision else "")
    if name != told or "--" in text or dataset or any(patterns):
        identity = repr((text, revision, dataset, [list(items) for items in patterns]))
        name = f"{name[:160]}-{hashlib.sha256(identity.encode()).hexdigest()[:8]}"
    return name
