# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists of module names, as quantization settings use them to say which modules they leave alone."""

from __future__ import annotations

import fnmatch
import re
import typing as t

from .errors import ModelError

# A repetition of what itself repeats: some names would keep such an expression busy for ever.
_ENDLESS = re.compile(r"[*+}]\)[*+{]")
_LAYER = re.compile(r"(?:^|\.)layers\.(\d+)(?:\.|$)")


class Names:
    """Whether a module is in a list that may hold names, parts of names, wildcards and ``re:`` expressions.

    A plain entry names a module when its dotted parts stand together in the module's name: ``gate`` is
    ``layers.3.mlp.gate`` but not ``layers.3.mlp.gate_proj``. What stands before ``layers`` differs between engines
    and libraries and does not count. Raises ModelError for an expression that is none.
    """

    def __init__(self, entries: t.Iterable[str], path: str) -> None:
        self._anywhere: list[str] = []
        self._of_layer: dict[str, list[str]] = {}
        self._expressions: list[re.Pattern[str]] = []
        for entry in entries:
            if entry.startswith("re:"):
                if _ENDLESS.search(entry):
                    raise ModelError(path, entry, "is an expression that may take for ever", "write a simpler one")
                try:
                    self._expressions.append(re.compile(entry[3:]))
                except (re.error, OverflowError, RecursionError) as error:
                    raise ModelError(path, entry, f"is not a regular expression ({error})", "correct it") from None
            elif any(sign in entry for sign in "*?["):
                self._expressions.append(re.compile(fnmatch.translate(entry)))
                if not entry.startswith("*"):
                    self._expressions.append(re.compile(fnmatch.translate("*." + entry)))
            else:
                self._plain(entry)

    def _plain(self, entry: str) -> None:
        entry = entry.strip(".")
        found = _LAYER.search(entry)
        if found is None:
            self._anywhere.append(f".{entry}.")
        else:
            start = entry.index("layers.", found.start())
            self._of_layer.setdefault(found.group(1), []).append(f".{entry[start:]}.")

    def __contains__(self, module: str) -> bool:
        dotted = f".{module}."
        found = _LAYER.search(module)
        candidates = self._anywhere + (self._of_layer.get(found.group(1), []) if found else [])
        if any(entry in dotted for entry in candidates):
            return True
        # Expressions are written for whole names; this is how most models spell them.
        whole = f"model.{module}" if found else module
        return any(expression.match(whole) or expression.match(module) for expression in self._expressions)
