# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GPUs that nvidia-smi describes, but that no engine could use."""

from __future__ import annotations

import dataclasses
import typing as t

from .gpu import Gpu
from .smi_errors import Diagnosis, diagnose


def check(gpus: t.Iterable[Gpu]) -> list[Diagnosis]:
    """What the values of the GPUs say is wrong with them."""
    return [item for gpu in gpus for item in _check(gpu)]


def _check(gpu: Gpu) -> t.Iterator[Diagnosis]:
    title = f"GPU{gpu.index}" if gpu.index is not None else f"GPU {gpu.bus_id or gpu.uuid}"
    for problem in gpu.problems:
        known = diagnose(problem)
        for item in known:
            yield dataclasses.replace(item, gpu=gpu.bus_id, evidence=f"{title}: {problem}")
        if not known:
            yield Diagnosis(
                "gpu_values",
                "nvidia-smi cannot read values of a GPU.",
                "Read dmesg for Xid lines of its address, and reboot if they stay.",
                f"{title}: {problem}",
                gpu.bus_id,
            )
    if gpu.fabric_state is not None:
        state = f"{gpu.fabric_state}, {gpu.fabric_status or 'no status'}"
        if (gpu.fabric_state.lower(), (gpu.fabric_status or "success").lower()) != ("completed", "success"):
            yield Diagnosis(
                "fabric_not_ready",
                "The NVSwitch fabric has not taken the GPU in; CUDA does not start on it (error 802).",
                "Start nvidia-fabricmanager of exactly the driver's version (and nvlsm where the switches need it), "
                "and read its log.",
                f"{title}: fabric {state}",
                gpu.bus_id,
            )
    if gpu.recovery_action not in (None, "None"):
        yield Diagnosis(
            "gpu_recovery",
            "The driver asks for a GPU's recovery.",
            "Do what it asks for: stop everything that uses the GPU, then reset it or reboot the host.",
            f"{title}: {gpu.recovery_action}",
            gpu.bus_id,
        )
