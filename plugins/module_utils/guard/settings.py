# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guard's configuration: one JSON text that the plan writes, in the unit's environment or in a file."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import socket
import stat
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from .model import Rules

_UNIT = re.compile(r"[A-Za-z0-9@_.:\\-]+\.service")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
#: Where the unit's environment has the configuration, and the API key that the canary needs.
VARIABLE = "VLLM_GUARD_CONFIG"
KEY_VARIABLE = "VLLM_API_KEY"
_RULES = {field.name for field in dataclasses.fields(Rules)}
_SECRET_BYTES = (16, 4096)


class SettingsError(Exception):
    """The configuration cannot be used; one line that names the key and what it must be."""


@dataclasses.dataclass(frozen=True)
class Api:
    """Where the engine answers on this host. key: its API key, or None; never part of the configuration."""

    url: str
    model: str
    key: str | None = dataclasses.field(default=None, repr=False)


@dataclasses.dataclass(frozen=True)
class Settings:
    """address, port: where the head listens or is reached; members: the other members (the head's own list).

    containers: whether the units run containers of their names.
    """

    engine: str
    service: str
    role: str
    member: str
    units: tuple[str, ...]
    address: str
    port: int
    members: tuple[str, ...]
    secret_file: str
    api: Api | None
    state_dir: str
    rules: Rules
    containers: bool = False


def parse(text: str) -> Settings:
    """The settings in a JSON text. Raises SettingsError."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise SettingsError(f"no JSON: {error}") from None
    if not isinstance(document, dict):
        raise SettingsError("no JSON object")
    role = _text(document, "role")
    if role not in ("head", "worker"):
        raise SettingsError(f"role: {role!r} is neither head nor worker")
    place = "listen" if role == "head" else "head"
    known = {"engine", "service", "role", "member", "units", place, "members", "secret_file", "api", "state_dir"}
    strange = sorted(set(document) - known - {"containers"} - _RULES)
    if strange:
        raise SettingsError(f"{strange[0]}: no such key for a {role}")
    where = _object(document, place, {"address", "port"})
    port = where.get("port")
    if isinstance(port, bool) or not isinstance(port, int) or not 0 < port < 65536:
        raise SettingsError(f"{place}.port: {port!r} is no port")
    members = _names(document, "members", _NAME) if role == "head" else ()
    engine, member = _name(document, "engine"), _name(document, "member")
    if member in members:
        raise SettingsError(f"members: {member} is the head itself")
    return Settings(
        engine=engine,
        service=_text(document, "service"),
        role=role,
        member=member,
        units=_units(document),
        address=_address(where, place + "."),
        port=port,
        members=members,
        secret_file=_text(document, "secret_file"),
        api=_api(document) if role == "head" else None,
        state_dir=_text(document, "state_dir") if "state_dir" in document else "/run/vllm-guard",
        rules=_rules(document),
        containers=_flag(document, "containers"),
    )


def found(environment: Mapping[str, str], path: str | None) -> Settings:
    """The settings, from a file or without one from the environment. Raises SettingsError."""
    try:
        settings = read(path) if path is not None else parse(environment.get(VARIABLE, ""))
    except SettingsError as error:
        raise SettingsError(f"{VARIABLE}: {error}") if path is None else error from None
    if settings.api is None:
        return settings
    return dataclasses.replace(settings, api=dataclasses.replace(settings.api, key=environment.get(KEY_VARIABLE)))


def read(path: str) -> Settings:
    """The settings in a file. Raises SettingsError."""
    try:
        with open(path, encoding="utf-8") as file:
            return parse(file.read(1024 * 1024))
    except SettingsError as error:
        raise SettingsError(f"{path}: {error}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: {getattr(error, 'strerror', None) or error}") from None


def secret(path: str) -> bytes:
    """The content of a file that only its owner can read, without white space around it. Raises SettingsError."""
    try:
        with open(path, "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if not stat.S_ISREG(mode) or mode & 0o077:
                raise SettingsError(f"{path}: others than its owner can read it; its mode must be 0600")
            value = file.read(_SECRET_BYTES[1] + 1).strip()
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from None
    if not _SECRET_BYTES[0] <= len(value) <= _SECRET_BYTES[1]:
        raise SettingsError(
            f"{path}: a secret has {_SECRET_BYTES[0]} to {_SECRET_BYTES[1]} bytes, this one {len(value)}"
        )
    return value


def _text(document: dict[str, Any], key: str, path: str = "") -> str:
    value = document.get(key)
    if not isinstance(value, str) or not value:
        raise SettingsError(f"{path}{key}: {'missing' if value is None else 'must be a text'}")
    return value


def _flag(document: dict[str, Any], key: str, default: bool = False) -> bool:
    value = document.get(key, default)
    if not isinstance(value, bool):
        raise SettingsError(f"{key}: must be true or false")
    return value


def _name(document: dict[str, Any], key: str) -> str:
    value = _text(document, key)
    if not _NAME.fullmatch(value):
        raise SettingsError(f"{key}: {value!r} is no name")
    return value


def _object(document: dict[str, Any], key: str, keys: set[str]) -> dict[str, Any]:
    value = document.get(key)
    if not isinstance(value, dict):
        raise SettingsError(f"{key}: {'missing' if value is None else 'must be an object'}")
    strange = sorted(set(value) - keys)
    if strange:
        raise SettingsError(f"{key}.{strange[0]}: no such key")
    return value


def _address(document: dict[str, Any], path: str) -> str:
    value = _text(document, "address", path)
    for family in (socket.AF_INET, socket.AF_INET6):
        with contextlib.suppress(OSError):
            socket.inet_pton(family, value.partition("%")[0])
            return value
    # A name would have to be resolved, and a resolver that hangs would hang the guard.
    raise SettingsError(f"{path}address: {value!r} is no IP address")


def _names(document: dict[str, Any], key: str, pattern: re.Pattern[str]) -> tuple[str, ...]:
    value = document.get(key)
    if not isinstance(value, list) or not all(isinstance(item, str) and pattern.fullmatch(item) for item in value):
        raise SettingsError(f"{key}: {'missing' if value is None else 'must be a list of names'}")
    if len(set(value)) != len(value):
        raise SettingsError(f"{key}: a name stands there twice")
    return tuple(value)


def _units(document: dict[str, Any]) -> tuple[str, ...]:
    found = _names(document, "units", _UNIT)
    if not found:
        raise SettingsError("units: names no unit")
    return found


def _api(document: dict[str, Any]) -> Api:
    value = _object(document, "api", {"url", "model"})
    url = _text(value, "url", "api.")
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname or parts.username is not None:
        raise SettingsError("api.url: must be http://address:port")
    return Api(url.rstrip("/"), _text(value, "model", "api."))


def _rules(document: dict[str, Any]) -> Rules:
    given = {key: value for key, value in document.items() if key in _RULES}
    for key, value in given.items():
        if key == "lockstep":
            _flag(document, key)
        elif key == "backoff_s":
            if not isinstance(value, list) or not value or not all(map(_seconds, value)):
                raise SettingsError("backoff_s: must be a list of seconds")
            given[key] = tuple(map(float, value))
        elif not (key == "kill_after_s" and value is None) and not _seconds(value):
            raise SettingsError(f"{key}: {value!r} is no number of seconds")
    rules = Rules(**given)
    if rules.stalled_after_s <= rules.canary_every_s:
        raise SettingsError("stalled_after_s: must be more than canary_every_s")
    if rules.lost_after_s < 3:
        raise SettingsError("lost_after_s: less than 3 s takes a late heartbeat for a lost member")
    return rules


def _seconds(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1e7
