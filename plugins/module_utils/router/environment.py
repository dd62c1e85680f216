# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Python environment of vllm-router, apart from the engines': its requirements are no business of theirs."""

from __future__ import annotations

import typing as t

#: The release whose options command.py writes and whose behaviour docs/router.md describes.
VERSION = "0.1.17"


def item(folder: str, python: str) -> dict[str, t.Any]:
    """The item of ``hosts.<host>.environments``. folder: where environments are. python: an interpreter of the host."""
    name = f"vllm-router-{VERSION}"
    return {
        "name": name,
        "path": f"{folder}/{name}",
        "python": python,
        "accelerator": "cpu",
        "conda": None,
        "requirements": [f"vllm-router=={VERSION}"],
        "excludes": [],
        "aliases": {},
        "torch_backend": None,
    }
