# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which options ``vllm serve`` takes in which release, from ``serve_flags.json``.

The table says for each option in which sampled releases it was seen. A release newer than the table is judged by its
newest column; the caller can tell the person so (see newest()).
"""

from __future__ import annotations

import difflib
import functools
import json
import pathlib
import typing as t

from . import versions


@functools.lru_cache(maxsize=1)
def _table() -> dict[str, t.Any]:
    path = pathlib.Path(__file__).with_name("serve_flags.json")
    loaded: dict[str, t.Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def oldest() -> str:
    """The first release of the table."""
    return str(_table()["sampled"][0])


def newest() -> str:
    """The last release of the table."""
    return str(_table()["sampled"][-1])


def normalize(name: str) -> str:
    """``max_model_len`` and ``--max-model-len`` are one option; a dotted tail names a JSON key of it."""
    base, dot, tail = name.strip().partition(".")
    return base.lstrip("-").replace("_", "-") + dot + tail


def accepts(name: str, version: str) -> bool:
    """Does ``vllm serve`` of this release take the option? Its ``--no-`` twin counts as the option itself."""
    base = _base(name)
    wanted = min(versions.parse(version), versions.parse(newest()))
    ranges = _table()["flags"].get(base, [])
    return any(versions.parse(first) <= wanted <= versions.parse(last) for first, last in ranges)


def is_switch(name: str) -> bool:
    """True for an option that has no ``--no-`` twin: it is either given or not."""
    return _base(name) in _table()["switches"]


def advice(name: str, version: str) -> str:
    """What to do about an option that the release does not take."""
    base = _base(name)
    replaced = _table()["replaced"].get(base)
    if replaced:
        return str(replaced)
    ranges = _table()["flags"].get(base)
    if ranges:
        spans = ", ".join(f"{first} to {last}" for first, last in ranges)
        return f"leave it out, or use a release that has it ({spans})"
    close = difflib.get_close_matches(
        base, [flag for flag in _table()["flags"] if accepts(flag, version)], n=3, cutoff=0.6
    )
    if close:
        return "did you mean " + " or ".join(flag.replace("-", "_") for flag in close) + "?"
    return f"leave it out; `vllm serve --help=all` of {version} lists what it takes"


def _base(name: str) -> str:
    flags = _table()["flags"]
    base = normalize(name).partition(".")[0]
    if base not in flags and base.startswith("no-"):
        base = base[3:]
    return base
