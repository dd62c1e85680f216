# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading named values of a configuration, each under any of the names that it goes by, and only if it makes sense."""

from __future__ import annotations

import typing as t

from .errors import ModelError

#: No size in any configuration comes near it; what is larger is damage.
LARGEST = 2**31

_FIX = "take config.json from the model's own repository again"


class Fields:
    """One level of a configuration.

    values: the JSON object. path: where it is, for messages. defaults: what its author's library takes for keys that
    a saved configuration leaves out. A null that is written has no value, and no default stands for it. Every method
    raises ModelError for a value of the wrong kind or out of range, and takes the first of the names that has a value.
    """

    def __init__(self, values: t.Mapping[str, t.Any], path: str, defaults: t.Mapping[str, t.Any] | None = None) -> None:
        self.values = values
        self.path = path
        self.defaults = defaults or {}
        self.taken: dict[str, t.Any] = {}  # defaults that were asked for

    def changed(self, values: t.Mapping[str, t.Any]) -> Fields:
        """The same with some other values."""
        result = Fields({**self.values, **values}, self.path, self.defaults)
        result.taken = self.taken
        return result

    def where(self, name: str) -> str:
        return f"{self.path}.{name}" if ": " in self.path else f"{self.path}: {name}"

    def error(self, name: str, value: t.Any, rule: str, fix: str = _FIX) -> ModelError:
        return ModelError(self.where(name), value, rule, fix)

    def find(self, *names: str) -> tuple[str, t.Any] | None:
        """The first name that has a value, and the value. What is written comes before any default."""
        for source in (self.values, self.defaults):
            for name in names:
                value = source.get(name)
                # A null that is written is what the library takes: a window of null is no window.
                if value is not None and (source is self.values or name not in self.values):
                    if source is not self.values:
                        self.taken[name] = value
                    return name, value
        return None

    def has(self, *names: str) -> bool:
        return self.find(*names) is not None

    def integer(self, *names: str, least: int = 1, most: int = LARGEST) -> int | None:
        """A whole number from least to most; None when left out."""
        found = self.find(*names)
        return None if found is None else self._integer(*found, least, most)

    def integer_or(self, default: int, *names: str, least: int = 0, most: int = LARGEST) -> int:
        value = self.integer(*names, least=least, most=most)
        return default if value is None else value

    def need_integer(self, *names: str, least: int = 1, most: int = LARGEST) -> int:
        value = self.integer(*names, least=least, most=most)
        if value is None:
            others = f" (nor {', '.join(names[1:])})" if names[1:] else ""
            raise ModelError(
                self.where(names[0]),
                None,
                f"is missing{others}, so the model's size is unknown",
                "give the model's whole config.json; for a kind of model that has no such key give its directory, "
                "whose files tell the size",
            )
        return value

    def number(self, *names: str) -> float | None:
        found = self.find(*names)
        if found is None:
            return None
        name, value = found
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= LARGEST:
            raise self.error(name, value, "is not a finite number")
        return float(value)

    def flag(self, *names: str, default: bool = False) -> bool:
        found = self.find(*names)
        if found is None:
            return default
        name, value = found
        if not isinstance(value, (bool, int)) or value not in (0, 1):
            raise self.error(name, value, "is neither true nor false")
        return bool(value)

    def text(self, *names: str) -> str | None:
        found = self.find(*names)
        if found is None:
            return None
        if not isinstance(found[1], str):
            raise self.error(*found, "is not a string")
        return found[1]

    def texts(self, *names: str) -> list[str] | None:
        found = self.find(*names)
        if found is None:
            return None
        name, value = found
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.error(name, value, "is not a list of strings")
        return list(value)

    def integers(self, *names: str, least: int = 0, most: int = LARGEST) -> list[int] | None:
        found = self.find(*names)
        if found is None:
            return None
        name, value = found
        if not isinstance(value, list):
            raise self.error(name, value, "is not a list of whole numbers")
        return [self._integer(f"{name}[{at}]", item, least, most) for at, item in enumerate(value)]

    def per_layer(self, layers: int, *names: str, least: int = 0) -> list[int] | None:
        """One whole number a layer, written once for all or as a list of at least that many."""
        found = self.find(*names)
        if found is None:
            return None
        name, value = found
        if not isinstance(value, list):
            return [self._integer(name, value, least, LARGEST)] * layers
        return self.of_layers(
            name, [self._integer(f"{name}[{at}]", v, least, LARGEST) for at, v in enumerate(value)], layers
        )

    def of_layers(self, name: str, items: list[t.Any], layers: int) -> list[t.Any]:
        """The first items of a list that has one a layer. Extra ones belong to draft layers behind the last."""
        if len(items) < layers:
            raise self.error(name, f"{len(items)} items", f"has fewer items than the model has layers ({layers})")
        return items[:layers]

    def inner(self, *names: str) -> Fields | None:
        """The object under a name."""
        found = self.find(*names)
        if found is None:
            return None
        name, value = found
        if not isinstance(value, dict):
            raise self.error(name, value, "is not an object")
        return Fields(value, self.where(name))

    def _integer(self, name: str, value: t.Any, least: int, most: int) -> int:
        whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        if isinstance(value, bool) or not whole:
            raise self.error(name, value, "is not a whole number")
        if not least <= value <= most:
            raise self.error(name, value, f"is not between {least} and {most}")
        return int(value)
