# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Ray cluster of one engine: a unit on each member, which lives and dies with the engine."""

from __future__ import annotations

import hashlib
import typing as t

from ..releases import versions
from . import groups
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
    """Where Ray keeps its sockets and logs, on every member. A path that is too long for sockets is not used."""
    path = f"{state_dir}/ray/{engine}"
    if len(path) <= _LONGEST_TEMP_DIR:
        return path
    return f"/tmp/vllm-ray-{hashlib.sha256(path.encode()).hexdigest()[:12]}"  # noqa: S108 - of this user alone


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
