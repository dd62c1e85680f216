# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quantization methods: which release has which, and the least compute capability that each takes.

A capability is a number as vLLM writes it: 75 is 7.5.
"""

from __future__ import annotations

import typing as t

from . import tables, timelines, versions

_TABLE = "quantization"
#: Methods that left vLLM for a package of their own (docs/features/quantization of 0.24.0 and 0.28.0).
PLUGINS: t.Mapping[str, str] = {"bitsandbytes": "vllm-bnb-plugin", "gguf": "vllm-gguf-plugin"}


def names(version: str) -> list[str]:
    """The methods that the release has."""
    return sorted(name for name, line in _lines("methods").items() if line.span(version))


def has(method: str, version: str) -> bool:
    """Whether the release has the method."""
    return _line("methods", method).span(version) is not None


def is_elsewhere(method: str, version: str) -> bool:
    """Whether the method is made for accelerators other than NVIDIA's."""
    return isinstance(_line("methods", method).at(version), str)


def is_deprecated(method: str, version: str) -> bool:
    """Whether the release refuses the method unless allow_deprecated_quantization is on."""
    return _line("deprecated", method).span(version) is not None


def least(method: str, version: str) -> int | None:
    """The least capability of the method; None where the release does not have it, or not for NVIDIA's GPUs."""
    found = _line("methods", method).at(version)
    return found if isinstance(found, int) else None


def least_of_schemes(schemes: t.Iterable[str], version: str) -> int | None:
    """The least capability of any of these classes of schemes; None where the release has none of them."""
    found = [_line("schemes", scheme).at(version) for scheme in schemes]
    return min((value for value in found if value is not None), default=None)


def stretches(method: str) -> list[tuple[str, str]]:
    """First and last release of each stretch that has the method; [] for one that no release knows."""
    return _line("methods", method).stretches()


def last(method: str) -> str | None:
    """The newest measured release that has the method and does not refuse it as deprecated, else that has it."""
    found = [release for release in tables.sampled() if has(method, release)]
    willing = [release for release in found if not is_deprecated(method, release)]
    return next(reversed(willing or found), None)


def later(version: str, fits: t.Callable[[str], bool]) -> str | None:
    """The first measured release after this one that fits."""
    here = versions.parse(version)
    return next((each for each in tables.sampled() if versions.parse(each) > here and fits(each)), None)


def _lines(section: str) -> t.Mapping[str, timelines.Timeline]:
    return timelines.timelines(_TABLE, section)


def _line(section: str, name: str) -> timelines.Timeline:
    return _lines(section).get(name, timelines.NEVER)
