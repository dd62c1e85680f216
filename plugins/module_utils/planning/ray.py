# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Ray cluster of one engine: a unit on each member, which lives and dies with the engine."""

from __future__ import annotations

import typing as t

from .members import Member

#: Options of ``ray start`` by kind of port.
_OPTIONS = {
    "ray_node_manager": "--node-manager-port",
    "ray_object_manager": "--object-manager-port",
    "ray_runtime_env_agent": "--runtime-env-agent-port",
    "ray_dashboard_agent_grpc": "--dashboard-agent-grpc-port",
    "ray_dashboard_agent": "--dashboard-agent-listen-port",
    "ray_metrics": "--metrics-export-port",
}


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
        "secrets": {},
        "restart_with": [],
        "ports": {
            name: port if isinstance(port, int) else list(port) for name, port in member.ports.items() if owns(name)
        },
        "listen": member.address,
        "health_url": None,
        "served_model_name": None,
    }


def command(member: Member) -> list[str]:
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
    return [*argv, "--num-gpus", str(len(member.devices))]
