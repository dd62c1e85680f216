# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who uses an environment: units that name it, and processes that run from it."""

from __future__ import annotations

import contextlib
import os
import typing as t
from pathlib import Path

#: Where systemd reads units that persons and programs of the host write, and where our units' variables are.
PLACES = ("/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/etc/vllm/units")


def users(
    environments: t.Sequence[Path], places: t.Iterable[str] = PLACES, processes: str = "/proc"
) -> dict[Path, list[str]]:
    """What uses each of the environments, for a person to read; nothing for those that nobody uses.

    A process uses it that has a file of it open as program or library, or names it in its command. Raises OSError
    where units cannot be read, so that what is not known is not taken for unused.
    """
    found: dict[Path, list[str]] = {path: [] for path in environments}
    for file in _files(places):
        _note(found, file.read_bytes(), file.name)
    for folder in sorted(Path(processes).glob("[0-9]*")):
        texts = [_read(folder / name) for name in ("cmdline", "maps")]
        with contextlib.suppress(OSError):  # a thread of the kernel, or it has ended
            texts.append(os.fsencode(os.readlink(folder / "exe")))
        _note(found, b"\n".join(texts), f"process {folder.name}")
    return found


def _files(places: t.Iterable[str]) -> list[Path]:
    """The unit files and drop-ins, those that links lead to included."""
    return [file for place in places for file in sorted(Path(place).rglob("*")) if file.is_file()]


def _note(found: dict[Path, list[str]], text: bytes, user: str) -> None:
    for path, known in found.items():
        # Units name the path that they were given, the kernel the one without links.
        if user not in known and any(_mentions(text, os.fsencode(name)) for name in (path, path.resolve())):
            known.append(user)


def _mentions(text: bytes, name: bytes) -> bool:
    """Whether the name stands there: "/envs/a" does not in "/envs/a-2"."""
    return any(text[at + len(name) : at + len(name) + 1] not in _MORE for at in _places(text, name))


#: What goes on with a name.
_MORE = frozenset(bytes([sign]) for sign in b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.+")


def _places(text: bytes, name: bytes) -> t.Iterator[int]:
    at = text.find(name)
    while at >= 0:
        yield at
        at = text.find(name, at + 1)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:  # the process has ended
        return b""
