# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What preflight finds wrong, in one shape for every check."""

from __future__ import annotations

import dataclasses
import typing as t

#: The engine would fail or hang.
ERROR = "error"
#: The engine would start, and be slow or at risk.
WARNING = "warning"


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    id: stable name (docs/preflight.md). source, target: from which member to which, in the direction that traffic
    would take; target is None for a fault of one host, both are None for one of all. what: says it whole, with names
    and values. fix: what to do.
    """

    id: str
    source: str | None
    target: str | None
    what: str
    fix: str
    level: str = ERROR

    def as_dict(self) -> dict[str, t.Any]:
        """``{id, level, from, to, what, fix}``."""
        return {
            "id": self.id,
            "level": self.level,
            "from": self.source,
            "to": self.target,
            "what": self.what,
            "fix": self.fix,
        }


def in_order(findings: t.Iterable[Finding]) -> list[Finding]:
    """Errors first, each said once, otherwise in the order found."""
    unique = list(dict.fromkeys(findings))
    return sorted(unique, key=lambda finding: finding.level != ERROR)
