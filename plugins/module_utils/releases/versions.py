# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Order of vLLM release numbers."""

from __future__ import annotations

import re

_RELEASE = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:\.(\d+))?(?:\.?post(\d+))?(?:\+[\w.]+)?")


def parse(version: str) -> tuple[int, int, int, int, int]:
    """``0.8.5.post1`` -> ``(0, 8, 5, 0, 1)``. Local labels (``+cpu``) do not count. Raises ValueError."""
    found = _RELEASE.fullmatch(version)
    if found is None:
        raise ValueError(f"{version!r} is not a vLLM release number such as 0.32.0 or 0.8.5.post1")
    major, minor, patch, micro, post = (int(part or 0) for part in found.groups())
    return major, minor, patch, micro, post
