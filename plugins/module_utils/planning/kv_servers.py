# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The unit of a connector's server: from the environment or image of an engine on its host."""

from __future__ import annotations

import typing as t

from . import container, models
from .connectors.family import Place, Server
from .connectors.wanted import Want
from .members import Member

_STOP_TIMEOUT_S = 30


def unit(
    member: Member, want: Want, server: Server, place: Place, environment: str, fleet: t.Mapping[str, t.Any]
) -> dict[str, t.Any]:
    """The ``units`` item. member: of an engine on the server's host. environment: the path of its environment."""
    service = member.engine.service
    found: dict[str, t.Any] = {
        "name": name(member, server),
        "description": f"{server.title} of vLLM service {service.name}",
        "kind": "kv_server",
        "service": service.name,
        "engine": None,
        "runtime": service["runtime"],
        "user": None if service["runtime"] == "container" else fleet["vllm_user"],
        # Caches are registered for DMA.
        "limits": {"memlock": "infinity", "nofile": "1048576", "stack": "67108864"},
        "start_timeout_s": fleet["vllm_start_timeout"],
        "stop_timeout_s": _STOP_TIMEOUT_S,
        "environment": dict(server.variables),
        "secrets": {},
        "restart_with": [],
        "ports": dict(place.ports),
        # Through CUDA it opens what engines on any of the host's GPUs hand over.
        "devices": [],
        "listen": server.listen or place.address,
        "health_url": None,
        "served_model_name": None,
    }
    program, *argv = server.argv(want, place.address, place.ports)
    if service["runtime"] == "container":
        model = models.locate(service, fleet)
        return container.wrap(found, program, argv, member, model, fleet)
    return {**found, "exec_start_pre": [], "exec": [f"{environment}/bin/{program}", *argv], "exec_stop": []}


def name(member: Member, server: Server) -> str:
    """The unit's."""
    return f"vllm-{member.engine.service.name}-{server.part}.service"
