# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GPUs from ``nvidia-smi --query-gpu=… --format=csv,noheader,nounits``."""

from __future__ import annotations

import csv
import typing as t

#: Names taken by ``nvidia-smi --query-gpu``; every driver of the last ten years has these.
QUERY = ("index", "name", "uuid", "memory.total", "driver_version")


def parse(text: str) -> list[dict[str, t.Any]]:
    """One mapping a GPU: index (int), name, uuid, memory_bytes (int, None where not told), driver.

    Lines that are no GPU (warnings that nvidia-smi prints between them) are left out.
    """
    gpus = []
    for row in csv.reader(text.splitlines(), skipinitialspace=True):
        cells = [cell.strip() for cell in row]
        if len(cells) == len(QUERY) and cells[0].isdigit():
            memory = int(cells[3]) * 2**20 if cells[3].isdigit() else None
            gpus.append(
                {"index": int(cells[0]), "name": cells[1], "uuid": cells[2], "memory_bytes": memory, "driver": cells[4]}
            )
    return gpus
