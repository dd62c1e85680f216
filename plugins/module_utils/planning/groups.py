# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What makes the members of an engine of several hosts live and die together: a guard on each (docs/guard.md)."""

from __future__ import annotations

import json
import typing as t

from . import secrets
from .members import Member

#: Where the roles put the guard's program and, for each engine, the secret that its members share.
PROGRAM = "/usr/local/lib/vllm-cluster/vllm-guard.pyz"
SECRET_DIR = "/etc/vllm/groups"
#: The variable that holds the guard's configuration, as JSON (docs/guard.md).
CONFIG = "VLLM_GUARD_CONFIG"


def secret_file(engine: str) -> str:
    """The file with what the members of an engine know of each other by, and Ray's token; mode 0600."""
    return f"{SECRET_DIR}/{engine}.secret"


def config_dir(engine: str) -> str:
    """What vLLM of the head is given for its VLLM_CONFIG_ROOT where Ray runs the engine; root's own."""
    return f"{SECRET_DIR}/{engine}.config"


def item(member: Member, not_carried: t.Mapping[str, t.Any] | None) -> dict[str, t.Any]:
    """The ``groups`` item of the host's part of the plan. not_carried: of the head (ray.fence), else None."""
    engine = member.engine
    return {
        "engine": engine.name,
        "executor": engine.executor,
        "role": "head" if member.is_head else "worker",
        "head": engine.head,
        "members": list(engine.hosts),
        "secret_file": secret_file(engine.name),
        "not_carried": not_carried,
    }


def guard(member: Member, units: t.Sequence[t.Mapping[str, t.Any]], python: str) -> dict[str, t.Any]:
    """The ``units`` item of the member's guard.

    units: the member's own, in the order they start. python: an interpreter of the host.
    """
    engine, service = member.engine, member.engine.service
    config: dict[str, t.Any] = {
        "engine": engine.name,
        "service": service.name,
        "role": "head" if member.is_head else "worker",
        "member": member.host,
        "units": [unit["name"] for unit in units],
        "secret_file": secret_file(engine.name),
        # A copy of a dense model makes its tokens without the others.
        "lockstep": engine.parallel["data"] == 1 or engine.parallel["expert"],
    }
    if service["runtime"] == "container":
        config["containers"] = True
    place = {"address": member.head_address, "port": member.head_port("guard")}
    references = {}
    if member.is_head:
        serving = next(unit for unit in units if unit["health_url"])
        config["listen"] = place
        config["members"] = [host for host in engine.hosts if host != engine.head]
        config["api"] = {"url": serving["health_url"], "model": serving["served_model_name"]}
        config["start_timeout_s"] = serving["start_timeout_s"]
        if service["api_key"]:
            references["VLLM_API_KEY"] = secrets.api_key_reference(service.name)
    else:
        config["head"] = place
    return {
        "name": f"vllm-{engine.name}-guard.service",
        "description": f"Guard of vLLM engine {engine.name}",
        "kind": "guard",
        "service": service.name,
        "engine": engine.name,
        "runtime": "env",
        "user": None,
        "exec_start_pre": [],
        "exec": [python, "-I", PROGRAM, "run"],
        "exec_stop": [],
        "environment": {CONFIG: json.dumps(config, sort_keys=True, separators=(",", ":"))},
        "secrets": references,
        "limits": {},
        "start_timeout_s": 60,
        "stop_timeout_s": 10,
        "restart_with": [],
        "ports": {"guard": member.port("guard")} if member.is_head else {},
        "devices": [],
        "listen": member.head_address if member.is_head else None,
        "health_url": None,
        "served_model_name": None,
    }
