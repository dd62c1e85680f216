# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a service's ``args`` and ``env`` say, whichever way they are written."""

from __future__ import annotations

import dataclasses
import json
import typing as t

from ..releases import flags
from .intent import Service
from .values import host_env_path


@dataclasses.dataclass(frozen=True)
class Mapping:
    """An option that holds a mapping.

    paths: where each of its first keys is written. dotted: keys that are written behind a dot. broken: why the option
    cannot be read.
    """

    path: str
    values: dict[str, t.Any]
    paths: dict[str, str]
    dotted: frozenset[str] = frozenset()
    broken: str = ""


class Options:
    """The options of one service by their plain names (``max-model-len``), and its environment variables."""

    def __init__(self, service: Service, host: str = "", host_env: t.Mapping[str, t.Any] | None = None) -> None:
        """host_env: variables of one host, which go before the service's."""
        self.version: str = service["version"]
        self._path = service.path
        self._written: dict[str, list[tuple[str, str, t.Any]]] = {}
        for name, value in service["args"].items():
            _base, _dot, tail = flags.normalize(str(name)).partition(".")
            plain = flags.plain(str(name), self.version)
            if plain is not None and value is not None:
                self._written.setdefault(plain, []).append((tail, f"{service.path}.args.{name}", value))
        self._host, self._host_names = host, frozenset(host_env or ())
        env = {**service["env"], **(host_env or {})}
        self._env: dict[str, str] = {str(name): env_text(value) for name, value in env.items()}
        self._secrets: dict[str, str] = {str(name): env_text(value) for name, value in service["secrets"].items()}

    def __contains__(self, name: str) -> bool:
        return name in self._written

    def path(self, name: str) -> str:
        """Where the option is written, or would be."""
        found = self._written.get(name)
        return found[0][1] if found else f"{self._path}.args.{name.replace('-', '_')}"

    def get(self, name: str) -> t.Any:
        """The option's value as written; None without."""
        return next((value for tail, _path, value in self._written.get(name, ()) if not tail), None)

    def text(self, name: str) -> str:
        value = self.get(name)
        return "" if value is None else str(value).strip()

    def is_on(self, name: str) -> bool:
        """Whether a switch is on. What is not written is off."""
        return self.get(name) is True or self.text(name).lower() == "true"

    def is_off(self, name: str) -> bool:
        """Whether a switch is written as off."""
        return self.get(name) is False or self.text(name).lower() == "false"

    def integer(self, name: str) -> int | None:
        """``32768``, ``"32768"`` or ``32k``; -1 for ``auto`` of max_model_len; None for anything else, and without."""
        value = self.get(name)
        return None if value is None else flags.integer(name, value, self.version)

    def number(self, name: str) -> float | None:
        try:
            return None if isinstance(self.get(name), bool) else float(self.text(name))
        except ValueError:
            return None

    def mapping(self, name: str) -> Mapping | None:
        """The value of an option that takes JSON: a mapping, its JSON text, and keys behind dots; None without."""
        if name not in self._written:
            return None
        values: dict[str, t.Any] = {}
        paths: dict[str, str] = {}
        dotted: list[str] = []
        for tail, path, value in self._written[name]:
            if tail:
                _put(values, tail.split("."), value)
                dotted.append(tail.partition(".")[0].rstrip("+"))
                paths.setdefault(dotted[-1], path)
                continue
            whole, broken = _object(value)
            if broken:
                return Mapping(path, {}, {}, broken=broken)
            values = {**whole, **values}
            paths = {**{str(key): f"{path}.{key}" for key in whole}, **paths}
        path = next((path for tail, path, _value in self._written[name] if not tail), "")
        if not path:
            tail, path, _value = self._written[name][0]
            path = path[: -len(tail) - 1]
        return Mapping(path, values, paths, frozenset(dotted))

    @property
    def env(self) -> t.Mapping[str, str]:
        """The variables as the engine gets them."""
        return self._env

    def sets(self, name: str) -> bool:
        """Whether the variable is written, openly or among the secrets."""
        return name in self._env or name in self._secrets

    @property
    def secret_names(self) -> t.Collection[str]:
        """The variables that are written among the secrets."""
        return self._secrets.keys()

    def value(self, name: str) -> str | None:
        """The variable as the engine gets it, secret or not: to be judged, never to be shown."""
        return self._env.get(name, self._secrets.get(name))

    def env_on(self, name: str) -> bool:
        """Whether a variable of the 0 or 1 kind is on."""
        return (self.value(name) or "").strip().lower() in ("1", "true", "yes", "on")

    def env_path(self, name: str) -> str:
        """Where the variable is written, or would be."""
        if name in self._host_names:
            return host_env_path(self._host, name)
        group = "secrets" if name in self._secrets and name not in self._env else "env"
        return f"{self._path}.{group}.{name}"


def env_text(value: t.Any) -> str:
    """A variable's value as the engine gets it."""
    return str(int(value)) if isinstance(value, bool) else str(value)


def _object(value: t.Any) -> tuple[dict[str, t.Any], str]:
    """A mapping, or JSON text of one; and why it is none."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError as error:
            return {}, f"is not JSON: {error}"
    if not isinstance(value, dict):
        return {}, "is not a mapping"
    return dict(value), ""


def _put(into: dict[str, t.Any], keys: t.Sequence[str], value: t.Any) -> None:
    key, rest = keys[0].rstrip("+"), keys[1:]
    if not rest:
        into[key] = [value] if keys[0].endswith("+") and not isinstance(value, (list, tuple)) else value
        return
    inner = into.get(key)
    if not isinstance(inner, dict):
        inner = into[key] = {}
    _put(inner, rest, value)
