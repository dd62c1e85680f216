# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A unit's process in a container: the same unit shape as without one."""

from __future__ import annotations

import typing as t

from ..releases import variables as release_variables
from . import groups, images, ray, transfers
from .members import Member
from .models import Model
from .options import Options
from .placement import Engine

_DOCKER = "/usr/bin/docker"
#: Its output goes to the journal, and not besides into a file that nothing cuts. What to run is brought by the role
#: image: a pull at a start would be of what nobody checked. Shared memory is the host's, as in an environment.
_ALWAYS = ("--network", "host", "--ipc", "host", "--log-driver", "none", "--pull", "never")
#: The devices of RDMA cards. Without them NCCL falls back to sockets, and tells it in a debug log alone.
_RDMA = "/dev/infiniband"
_SOCKETS = "VLLM_RPC_BASE_PATH"


def _talks_by_rdma(member: Member) -> bool:
    """By the interface that the members talk over, or by a KV connector on a host that has RDMA."""
    if (member.interface or {}).get("rdma"):
        return True
    devices = (member.probe or {}).get("rdma_devices") or ()
    active = any(str(device.get("state")).lower() == "active" for device in devices)
    return active and bool(member.devices) and bool(transfers.names(Options(member.engine.service)))


def variables(engine: Engine, state_dir: str) -> list[tuple[str, str, str]]:
    """What an engine of several containers needs besides: (name, value, why).

    vLLM's queues have sockets in /tmp, of which each container has its own: ranks in Ray's would wait for ever.
    """
    both = engine.service["runtime"] == "container" and engine.executor == "ray"
    if not both or not release_variables.find(_SOCKETS, engine.service["version"]).valid:
        return []
    return [(_SOCKETS, ray.temp_dir(engine.name, state_dir), "sockets between vLLM's container and Ray's")]


def wrap(
    unit: dict[str, t.Any],
    program: str,
    argv: list[str],
    member: Member,
    model: Model,
    fleet: t.Mapping[str, t.Any],
    before: t.Sequence[list[str]] = (),
) -> dict[str, t.Any]:
    """``docker run`` in the foreground. Variables go by name: docker takes their values from its own.

    unit: the item without its commands. before: what the host runs first, and which may fail.
    """
    name, chosen = unit["name"].removesuffix(".service"), images.of(member, fleet)
    if unit["kind"] == "ray":  # of earlier lives: nobody else removes the sockets of variables()
        folder = ray.temp_dir(member.engine.name, fleet["vllm_state_dir"])
        before = [*before, ["/usr/bin/find", "-H", folder, "-maxdepth", "1", "-type", "s", "-delete"]]
    run = [_DOCKER, "run", "--rm", "--name", name, *_ALWAYS]
    run += ["--ulimit", "memlock=-1", "--ulimit", f"stack={unit['limits']['stack']}"]
    run += ["--ulimit", f"nofile={unit['limits']['nofile']}"]
    if member.devices:
        run += ["--gpus", '"device=' + ",".join(map(str, member.devices)) + '"']
    if _talks_by_rdma(member):
        run += ["--device", _RDMA, "--cap-add", "IPC_LOCK"]
    if member.engine.accelerator == "cpu":
        run += ["--cap-add", "SYS_NICE"]  # vLLM asks where its memory is
    if member.engine.executor == "ray":
        run += ["--pid", "host"]  # vllm serve looks for the processes of its Ray, which are in another container
    if fleet["vllm_container_sys_ptrace"]:
        run += ["--cap-add", "SYS_PTRACE"]
    if fleet["vllm_container_privileged"]:
        run.append("--privileged")
    for volume in [*_volumes(unit, member, model, fleet), *fleet["vllm_volumes"]]:
        run += ["--volume", volume]
    run += ["--env", "PYTHONUNBUFFERED=1"]
    for variable in sorted([*unit["environment"], *unit["secrets"]]):
        run += ["--env", variable]
    return {
        **unit,
        "image": chosen,
        # A container that a crash of the engine left behind would keep the name. May fail: mostly there is none.
        "exec_start_pre": [[_DOCKER, "rm", "--force", name], *before],
        "exec": [*run, "--entrypoint", program, chosen, *argv],
        "exec_stop": [_DOCKER, "stop", "-t", str(unit["stop_timeout_s"]), name],
    }


def _volumes(unit: t.Mapping[str, t.Any], member: Member, model: Model, fleet: t.Mapping[str, t.Any]) -> list[str]:
    """The model, what is compiled for it, and what connectors and Ray read and write; each at the host's own path."""
    state, engine = fleet["vllm_state_dir"], member.engine
    found = [f"{model.path}:{model.path}:ro" if model.path else f"{state}/huggingface:{state}/huggingface"]
    # Without it every start compiles anew what --rm took away.
    found.append(f"{state}/container-cache:/root/.cache")
    for item in member.files:
        found.append(f"{item['path']}:{item['path']}" + ("" if item["content"] is None else ":ro"))
    if engine.executor == "ray":
        folder, token = ray.temp_dir(engine.name, state), groups.secret_file(engine.name)
        found += [f"{folder}:{folder}", f"{token}:{token}:ro"]
        # Docker makes what is not there, and only the head of several hosts has one.
        config = groups.config_dir(engine.name)
        if unit["environment"].get("VLLM_CONFIG_ROOT") == config:
            found.append(f"{config}:{config}:ro")
    return found
