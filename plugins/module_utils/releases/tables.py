# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The data files beside this module, each read once and only when asked for.

They are read on the control node: modules that run on targets cannot import this package's tables.
"""

from __future__ import annotations

import bisect
import functools
import json
import pathlib
import typing as t

from . import versions

FOLDER = pathlib.Path(__file__).with_name("data")


@functools.cache
def load(name: str) -> dict[str, t.Any]:
    """The content of ``data/<name>.json``."""
    content: dict[str, t.Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return content


def sampled() -> list[str]:
    """Every release that the tables were measured at, oldest first."""
    releases: list[str] = load("releases")["sampled"]
    return releases


def oldest() -> str:
    """The first release of the tables."""
    return sampled()[0]


def newest() -> str:
    """The last release of the tables."""
    return sampled()[-1]


def before(version: str) -> str:
    """The last measured release before this one; the oldest has none before it and stands for itself."""
    order = [versions.parse(release) for release in sampled()]
    return sampled()[max(bisect.bisect_left(order, versions.parse(version)) - 1, 0)]


def coverage(version: str) -> str:
    """``measured``, ``older`` or ``newer`` than the tables, or ``unmeasured``: between two measured releases."""
    if version.partition("+")[0] in sampled():
        return "measured"
    wanted = versions.parse(version)
    if wanted < versions.parse(oldest()):
        return "older"
    return "newer" if wanted > versions.parse(newest()) else "unmeasured"
