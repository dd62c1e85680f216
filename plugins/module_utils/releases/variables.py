# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which environment variables vLLM reads in which release."""

from __future__ import annotations

import typing as t

from . import tables, timelines
from .standing import Standing, standing

_OWN = ("VLLM_",)


def names(version: str) -> list[str]:
    """Every variable that the release reads, as far as its sources name them."""
    return sorted(name for name, line in _lines().items() if line.span(version))


def is_vllms(name: str) -> bool:
    """True for a name that vLLM owns: of its prefix, once read by it, or one of which there is something to say."""
    return name.startswith(_OWN) or name in _lines() or name in tables.load("advice")["variables"]


def find(name: str, version: str) -> Standing:
    """How a variable stands in the release.

    vLLM ignores what it does not read (from 0.17.0 it says so in its log, and refuses to start with
    fail_on_environ_validation), so a variable that is not valid is a likely slip and rarely a fault. One that is not
    vLLM's is always valid here; see is_vllms().
    """
    if not is_vllms(name):
        return Standing(name, True, False, None, None, "", {})
    return standing(name, version, _lines(), "variables", f"leave it out: vLLM {version} does not read it")


def _lines() -> t.Mapping[str, timelines.Timeline]:
    return timelines.timelines("environment_variables", "variables")
