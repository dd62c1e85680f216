# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The CPU platform under the name of a GPU."""

from __future__ import annotations

import os
import typing as t

from vllm.platforms.cpu import CpuPlatform

_WORKERS = "vllm.v1.worker.cpu_worker.CPUWorker"


class StandInPlatform(CpuPlatform):
    """vLLM's CPU platform, with a Ray resource."""

    #: What the executor asks Ray for; hosts offer it with ``ray start --num-gpus``.
    ray_device_key = "GPU"

    @classmethod
    def device_control_id_to_physical_device_id(cls, device_id: str) -> int:
        """A device is a number that nothing stands behind."""
        return int(device_id)

    @classmethod
    def check_and_update_config(cls, vllm_config: t.Any) -> None:
        super().check_and_update_config(vllm_config)
        # The CPU platform starts its workers anew, importing everything again: 20 s for nothing on a small machine.
        os.environ["VLLM_WORKER_MULTIPROC_METHOD"] = "fork"
        if vllm_config.parallel_config.worker_cls == _WORKERS:
            vllm_config.parallel_config.worker_cls = "vllm_lab_gpu_stand_in.worker.StandInWorker"
