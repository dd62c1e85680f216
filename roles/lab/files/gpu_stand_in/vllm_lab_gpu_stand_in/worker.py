# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The CPU worker, with what it lacks for ranks on several hosts."""

from __future__ import annotations

import pathlib
import socket
import time
import typing as t

from vllm.distributed import get_pp_group
from vllm.distributed.device_communicators.cpu_communicator import _CPUSHMDistributed
from vllm.v1.worker.cpu_worker import CPUWorker

from . import nixl

_group_name = _CPUSHMDistributed.make_group_name

#: A file with the seconds that loading a model takes longer here: tests make a big model of the tiny one.
_SLOW_LOAD = pathlib.Path("/run/vllm-lab-load-seconds")

_WITH_NIXL = ("NixlConnector", "NixlPushConnector", "MultiConnector")


def _group_name_of_host(communicator: t.Any) -> str:
    """The name of a group's shared memory, which only ranks of one host share.

    vLLM 0.32 names it by the rendezvous port, so that ranks of different hosts take it for common on machines with
    AVX-512, and fail to open it. With different names they talk through torch.distributed.
    """
    return f"{_group_name(communicator)}-{socket.gethostname()}"


_CPUSHMDistributed.make_group_name = staticmethod(_group_name_of_host)


def _connector(config: t.Any) -> str | None:
    return config.kv_transfer_config and config.kv_transfer_config.kv_connector


class StandInWorker(CPUWorker):
    """vLLM's CPU worker, as a stage of a pipeline."""

    def load_model(self, *arguments: t.Any, **options: t.Any) -> None:
        """Load it, and make what a later pipeline stage receives into; NIXL is made after that.

        vLLM 0.32 makes these buffers in a warm-up, which the CPU worker leaves out with enforce_eager: the first
        request would fail.
        """
        if _SLOW_LOAD.exists():
            time.sleep(float(_SLOW_LOAD.read_text()))
        if _connector(self.vllm_config) in _WITH_NIXL:
            nixl.pause()
        super().load_model(*arguments, **options)
        runner = self.model_runner
        if runner.intermediate_tensors is None and not get_pp_group().is_first_rank:
            runner.intermediate_tensors = runner.model.make_empty_intermediate_tensors(
                batch_size=runner.max_num_tokens, dtype=runner.model_config.dtype, device=runner.device
            )
