# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a failed command said, without secrets, and what to do about it."""

from __future__ import annotations

import re
import typing as t

TAIL_LINES = 12  # of a command's answer in an error message
#: Users and passwords, and the tokens of conda's channels (``/t/<token>/``).
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+(?=@)|(?<=/t/)[^/\s]+(?=/)")

#: A pattern of what a command says, and what to do then. The first that is found counts.
Hints = t.Sequence[tuple[str, str]]


def without_credentials(text: str) -> str:
    """``text`` with the user and password, or the token, of every URL in it masked."""
    return _CREDENTIALS.sub("***", text)


def credentials(text: str) -> list[str]:
    """Users, passwords and tokens of the URLs in ``text``, as written there (%-encoded)."""
    return [part for found in _CREDENTIALS.findall(text) for part in found.split(":", 1) if part]


def explain(output: str, rc: int, timeout: int, hints: Hints) -> str:
    """The last lines of a failed command and what to do about it; ``timeout`` in seconds."""
    if rc == 124:  # coreutils timeout
        return f"it was stopped after {timeout} s. Fix: look at the network and the index, or raise timeout."
    lines = [line.rstrip() for line in without_credentials(output).splitlines() if line.strip()]
    tail = "\n".join(lines[-TAIL_LINES:]) or f"nothing (exit status {rc})"
    hint = next((text for pattern, text in hints if re.search(pattern, output)), None)
    return f"it says:\n{tail}" + (f"\nFix: {hint}." if hint else "")
