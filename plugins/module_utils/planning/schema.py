# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of what a person wrote: every complaint names the item's path, the value, the rule and the fix."""

from __future__ import annotations

import dataclasses
import difflib
import re
import typing as t

from .errors import Refusals

Kind = t.Literal["str", "int", "bool", "list", "dict", "str or list", "str or dict"]

_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "bool": (bool,),
    "list": (list, tuple),
    "dict": (dict,),
    "str or list": (str, list, tuple),
    "str or dict": (str, dict),
}


@dataclasses.dataclass(frozen=True)
class Key:
    """What one key may hold. A None value counts as absent."""

    kind: Kind
    about: str
    default: t.Any = None
    choices: tuple[str, ...] = ()
    pattern: str = ""
    low: int | None = None
    high: int | None = None
    required: bool = False
    secret: bool = False
    elements: Kind | None = None


Schema = t.Mapping[str, Key]


def read(data: t.Any, schema: Schema, path: str, refusals: Refusals) -> dict[str, t.Any]:
    """``data`` with defaults filled in and numbers written as text turned into numbers.

    Inventories in INI form, extra variables and surveys hand over text, so "8000" is a good port.
    path: where data stands; keys of data are reported as ``path.key``.
    """
    result = {name: key.default for name, key in schema.items()}
    if not isinstance(data, dict):
        refusals.add(
            "wrong-type", path, data, f"must be a mapping, not {_word(data)}", f"write it as keys: {_some(schema)}"
        )
        return result
    for name, value in data.items():
        if name not in schema:
            refusals.add("unknown-key", _join(path, str(name)), None, "no such key", _unknown(str(name), schema))
        elif value is not None:
            result[name] = _value(value, schema[name], _join(path, name), refusals)
    for name, key in schema.items():
        if key.required and data.get(name) is None:
            refusals.add("missing", _join(path, name), None, "is missing", f"add it: {key.about}")
    return result


def _value(value: t.Any, key: Key, path: str, refusals: Refusals) -> t.Any:
    shown = None if key.secret else value
    value = _from_text(value, key.kind)
    if not _is(value, key.kind):
        refusals.add("wrong-type", path, shown, f"must be {key.kind}, not {_word(value)}", key.about)
        return key.default
    if key.required and value in ("", [], {}):
        refusals.add("missing", path, shown, "is empty", key.about)
    if key.choices and value not in key.choices:
        refusals.add("wrong-value", path, shown, f"must be one of {', '.join(key.choices)}", key.about)
    if key.pattern and isinstance(value, str) and not re.fullmatch(key.pattern, value):
        refusals.add("wrong-value", path, shown, f"must match {key.pattern}", key.about)
    if (key.low is not None and value < key.low) or (key.high is not None and value > key.high):
        refusals.add(
            "wrong-value",
            path,
            shown,
            f"must be {key.low} to {'any number' if key.high is None else key.high}",
            key.about,
        )
    if key.elements and isinstance(value, (list, tuple)):
        return [_element(item, key, f"{path}[{index}]", refusals) for index, item in enumerate(value)]
    return value


def _element(item: t.Any, key: Key, path: str, refusals: Refusals) -> t.Any:
    kind = key.elements or key.kind
    item = _from_text(item, kind)
    if not _is(item, kind):
        refusals.add("wrong-type", path, None if key.secret else item, f"must be {kind}, not {_word(item)}", key.about)
    return item


def _is(value: t.Any, kind: str) -> bool:
    if isinstance(value, bool) and kind != "bool":  # bool is an int to Python, and "port: yes" is a mistake
        return False
    return isinstance(value, _TYPES[kind])


def _from_text(value: t.Any, kind: str) -> t.Any:
    if kind == "int" and isinstance(value, str) and re.fullmatch(r"-?\d{1,18}", value.strip()):
        return int(value)
    if kind == "bool" and isinstance(value, str) and value.lower() in ("true", "yes", "false", "no"):
        return value.lower() in ("true", "yes")
    return value


def _word(value: t.Any) -> str:
    names = {
        bool: "a boolean",
        int: "a number",
        float: "a number",
        str: "text",
        list: "a list",
        tuple: "a list",
        dict: "a mapping",
    }
    return (
        "nothing"
        if value is None
        else next((word for kind, word in names.items() if isinstance(value, kind)), type(value).__name__)
    )


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _unknown(name: str, schema: Schema) -> str:
    close = difflib.get_close_matches(name, schema, n=1)
    return f"did you mean {close[0]}?" if close else f"use one of {_some(schema)}"


def _some(schema: Schema) -> str:
    return ", ".join(sorted(schema))
