# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guard's files under /run: the record that outlives it, the status for people and playbooks, the metrics."""

from __future__ import annotations

import contextlib
import json
import os
from typing import Any

_LIMIT = 1024 * 1024
_VERSION = 1


class Files:
    """The three files of one engine. Writing never raises: a full or missing /run must not stop the guard."""

    def __init__(self, directory: str, engine: str, role: str, member: str) -> None:
        self._directory, self._engine = directory, engine
        self._identity = {"version": _VERSION, "role": role, "member": member}
        self._written: dict[str, str] = {}
        self.fault = ""

    def record(self) -> Any:
        """What ``keep`` wrote last, by a guard of the same role; None without one. Raises ValueError: damaged."""
        try:
            with open(self._path(".json"), encoding="utf-8") as file:
                document = json.loads(file.read(_LIMIT))
        except FileNotFoundError:
            return None
        except (OSError, RecursionError) as error:
            raise ValueError(str(error)) from None
        if not isinstance(document, dict):
            raise ValueError("no JSON object")
        if {key: document.get(key) for key in self._identity} != self._identity:
            return None
        return document.get("state")

    def keep(self, state: dict[str, Any]) -> None:
        """Write the record, where it differs from the one on file."""
        self._write(".json", json.dumps({**self._identity, "state": state}), 0o600)

    def status(self, document: dict[str, Any]) -> None:
        """Write the status."""
        self._write(".status.json", json.dumps(document, indent=1) + "\n", 0o644)

    def metrics(self, text: str) -> None:
        """Write the metrics."""
        self._write(".prom", text, 0o644)

    def _path(self, suffix: str) -> str:
        return os.path.join(self._directory, self._engine + suffix)

    def _write(self, suffix: str, text: str, mode: int) -> None:
        path = self._path(suffix)
        if self._written.get(suffix) == text and os.path.exists(path):
            return
        fresh = path + ".new"
        try:
            os.makedirs(self._directory, mode=0o755, exist_ok=True)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(fresh)
            with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
                os.fchmod(file.fileno(), mode)
                file.write(text)
            os.replace(fresh, path)
        except OSError as error:
            self.fault = f"{path}: {error.strerror}"
            return
        self._written[suffix] = text
        self.fault = ""
