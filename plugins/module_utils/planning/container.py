# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A unit's process in a container: the same unit shape as without one."""

from __future__ import annotations

import typing as t

from ..releases import packages
from . import transfers
from .members import Member
from .models import Model
from .options import Options

_DOCKER = "/usr/bin/docker"
#: The devices of RDMA cards. Without them NCCL falls back to sockets, and tells it in a debug log alone.
_RDMA = "/dev/infiniband"


def image(member: Member, fleet: t.Mapping[str, t.Any]) -> str:
    """The image of the member's engine: what a person wrote, else the vLLM project's own."""
    service = member.engine.service
    machine = str((member.probe or {}).get("machine") or "x86_64")
    found: str = (
        service["image"]
        or fleet["vllm_image"]
        or packages.image(service["version"], member.engine.accelerator, machine)
    )
    return found


def _talks_by_rdma(member: Member) -> bool:
    """By the interface that the members talk over, or by a KV connector on a host that has RDMA."""
    if (member.interface or {}).get("rdma"):
        return True
    devices = (member.probe or {}).get("rdma_devices") or ()
    active = any(str(device.get("state")).lower() == "active" for device in devices)
    return active and bool(member.devices) and bool(transfers.names(Options(member.engine.service)))


def wrap(
    unit: dict[str, t.Any], program: str, argv: list[str], member: Member, model: Model, fleet: t.Mapping[str, t.Any]
) -> dict[str, t.Any]:
    """``docker run`` in the foreground. Variables go by name: docker takes their values from its own.

    unit: the item without its commands.
    """
    name = unit["name"].removesuffix(".service")
    run = [_DOCKER, "run", "--rm", "--name", name, "--network", "host", "--ipc", "host"]
    run += ["--ulimit", "memlock=-1", "--ulimit", f"stack={unit['limits']['stack']}"]
    if member.devices:
        run += ["--gpus", '"device=' + ",".join(map(str, member.devices)) + '"']
    if _talks_by_rdma(member):
        run += ["--device", _RDMA]
    if fleet["vllm_container_sys_ptrace"]:
        run += ["--cap-add", "SYS_PTRACE"]
    if fleet["vllm_container_privileged"]:
        run.append("--privileged")
    volumes = (
        [f"{model.path}:{model.path}:ro"]
        if model.path
        else [f"{fleet['vllm_state_dir']}/huggingface:{fleet['vllm_state_dir']}/huggingface"]
    )
    for volume in [*volumes, *fleet["vllm_volumes"]]:
        run += ["--volume", volume]
    for variable in sorted([*unit["environment"], *unit["secrets"]]):
        run += ["--env", variable]
    chosen = image(member, fleet)
    return {
        **unit,
        "image": chosen,
        # A container that a crash of the engine left behind would keep the name. May fail: mostly there is none.
        "exec_start_pre": [[_DOCKER, "rm", "--force", name]],
        "exec": [*run, "--entrypoint", program, chosen, *argv],
        "exec_stop": [_DOCKER, "stop", "--time", str(unit["stop_timeout_s"]), name],
    }
