# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits of what people and their programs may hold, as PAM gives them at each login (limits.conf(5))."""

from __future__ import annotations

import resource
import typing as t

from .errors import HostError

UNLIMITED = "unlimited"
#: limits.conf's name to the kernel's, and how many of the kernel's make one of ours.
_KNOWN: dict[str, tuple[int, int]] = {
    "core": (resource.RLIMIT_CORE, 1024),
    "memlock": (resource.RLIMIT_MEMLOCK, 1024),
    "nofile": (resource.RLIMIT_NOFILE, 1),
    "nproc": (resource.RLIMIT_NPROC, 1),
    "stack": (resource.RLIMIT_STACK, 1024),
}
_HEAD = "# Written by vllm.cluster (docs/hosts.md); changes here are lost.\n"


def read(limits: t.Mapping[str, t.Any]) -> dict[str, str]:
    """Values by name, checked. Raises HostError."""
    found = {}
    for name, value in sorted(limits.items()):
        text = str(value)
        if name not in _KNOWN:
            raise HostError(f"vllm_limits['{name}']", value, "is no limit", f"write one of {', '.join(_KNOWN)}")
        if isinstance(value, bool) or (text != UNLIMITED and not (text.isdecimal() and int(text) < 2**53)):
            raise HostError(
                f"vllm_limits['{name}']", value, "is no value of a limit", f"write a number, or {UNLIMITED}"
            )
        found[name] = text
    return found


def kernel_value(name: str, value: str) -> tuple[int, int]:
    """The kernel's number of a limit, and its value."""
    number, unit = _KNOWN[name]
    return number, resource.RLIM_INFINITY if value == UNLIMITED else int(value) * unit


def text(limits: t.Mapping[str, str]) -> str:
    """The file; empty without limits. The wild card does not mean root, so root has lines of its own."""
    lines = [f"{who} - {name} {value}\n" for name, value in limits.items() for who in ("*", "root")]
    return _HEAD + "".join(lines) if lines else ""
