# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for GPUs, for the lab alone: vLLM's CPU platform, which Ray can place as if its processes had GPUs.

vLLM's own CPU platform names no Ray resource, so its Ray executor refuses it, although everything else of that
executor works on a CPU. Nothing but the lab's hosts may have this; no role installs it.
"""

from __future__ import annotations


def register() -> str:
    """The entry point of the group vllm.platform_plugins: the platform's class, by name."""
    return "vllm_lab_gpu_stand_in.platform.StandInPlatform"
