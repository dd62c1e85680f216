# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a member's guard says of its group (docs/guard.md): the status file, read and judged."""

from __future__ import annotations

import json
import os
import typing as t

from ..clients.vllm import Check

DIRECTORY = "/run/vllm-guard"
#: A guard writes every 5 seconds; one that is older says nothing of now.
SILENT_AFTER_S = 20
_LIMIT = 256 * 1024

Status = t.Mapping[str, t.Any]


def path(engine: str, directory: str = DIRECTORY) -> str:
    """The status file of an engine's guard on this host."""
    return os.path.join(directory, f"{engine}.status.json")


def read(file: str) -> dict[str, t.Any] | None:
    """The status document; None where there is none, or no whole one."""
    try:
        with open(file, encoding="utf-8") as handle:
            document = json.loads(handle.read(_LIMIT))
    except (OSError, ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def silent_for(status: Status, wall: float) -> float | None:
    """Seconds since the guard wrote last, where it should have written again; else None. wall: Unix time."""
    written = status.get("written")
    age = wall - written if isinstance(written, (int, float)) else float("inf")
    return age if age > SILENT_AFTER_S else None


def token_check(status: Status | None, wall: float) -> Check:
    """The rung "token" of a member that answers no client: its guard says that it is part of a group that serves.

    A unit of an older epoch than the head's is about to be restarted.
    """
    if status is None:
        return Check(False, "its guard has not said anything yet")
    if silent_for(status, wall) is not None:
        return Check(False, "its guard says nothing any more")
    phase, epoch = status.get("phase"), status.get("epoch")
    if phase != "serving":
        return Check(False, f"its guard says: {phase}")
    if status.get("role") == "worker" and epoch != status.get("head_epoch"):
        return Check(False, f"its guard says: of epoch {epoch}, the head is in {status.get('head_epoch')}")
    return Check(True, f"its guard says: serving, epoch {epoch}")
