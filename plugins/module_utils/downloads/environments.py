# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Python environments of the clients that download, apart from the engines': an old release's client is another."""

from __future__ import annotations

import typing as t

from . import huggingface, modelscope, s3, sources

_CLIENTS = {
    sources.HUB: (f"hf-{huggingface.VERSION}", huggingface.REQUIREMENTS),
    sources.MODELSCOPE: (f"modelscope-{modelscope.VERSION}", modelscope.REQUIREMENTS),
    sources.S3: (f"boto3-{s3.VERSION}", s3.REQUIREMENTS),
}


def item(kind: str, folder: str, python: str) -> dict[str, t.Any] | None:
    """The item of ``hosts.<host>.environments`` for a kind of source; None where it needs none.

    folder: where environments are. python: an interpreter of the host.
    """
    if kind not in _CLIENTS:
        return None
    name, requirements = _CLIENTS[kind]
    return {
        "name": name,
        "path": f"{folder}/{name}",
        "python": python,
        "accelerator": "cpu",
        "conda": None,
        "requirements": list(requirements),
        "excludes": [],
        "aliases": {},
        "torch_backend": None,
    }
