# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Room for an image on the engine's disk, asked before it is pulled."""

from __future__ import annotations

import os
import typing as t

from ..background.progress import size
from .engine import Engine, Event
from .errors import ImageError
from .registry import Layer

#: Kept free: a full disk stops more than the pull.
_MARGIN = 256 * 2**20
#: What gzip makes of an image's layers, to be on the safe side; vLLM's own take 2.2 to 2.5 times their download.
_UNPACKED = 2.5
_CONTAINERD = "/var/lib/containerd"


def lacking(layers: t.Sequence[Layer], engine: Engine) -> list[Layer]:
    """Layers that no image of the host begins with."""
    wanted = [layer.content for layer in layers]
    best = 0
    for image in engine.images():
        have = (image.get("RootFS") or {}).get("Layers") or []
        same = next((i for i, pair in enumerate(zip(wanted, have)) if pair[0] != pair[1]), min(len(wanted), len(have)))
        best = max(best, same)
    return list(layers[best:])


def check(told: str, layers: t.Sequence[Layer], info: Event) -> None:
    """Refuse what does not fit: all of the download, and all that is unpacked. Raises ImageError."""
    unpacked = sum(int(layer.size * (_UNPACKED if layer.packed else 1)) for layer in layers)
    needed = sum(layer.size for layer in layers) + unpacked + _MARGIN
    folder = _store(info)
    state = os.statvfs(folder)
    free = state.f_bavail * state.f_frsize
    if needed > free:
        rule = f"needs about {size(needed)} at {folder} while it is pulled, and {size(free)} are free there"
        fix = f"free {size(needed - free)} there, or set data-root in vllm_container_engine_daemon to a larger disk"
        raise ImageError(told, None, rule, fix)


def _store(info: Event) -> str:
    status = info.get("DriverStatus") or []
    snapshots = any("io.containerd.snapshotter" in str(value) for _name, value in status)
    return _CONTAINERD if snapshots and os.path.isdir(_CONTAINERD) else str(info["DockerRootDir"])
