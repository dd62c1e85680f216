# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths of a host: what is there, how much fits there, and what model lies there."""

from __future__ import annotations

import dataclasses
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
#: Whose source names what is behind them, the same on every host. Of others (9p, virtiofs, FUSE) it may be any word.
_NETWORK = ("cifs", "fuse.glusterfs", "gpfs", "lustre", "nfs", "nfs4", "smb3")
_UNTOLD = ("9p", "beegfs", "ceph", "fuse", "virtiofs", "wekafs")


def read_path(path: str, files: Files) -> dict[str, t.Any]:
    """What is there: exists, directory, model (holds config.json), facts; free_bytes, filesystem and origin of it.

    The last three are those of where the path is, or would be.
    """
    where = files.at(path)
    model = os.path.isfile(os.path.join(where, CONFIG))
    parent = os.path.realpath(where)
    while not os.path.exists(parent):
        parent = os.path.dirname(parent)
    room = space(parent, path)
    mount = _mount(files.text("/proc/self/mountinfo"), parent)
    return {
        "exists": os.path.exists(where),
        "directory": os.path.isdir(where),
        "model": model,
        "free_bytes": room["free_bytes"] if room else None,
        "filesystem": mount.kind if mount else None,
        "origin": origin(mount, os.path.realpath(where), parent) if mount else None,
        "facts": model_facts(where) if model else None,
    }


@dataclasses.dataclass(frozen=True)
class Mount:
    """A line of /proc/self/mountinfo: point, the part of the file system that is there, type and source."""

    point: str
    root: str
    kind: str
    source: str


def filesystem(mounts: str, path: str) -> str | None:
    """Type of the file system of a real path, from the text of /proc/self/mountinfo."""
    found = _mount(mounts, path)
    return found.kind if found else None


def origin(mount: Mount, path: str, there: str) -> str | None:
    """What two hosts have in common where a path is the same folder on both; None where that cannot be told.

    path: real. there: the part of it that exists. ``network <source>/<folder>``, or ``local <type> <id> <folder>``: the
    id is that of the file system, so that hosts that share one (virtual ones on one machine) have the same.
    """
    inside = (mount.root.rstrip("/") + path[len(mount.point.rstrip("/")) :]).rstrip("/") or "/"
    if mount.kind in _NETWORK:
        return f"network {mount.source.rstrip('/')}{inside}"
    if mount.kind.partition(".")[0] in _UNTOLD:
        return None
    try:
        return f"local {mount.kind} {os.statvfs(there).f_fsid & 0xFFFFFFFFFFFFFFFF:x} {inside}"
    except OSError:
        return None


def _mount(mounts: str, path: str) -> Mount | None:
    """The mount that holds a real path: the longest mount point counts."""
    best, found = -1, None
    for line in mounts.splitlines():
        left, dash, right = line.partition(" - ")
        fields = left.split()
        if not dash or len(fields) < 5 or not right.split():
            continue
        point, root = (
            re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), text) for text in (fields[4], fields[3])
        )
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= best:  # the last of two at one point hides the first
            kind, source = [*right.split(), ""][:2]
            best, found = len(point), Mount(point, root, kind, source)
    return found


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
