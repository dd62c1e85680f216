# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""systemctl and journalctl that print what a host once printed: this machine need not run systemd."""

from __future__ import annotations

import json
import os
import typing as t
from pathlib import Path


class RecordedSystemd:
    """A folder of commands for PATH. ``calls()``: the command lines they were called with."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        for name in ("systemctl", "journalctl"):
            (folder / f"{name}.out").write_text("")
            script = folder / name
            script.write_text(f'#!/bin/sh\necho "{name} $*" >> "{folder}/calls"\ncat "{folder}/{name}.out"\n')
            script.chmod(0o755)

    @property
    def path(self) -> str:
        return f"{self.folder}{os.pathsep}{os.environ['PATH']}"

    def calls(self) -> list[str]:
        file = self.folder / "calls"
        return file.read_text().splitlines() if file.exists() else []

    def units(self, *units: dict[str, t.Any]) -> None:
        """What systemctl show tells; a unit is given by what differs from a running one."""
        running = {"LoadState": "loaded", "ActiveState": "active", "SubState": "running", "Result": "success"}
        running.update({"NRestarts": 0, "MainPID": 77, "InvocationID": "now", "ControlGroup": ""})
        blocks = ["\n".join(f"{key}={value}" for key, value in {**running, **unit}.items()) for unit in units]
        (self.folder / "systemctl.out").write_text("\n\n".join(blocks) + "\n")

    def journal(self, *entries: tuple[str, str]) -> None:
        """What journalctl tells: (invocation, message); a message of systemd begins with its unit's name."""
        rows = []
        for second, (invocation, message) in enumerate(entries):
            key = "INVOCATION_ID" if ".service: " in message else "_SYSTEMD_INVOCATION_ID"
            rows.append(
                {"MESSAGE": message, key: invocation, "__REALTIME_TIMESTAMP": str((1_795_224_000 + second) * 10**6)}
            )
        (self.folder / "journalctl.out").write_text("\n".join(json.dumps(row) for row in rows))
