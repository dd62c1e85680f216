# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan for machines."""

from __future__ import annotations

import json
import typing as t


def as_json(plan: t.Mapping[str, t.Any]) -> str:
    """The document itself, keys in order."""
    return json.dumps(plan, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
