# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of our own in directories of others: whole or not at all, readable for all, and gone where they are empty."""

from __future__ import annotations

import os
import tempfile
import typing as t

_MODE = 0o644


class Module(t.Protocol):
    """What is used of an AnsibleModule."""

    check_mode: bool
    tmpdir: str

    def atomic_move(self, src: str, dest: str) -> None: ...

    def set_mode_if_different(self, path: str, mode: int, changed: bool) -> bool: ...


def keep(module: Module, path: str, text: str) -> bool:
    """Give the file this text, or remove it where the text is empty. Whether something changed, or would."""
    before = _read(path)
    if before == (text or None):
        return before is not None and module.set_mode_if_different(path, _MODE, False)
    if not module.check_mode:
        if text:
            write(module, path, text.encode())
        else:
            os.unlink(path)
    return True


def write(module: Module, path: str, data: bytes) -> None:
    """Put a file there in one step, its directory before it."""
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=module.tmpdir)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    module.atomic_move(name, path)
    module.set_mode_if_different(path, _MODE, False)


def _read(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except FileNotFoundError:
        return None
