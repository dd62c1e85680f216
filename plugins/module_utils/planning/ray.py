# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Ray cluster of one engine: a unit on each member, which lives and dies with the engine."""

from __future__ import annotations

import hashlib
import typing as t

from ..releases import versions
from . import groups
from .errors import Refusals
from .members import Member
from .placement import Engine

#: Options of ``ray start`` by kind of port.
_OPTIONS = {
    "ray_node_manager": "--node-manager-port",
    "ray_object_manager": "--object-manager-port",
    "ray_runtime_env_agent": "--runtime-env-agent-port",
    "ray_dashboard_agent_grpc": "--dashboard-agent-grpc-port",
    "ray_dashboard_agent": "--dashboard-agent-listen-port",
    "ray_metrics": "--metrics-export-port",
}

#: vLLM moves its tensors itself; Ray's default would take a third of the host's memory.
_OBJECT_STORE_BYTES = 1 << 30
#: Ray has nothing to save, but hangs in its stop when its control store died: 60 s of systemd's patience, measured.
_STOP_TIMEOUT_S = 5
#: Ray's documentation names 2.52.0 as the first release with token authentication.
_FIRST_WITH_TOKENS = (2, 52, 0)
#: Ray's sockets lie deeper by up to 64 bytes, and a socket's path may have 107 (unix(7)).
_LONGEST_TEMP_DIR = 107 - 64
#: Of the hash that stands for a long name of an engine.
_DIGITS = 12

#: What vLLM reads, in VLLM_CONFIG_ROOT, to know which of the head's variables must not go to the other members.
_FENCE_FILE = "ray_non_carry_over_env_vars.json"
#: Variables of one host, whatever their values; and the clients' key, which other hosts need not know.
_STAY = (
    "CUDA_VISIBLE_DEVICES",
    "GLOO_SOCKET_IFNAME",
    "NCCL_IB_HCA",
    "NCCL_SOCKET_IFNAME",
    "OMP_NUM_THREADS",
    "RAY_ADDRESS",
    "TP_SOCKET_IFNAME",
    "UCX_NET_DEVICES",
    "VLLM_API_KEY",
    "VLLM_HOST_IP",
    "VLLM_PORT",
)


def owns(port: str) -> bool:
    """Whether a kind of port is Ray's and not the engine's."""
    return port == "ray" or port.startswith("ray_")


def unit(member: Member, variables: t.Mapping[str, str]) -> dict[str, t.Any]:
    """What the ``units`` item says of the member's Ray, besides what all units of the engine share.

    variables: the member's. Ray's processes must have them: workers inherit from Ray, not from ``vllm serve``.
    """
    engine = member.engine
    return {
        "name": member.ray_unit,
        "description": f"Ray {'head' if member.is_head else 'worker'} of vLLM engine {engine.name}",
        "kind": "ray",
        "environment": dict(variables),
        "stop_timeout_s": _STOP_TIMEOUT_S,
        "secrets": {},
        "restart_with": [],
        "ports": {
            name: port if isinstance(port, int) else list(port) for name, port in member.ports.items() if owns(name)
        },
        "listen": member.address,
        "health_url": None,
        "served_model_name": None,
    }


def temp_dir(engine: str, state_dir: str) -> str:
    """Where Ray keeps its sockets and logs, on every member. Digits stand for a name that is too long for sockets.

    Never in a folder that others may write to: Ray lets everyone write into its own.
    """
    path = f"{state_dir}/ray/{engine}"
    if len(path) <= _LONGEST_TEMP_DIR:
        return path
    return f"{state_dir}/ray/{hashlib.sha256(engine.encode()).hexdigest()[:_DIGITS]}"


def check_state_dir(engine: Engine, state_dir: str, refusals: Refusals) -> None:
    """Refuse a folder below which no socket of Ray can have a path."""
    if engine.executor != "ray" or len(temp_dir(engine.name, state_dir)) <= _LONGEST_TEMP_DIR:
        return
    longest = _LONGEST_TEMP_DIR - len("/ray/") - min(len(engine.name), _DIGITS)
    told = f"for engine {engine.name} it may have {longest} characters, not {len(state_dir)}"
    rule = f"Ray's sockets lie below it, and a socket's path ends at 107 bytes: {told}"
    refusals.add("ray-state-dir", "vllm_state_dir", state_dir, rule, "take a shorter path, such as /srv/vllm")


