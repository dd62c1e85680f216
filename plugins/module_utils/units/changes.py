# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between two versions of a unit, in short: options, settings and variables, each with its values."""

from __future__ import annotations

import json
import typing as t

from . import notation, texts

_LONGEST = 60


def changes(before: str, after: str, shown_before: str, shown_after: str) -> list[str]:
    """``--port: 8000 -> 8001``, one item a change that a process would notice.

    before, after: texts of the unit file. shown_before, shown_after: its environment as texts.masked shows it, so
    that no secret is told.
    """
    found = _differences(_settings(before), _settings(after))
    old, new = _variables(shown_before), _variables(shown_after)
    for name in _names(old, new):
        left, right = old.get(name), new.get(name)
        if left == right:
            continue
        if "(hidden" in f"{left} {right}":
            found.append(f"{name}: a secret, {'new' if left is None else 'gone' if right is None else 'another'}")
            continue
        inner = _object(left), _object(right)
        if inner[0] is not None and inner[1] is not None:
            found += [f"{name}.{item}" for item in _differences(_flat(inner[0]), _flat(inner[1]))]
        else:
            found += _differences(_one(name, left), _one(name, right))
    return found


def _settings(text: str) -> dict[str, str]:
    """Options of the command by name, other settings with their sign of equality; what is given twice is joined."""
    found: dict[str, str] = {}
    for line in texts.process_part(text).split("\n"):
        words = line.rstrip("\\").strip()
        if words.startswith("["):
            continue
        sign = " " if line.startswith((" ", "\t")) else "="
        name, _sign, value = words.partition(sign)
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def _variables(shown: str) -> dict[str, str]:
    pairs = (line.partition("=") for line in shown.split("\n") if line)
    return {name: notation.environment_text(value) for name, _equals, value in pairs}


def _differences(old: t.Mapping[str, str], new: t.Mapping[str, str]) -> list[str]:
    found = []
    for name in _names(old, new):
        left, right = old.get(name), new.get(name)
        if left is None:
            found.append(f"{name}: new, {_short(right)}" if right else f"{name}: new")
        elif right is None:
            found.append(f"{name}: gone")
        elif left != right:
            found.append(f"{name}: {_short(left)} -> {_short(right)}")
    return found


def _names(old: t.Mapping[str, t.Any], new: t.Mapping[str, t.Any]) -> list[str]:
    return list(dict.fromkeys([*old, *new]))


def _one(name: str, value: str | None) -> dict[str, str]:
    return {} if value is None else {name: value}


def _object(value: str | None) -> dict[str, t.Any] | None:
    """The JSON object that a variable holds, such as the guard's configuration."""
    if value is None or not value.startswith("{"):
        return None
    try:
        found = json.loads(value)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _flat(value: t.Mapping[str, t.Any], prefix: str = "") -> dict[str, str]:
    """Inner keys joined by dots."""
    found: dict[str, str] = {}
    for key, item in value.items():
        if isinstance(item, dict):
            found.update(_flat(item, f"{prefix}{key}."))
        else:
            found[f"{prefix}{key}"] = ", ".join(map(str, item)) if isinstance(item, list) else str(item)
    return found


def _short(value: str | None) -> str:
    text = str(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
