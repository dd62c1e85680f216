# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How messages tell of many things in few words."""

from __future__ import annotations

import typing as t

_SHOWN = 4
_Value = t.TypeVar("_Value", int, str)


def some(items: t.Iterable[t.Any]) -> str:
    """``gpu1, gpu2, gpu3, gpu4 and 60 more``."""
    listed = [str(item) for item in items]
    if len(listed) <= _SHOWN + 1:
        return ", ".join(listed)
    return f"{', '.join(listed[:_SHOWN])} and {len(listed) - _SHOWN} more"


def groups(values: t.Mapping[str, _Value]) -> dict[_Value, list[str]]:
    """Who has which value: ``{"a": 1, "b": 1}`` -> ``{1: ["a", "b"]}``."""
    result: dict[_Value, list[str]] = {}
    for name, value in values.items():
        result.setdefault(value, []).append(name)
    return result