def variables(engine: Engine, ray_version: str) -> list[tuple[str, str, str]]:
    """What Ray and whoever joins it must have: (name, value, why)."""
    found = [
        ("RAY_ROTATION_MAX_BYTES", str(64 << 20), "logs do not fill the disk"),
        ("RAY_ROTATION_BACKUP_COUNT", "3", "logs do not fill the disk"),
    ]
    if versions.numbers(ray_version) < _FIRST_WITH_TOKENS:
        return found
    path = groups.secret_file(engine.name)
    found.append(("RAY_AUTH_MODE", "token", "who has no token cannot use the cluster"))
    return [*found, ("RAY_AUTH_TOKEN_PATH", path, "the token of the engine's members")]


def fence_variables(engine: Engine) -> list[tuple[str, str, str]]:
    """Where the head's vLLM finds what must not be carried: (name, value, why); [] for one host."""
    if len(engine.hosts) == 1:
        return []
    return [("VLLM_CONFIG_ROOT", groups.config_dir(engine.name), "tells Ray which variables stay on their host")]


def fence(engine: Engine, variables: t.Sequence[t.Mapping[str, str]]) -> dict[str, t.Any] | None:
    """The ``not_carried`` of the head's group: the file, and the names of variables that it must hold.

    vLLM's Ray executor gives the workers what the head's process has: from 0.8.0 on vLLM's own variables, from 0.17.0
    on those with prefixes such as NCCL_ and UCX_ (vllm/ray/ray_env.py), both over what the worker's host says; since
    0.20.0 everything, where the worker has nothing (v1/executor/ray_env_utils.py). All members' Ray units have the
    plan's variables anyway, so what differs between them need not be carried.

    variables: of each member, the head's first. None for one host.
    path: None where a person chose VLLM_CONFIG_ROOT, whose files are not ours.
    """
    if len(engine.hosts) == 1:
        return None
    head, *others = variables
    names = {name for given in variables for name in given}
    differing = {name for name in names if any(given.get(name) != head.get(name) for given in others)}
    folder = groups.config_dir(engine.name)
    ours = head.get("VLLM_CONFIG_ROOT") == folder
    return {"path": f"{folder}/{_FENCE_FILE}" if ours else None, "names": sorted(differing.union(_STAY))}


def warn_unfenced(engine: Engine, not_carried: t.Mapping[str, t.Any] | None, refusals: Refusals) -> None:
    """Say so where a person's VLLM_CONFIG_ROOT keeps vLLM from finding the file."""
    if not_carried is None or not_carried["path"] is not None:
        return
    message = f"vLLM looks there for the variables that Ray must not carry from {engine.head} to the other members"
    fix = f"leave it out, or put {_FENCE_FILE} there, a JSON list of the plan's groups[].not_carried.names"
    refusals.warn("ray-unfenced", f"{engine.service.path}.env.VLLM_CONFIG_ROOT", message, fix)


def clean_up(engine: str, state_dir: str) -> list[list[str]]:
    """Commands before Ray starts: of the sessions of earlier clusters only the last is kept, to be looked at.

    Every start of a head makes a new one, and Ray removes none. Nothing is removed where the link is missing.
    """
    folder = temp_dir(engine, state_dir)
    found = ["/usr/bin/find", "-H", folder, "-mindepth", "1", "-maxdepth", "1", "-type", "d", "-name", "session_2*"]
    return [[*found, "!", "-samefile", f"{folder}/session_latest", "-exec", "rm", "-rf", "{}", "+"]]


def command(member: Member, state_dir: str) -> list[str]:
    """``start …``: what follows the name of the ray program."""
    first, last = t.cast("tuple[int, int]", member.ports["ray_workers"])
    argv = ["start", "--block", "--disable-usage-stats", "--node-ip-address", member.address]
    if member.is_head:
        argv += [
            "--head",
            "--port",
            str(member.port("ray")),
            "--ray-client-server-port",
            str(member.port("ray_client")),
        ]
        argv += ["--dashboard-host", "127.0.0.1", "--dashboard-port", str(member.port("ray_dashboard"))]
    else:
        head = f"[{member.head_address}]" if ":" in member.head_address else member.head_address
        argv += ["--address", f"{head}:{member.head_port('ray')}"]
    for name, option in _OPTIONS.items():
        argv += [option, str(member.port(name))]
    argv += ["--min-worker-port", str(first), "--max-worker-port", str(last)]
    # On the CPU a platform plugin presents ranks as what Ray calls GPUs (coherence refuses Ray without one).
    argv += ["--num-gpus", str(len(member.devices) or member.engine.ranks_per_host)]
    argv += ["--object-store-memory", str(_OBJECT_STORE_BYTES)]
    return [*argv, "--temp-dir", temp_dir(member.engine.name, state_dir)] if member.is_head else argv
