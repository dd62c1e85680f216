# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The form of a rule: a log line, what it means and what to do."""

from __future__ import annotations

import re
from typing import NamedTuple


class Rule(NamedTuple):
    """One kind of failure.

    code: its name for programs.
    pattern: searched in a cleaned line that is no INFO, DEBUG or WARNING line.
    summary, fix: texts; ``{name}`` in the summary is the pattern's group of that name.
    permanent: True when starting again cannot help (a restart loop may be cut short).
    weak: a wrapper or a warning: taken only when no other rule finds its line, and then in any line.
    because: the attempt's first line that matches it is the better evidence (warnings too).
    more: up to how many lines after it belong to the message.
    """

    code: str
    pattern: re.Pattern[str]
    summary: str
    fix: str
    permanent: bool
    weak: bool
    because: re.Pattern[str] | None
    more: int


def rule(
    code: str,
    pattern: str,
    summary: str,
    fix: str,
    permanent: bool = True,
    weak: bool = False,
    because: str | None = None,
    more: int = 0,
) -> Rule:
    """A Rule from texts."""
    reason = None if because is None else re.compile(because)
    return Rule(code, re.compile(pattern), summary, fix, permanent, weak, reason, more)
