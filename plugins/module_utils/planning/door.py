# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person wants of ``router``: the front door of a service's engines (docs/router.md)."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ..router import reading
from ..router.reading import RouterError
from . import schema
from .errors import Refusals
from .keys import ROUTER, TLS

_KEY_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*", re.ASCII)
_KEY = re.compile(r"[\x21-\x7e]+")
#: Keys of ``router`` that the plan's item has under the same name.
_SAME = (
    *("policy", "prefill_policy", "decode_policy", "tls", "networks", "limits", "timeouts", "fallback", "processes"),
    "paths",
)
#: For a look at what is written before anything is placed.
_ANY = {
    "service": "a",
    "mode": "replicas",
    "address": "0.0.0.0",
    "port": 3,
    "ports": {"router": 1, "metrics": 2},
    "workers": [{"url": "http://192.0.2.1:1"}],
    "environment": "/a",
}


@dataclasses.dataclass(frozen=True)
class Wish:
    """``router`` as written. enabled: None where nobody said. settings: what the plan's item takes as it is.

    key_names: of ``router.api_keys``.
    """

    path: str = ""
    enabled: bool | None = None
    host: str | None = None
    port: int | None = None
    settings: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict, hash=False)
    key_names: tuple[str, ...] = ()


NOTHING = Wish()


def read(
    written: t.Any,
    root: str,
    port: int | None,
    select: t.Callable[[str], t.Sequence[str]],
    refusals: Refusals,
) -> Wish:
    """root: the path of the service. port: what is written of the service's."""
    path = f"{root}.router"
    if written is None:
        return Wish(path, port=port)
    keys = schema.read(written, ROUTER, path, refusals)
    if keys["tls"] is not None:
        keys["tls"] = schema.read(keys["tls"], TLS, f"{path}.tls", refusals)
    if port is not None and keys["port"] not in (None, port):
        rule = f"and {root}.port = {port} are both the port that clients call"
        refusals.add("router-port", f"{path}.port", keys["port"], rule, "write one of them")
    settings = {key: keys[key] for key in _SAME if keys[key] is not None}
    _check_settings(settings, path, refusals)
    _check_keys(keys["api_keys"], path, refusals)
    names = tuple(str(name) for name in keys["api_keys"])
    host = _host(keys["host"], path, select, refusals)
    return Wish(path, keys["enabled"], host, keys["port"] or port, settings, names)


def _host(pattern: str | None, path: str, select: t.Callable[[str], t.Sequence[str]], refusals: Refusals) -> str | None:
    if pattern is None:
        return None
    found = list(select(pattern))
    if len(found) == 1:
        return found[0]
    rule = f"matches {len(found) or 'no'} host{'s' * (len(found) != 1)} of the inventory, and the door is on one"
    refusals.add("router-host", f"{path}.host", pattern, rule, f"name one, such as {found[0] if found else 'gpu1'}")
    return None


def _check_settings(settings: t.Mapping[str, t.Any], path: str, refusals: Refusals) -> None:
    try:
        reading.parse({**_ANY, **settings})
    except RouterError as error:
        key, _dot, rest = error.path.partition(".")
        inner = settings.get(key)
        value = inner.get(rest) if isinstance(inner, dict) else None
        rule = str(error).partition(": ")[2]
        refusals.add("router-setting", f"{path}.{error.path}", value, rule, "docs/router.md has all of them")


def _check_keys(keys: t.Mapping[t.Any, t.Any], path: str, refusals: Refusals) -> None:
    for name, value in keys.items():
        where = f"{path}.api_keys.{name}"
        if not isinstance(name, str) or not _KEY_NAME.fullmatch(name):
            rule = "is no name for the log: letters, digits, - and _"
            refusals.add("router-key-name", where, None, rule, "call it after who sends it, such as batch-jobs")
        if not isinstance(value, str) or not _KEY.fullmatch(value):
            rule = "is empty, or holds what an HTTP header cannot carry"
            refusals.add("api-key-characters", where, None, rule, "use printable ASCII")
