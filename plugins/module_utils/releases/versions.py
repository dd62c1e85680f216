# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Order of release numbers, and ranges of them."""

from __future__ import annotations

import functools
import re

_RELEASE = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:\.(\d+))?(?:\.?post(\d+))?(?:\+[\w.]+)?")
_CLAUSE = re.compile(r"(>=|<=|==|!=|<|>|~=)(\d+(?:\.\d+)*)(\.\*)?")
_NUMBER = re.compile(r"\d+(?:\.\d+)*")


@functools.cache
def parse(version: str) -> tuple[int, int, int, int, int]:
    """``0.8.5.post1`` -> ``(0, 8, 5, 0, 1)``. Local labels (``+cpu``) do not count. Raises ValueError."""
    found = _RELEASE.fullmatch(version)
    if found is None:
        raise ValueError(f"{version!r} is not a vLLM release number such as 0.32.0 or 0.8.5.post1")
    major, minor, patch, micro, post = (int(part or 0) for part in found.groups())
    return major, minor, patch, micro, post


def numbers(text: str) -> tuple[int, ...]:
    """``3.12.4`` -> ``(3, 12, 4)``; what follows, as ``rc1`` or ``+cu129``, does not count. Raises ValueError."""
    found = _NUMBER.match(text.strip())
    if found is None:
        raise ValueError(f"{text!r} does not begin with a version number")
    return tuple(int(part) for part in found.group().split("."))


def satisfies(version: str, wanted: str) -> bool:
    """Is the version within ``>=3.9,<3.13``? Also ``==2.40.0`` and ``!=2.44.*``; an empty range holds every version.

    A version with fewer numbers than a clause stands for its newest: ``3.12`` satisfies ``<3.13`` and ``>=3.12.1``.
    Raises ValueError for what it cannot read.
    """
    have = numbers(version)
    return all(_holds(have, clause.strip()) for clause in wanted.split(",") if clause.strip())


def _holds(have: tuple[int, ...], clause: str) -> bool:
    found = _CLAUSE.fullmatch(clause.replace(" ", ""))
    if found is None:
        raise ValueError(f"{clause!r} is not a version clause such as >=2.48.0")
    sign, text, wildcard = found.groups()
    wanted = numbers(text)
    short = len(have) < len(wanted)
    if wildcard or short:
        have = have[: len(wanted)]
    same = have == wanted[: len(have)] if short else have[: len(wanted)] == wanted and not any(have[len(wanted) :])
    if sign in ("==", "!="):
        return same == (sign == "==")
    if sign == "~=":
        return have[: len(wanted) - 1] == wanted[:-1] and have >= wanted
    if same:
        return sign in (">=", "<=") or (sign == ">" and short)
    return (have > wanted) == (sign in (">", ">="))
