# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths of a host: what is there, how much fits there, and what model lies there."""

from __future__ import annotations

import os
import re
import typing as t

from ..models import directory
from ..models.document import CONFIG
from ..models.errors import ModelError
from .files import Files
from .hardware import space

_QUANTIZATION = "hf_quant_config.json"
_MOST_TEXT = 2**20  # bytes that one file adds to the probe


def read_path(path: str, files: Files) -> dict[str, t.Any]:
    """exists, directory, model (holds config.json), free_bytes and filesystem of where it is or would be, facts."""
    where = files.at(path)
    model = os.path.isfile(os.path.join(where, CONFIG))
    parent = os.path.realpath(where)
    while not os.path.exists(parent):
        parent = os.path.dirname(parent)
    room = space(parent, path)
    return {
        "exists": os.path.exists(where),
        "directory": os.path.isdir(where),
        "model": model,
        "free_bytes": room["free_bytes"] if room else None,
        "filesystem": filesystem(files.text("/proc/self/mountinfo"), parent),
        "facts": model_facts(where) if model else None,
    }


def filesystem(mounts: str, path: str) -> str | None:
    """Type of the file system of a real path, from the text of /proc/self/mountinfo: the longest mount point counts."""
    best, kind = -1, None
    for line in mounts.splitlines():
        left, dash, right = line.partition(" - ")
        fields = left.split()
        if not dash or len(fields) < 5 or not right.split():
            continue
        point = re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), fields[4])
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= best:  # the last of two at one point hides the first
            best, kind = len(point), right.split()[0]
    return kind


def model_facts(path: str) -> dict[str, t.Any]:
    """What planning wants of a model's directory: config, quantization (texts), tensor_bytes, problems.

    tensor_bytes is None unless all weights are there. Each problem has file, rule and fix.
    """
    problems: list[dict[str, str]] = []
    tensor_bytes = None
    try:
        found = directory.check(path)
        problems += [problem.as_dict() for problem in found.problems]
        tensor_bytes = found.tensor_bytes
    except ModelError as error:
        problems.append(_problem(error))
    except OSError as error:  # a file of weights that this user may not read
        name = os.path.basename(str(error.filename or path))
        problems.append({"file": name, "rule": f"cannot be read ({error.strerror})", "fix": "make it readable"})
    return {
        "config": _text(path, CONFIG, problems),
        "quantization": _text(path, _QUANTIZATION, problems),
        "tensor_bytes": tensor_bytes,
        "problems": problems,
    }


def _text(path: str, name: str, problems: list[dict[str, str]]) -> str | None:
    file = os.path.join(path, name)
    if not os.path.isfile(file):
        return None
    try:
        if os.path.getsize(file) > _MOST_TEXT:
            raise ModelError(name, os.path.getsize(file), f"is longer than {_MOST_TEXT} bytes", "replace it")
        return directory.read_text(file)
    except ModelError as error:
        if _problem(error) not in problems:
            problems.append(_problem(error))
        return None


def _problem(error: ModelError) -> dict[str, str]:
    return {"file": error.path, "rule": error.rule, "fix": error.fix}
