# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``nvidia-smi -L``: GPUs and the MIG devices on them."""

from __future__ import annotations

import re

from .gpu import Gpu, Inventory, MigDevice
from .text import clean

# An error names a bus address after GPU, which has no blank after its colon.
_GPU_LINE = re.compile(r"\bGPU ([0-9]{1,3}): +(?=\S)")
_UUID = re.compile(r"\(UUID: *([^)\s]*)")
_MIG_LINE = re.compile(r"\bMIG +(\S+) +Device +([0-9]{1,3}): *\(UUID: *([^)\s]*)\)?")


def read_gpu_line(line: str) -> Gpu | None:
    """The GPU of ``GPU 0: NVIDIA L4 (UUID: GPU-…)``, which ``nvidia-smi nvlink`` prints above a GPU's links too."""
    found = _GPU_LINE.search(line)
    if found is None:
        return None
    rest = line[found.end() :]
    uuid = _UUID.search(rest)
    name = rest[: uuid.start()] if uuid else rest
    return Gpu(index=int(found[1]), name=name.strip() or None, uuid=(uuid[1] or None) if uuid else None)


def read_list(text: str) -> Inventory:
    """GPUs with index, name, UUID and MIG devices; no GPU where the text is no such list. Never raises."""
    inventory = Inventory()
    current: Gpu | None = None
    for line in clean(text).split("\n"):
        found = read_gpu_line(line)
        if found is not None:
            current = next((gpu for gpu in inventory.gpus if gpu.index == found.index), None)
            if current is None:
                inventory.gpus.append(found)
                current = found
            continue
        mig = _MIG_LINE.search(line)
        if mig is None:
            continue
        if current is None:
            inventory.warnings.append(f"a MIG device without its GPU is left out: {mig[3]}")
            continue
        current.mig = True
        device = MigDevice(index=int(mig[2]), profile=mig[1], uuid=mig[3] or None)
        if device not in current.mig_devices:
            current.mig_devices.append(device)
    return inventory
