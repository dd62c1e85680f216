# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of a door's configuration that holds secrets: which keys open it, and what the engines are told."""

from __future__ import annotations

import re
import typing as t

from .reading import RouterError
from .settings import Router

#: What fits into an Authorization header as it stands.
_KEY = re.compile(r"[!-~]{1,1024}", re.ASCII)


def references(router: Router) -> list[str]:
    """The references of all secrets that text() needs, each once."""
    wanted = [key.secret for key in router.api_keys] + ([router.engine_key] if router.engine_key else [])
    return list(dict.fromkeys(wanted))


def text(router: Router, secrets: t.Mapping[str, str]) -> str:
    """The file that nginx.conf includes. secrets: reference -> value. Raises RouterError; the message has no value."""
    lines = ["# Written by vllm.cluster; changes here are lost. Holds secrets."]
    lines += ["map $http_authorization $vllm_key {"]
    # Without keys everybody is let in under this name; "open" and a key of that name cannot meet.
    lines += ["    default open;"] if not router.api_keys else ['    default "";']
    values = set()
    for index, key in enumerate(router.api_keys):
        value = _value(f"api_keys[{index}]", secrets.get(key.secret))
        if value in values:
            raise RouterError(f"api_keys[{index}]", "is the same key as one before it")
        values.add(value)
        lines.append(f'    "~^(?i:Bearer)\\x20+{_pattern(value)}$" "{key.name}";')
    lines += ["}"]
    engine = f"Bearer {_value('engine_key', secrets.get(router.engine_key))}" if router.engine_key else ""
    # geo, because it is the one directive whose value may hold a dollar sign.
    lines += ["geo $vllm_engine_authorization {", f"    default {_quoted(engine)};", "}"]
    return "\n".join(lines) + "\n"


def _value(path: str, value: str | None) -> str:
    if not isinstance(value, str) or not _KEY.fullmatch(value):
        problem = "has no value" if not value else "must be 1 to 1024 visible ASCII letters, without spaces"
        raise RouterError(path, problem)
    return value


def _pattern(value: str) -> str:
    """A regular expression, because nginx compares a map's plain strings without regard to case."""
    return "".join(sign if sign.isalnum() else f"\\x{ord(sign):02x}" for sign in value)


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
