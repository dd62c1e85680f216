# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The systemd units of an engine's members, in the plan's words; two runtimes, one shape."""

from __future__ import annotations

import typing as t

from ..downloads import huggingface
from ..releases import runtimes
from ..releases import variables as release_variables
from . import container, environments, ray, secrets, serve, sides
from .addresses import local
from .decisions import Decision
from .members import Member
from .models import Model
from .options import env_text
from .placement import Engine

#: DMA buffers and thread stacks of the collectives must not hit the distribution's small limits.
_LIMITS = {"memlock": "infinity", "nofile": "1048576", "stack": "67108864"}
#: Time for running requests to end and for workers to leave the GPUs, before systemd kills the control group.
_STOP_TIMEOUT_S = 60
#: How long a step may wait for the other ranks; vLLM's own 300 s is how long requests hang where a rank is gone.
_STEP_LIMIT, _STEP_LIMIT_S = "VLLM_EXECUTE_MODEL_TIMEOUT_SECONDS", 120
#: Which cores the ranks of a CPU engine keep to.
_BINDING = "VLLM_CPU_OMP_THREADS_BIND"


def served_names(engine: Engine) -> list[str]:
    """What clients may put into ``model``: the written name, or the service's; a hub id stays good too."""
    service = engine.service
    names = [service["served_model_name"] or service.name]
    model: str = service["model"]
    if not model.startswith("/") and "://" not in model:
        names.append(model)
    return list(dict.fromkeys(names))


def environment(
    member: Member,
    model: Model,
    cpu_share: int | None,
    fleet: t.Mapping[str, t.Any],
    host_env: t.Mapping[str, t.Any],
) -> tuple[dict[str, str], list[Decision]]:
    """The member's variables.

    cpu_share: cores for each rank of a CPU engine, None when unknown. host_env: what a person wrote for the host alone.
    """
    engine, service = member.engine, member.engine.service
    path = f"{service.path}.env"
    derived: list[tuple[str, str, str]] = [("VLLM_NO_USAGE_STATS", "1", "no usage reports leave the host unless asked")]
    if model.path:
        derived.append(("HF_HUB_OFFLINE", "1", "the model is on the host: nothing is fetched at start"))
    else:
        derived.append(("HF_HOME", f"{fleet['vllm_state_dir']}/huggingface", "the engine fetches the model itself"))
        derived += _mirror(str(fleet["vllm_hub_endpoint"]))
    if member.devices and service["runtime"] == "env":
        shown = ",".join(map(str, member.devices))
        derived.append(("CUDA_VISIBLE_DEVICES", shown, f"the GPUs of engine {engine.name} on {member.host}"))
    if member.grant is not None and service["runtime"] == "env":
        derived.append(("CUDA_DEVICE_ORDER", "PCI_BUS_ID", "GPUs are numbered as nvidia-smi numbers them"))
    if engine.accelerator == "cpu":
        derived.append((_BINDING, _unbound(engine), "engines of one host would bind to the same cores"))
        if cpu_share is not None:
            why = f"the cores of {member.host}, shared by its CPU engines' ranks"
            derived.append(("OMP_NUM_THREADS", str(cpu_share), why))
    derived += _network(member) + sides.variables(service, member.ports)
    known = {name for name, _value, _why in derived}
    derived += [variable for variable in member.wired.variables if variable[0] not in known]
    if engine.executor == "ray":
        derived += ray.variables(engine, environments.ray_version(service["version"], fleet))
        derived += container.variables(engine, fleet["vllm_state_dir"])
        derived += (serve.ray_variables(engine) + ray.fence_variables(engine)) if member.is_head else []
    common = {name: env_text(value) for name, value in service["env"].items()}
    own = {name: env_text(value) for name, value in host_env.items()}
    written = {**common, **own}
    decisions = [Decision(f"{path}.{name}", value, why) for name, value, why in derived if name not in written]
    for name, value in own.items():
        instead = f", instead of {common[name]}" if name in common else ""
        decisions.append(Decision(f"{path}.{name}", value, f"vllm_host_env of {member.host}{instead}"))
    merged = {name: value for name, value, _why in derived}
    merged.update(written)
    return dict(sorted(merged.items())), decisions


def _unbound(engine: Engine) -> str:
    """That no rank is bound to cores. Old releases read a list of cores a rank, and end at any other word."""
    known = runtimes.has_trait("cpu_ranks_unbound", engine.service["version"])
    return "nobind" if known else "|".join(["all"] * engine.world_size)


def _mirror(endpoint: str) -> list[tuple[str, str, str]]:
    """Of an engine that fetches from another hub than the public one."""
    if endpoint.rstrip("/") in ("", huggingface.ENDPOINT):
        return []
    why = "mirrors carry the hub's interface, and not the store behind it"
    return [
        ("HF_ENDPOINT", endpoint.rstrip("/"), "vllm_hub_endpoint: the engine fetches the model itself"),
        ("HF_HUB_DISABLE_XET", "1", why),
    ]


def _network(member: Member) -> list[tuple[str, str, str]]:
    """What members of several hosts need so that each binds to the interface that the others reach."""
    if len(member.engine.hosts) == 1:
        return []
    found = [("VLLM_HOST_IP", member.address, f"where the other members reach {member.host}")]
    name = (member.interface or {}).get("name")
    if name:
        # NCCL takes a bare name for the beginning of one: eth1 would be eth10 too. Gloo takes the whole name.
        for variable, value in (("GLOO_SOCKET_IFNAME", name), ("NCCL_SOCKET_IFNAME", f"={name}")):
            found.append((variable, value, f"the members' common network on {member.host}"))
    found.append(("VLLM_PORT", str(member.port("internal")), "where the search for internal ports begins"))
    if release_variables.find(_STEP_LIMIT, member.engine.service["version"]).valid:
        found.append((_STEP_LIMIT, str(_STEP_LIMIT_S), "a step that lasts longer waits for a member that is gone"))
    return found


def member_units(
    member: Member, model: Model, variables: dict[str, str], environment_path: str, fleet: t.Mapping[str, t.Any]
) -> list[dict[str, t.Any]]:
    """The ``units`` items of the plan (docs/plan.md) for one member, in the order they start."""
    engine, service = member.engine, member.engine.service
    references = {name: secrets.secret_reference(service.name, name) for name in sorted(service["secrets"])}
    if service["api_key"]:
        references["VLLM_API_KEY"] = secrets.api_key_reference(service.name)
    revision = None if model.path else service["revision"]
    argv = serve.command(engine, member, model.path or service["model"], served_names(engine), revision)
    api = member.ports.get("api")
    common: dict[str, t.Any] = {
        "service": service.name,
        "engine": engine.name,
        "runtime": service["runtime"],
        "user": None if service["runtime"] == "container" else fleet["vllm_user"],
        "limits": dict(_LIMITS),
        "start_timeout_s": service["start_timeout"] or fleet["vllm_start_timeout"],
        "stop_timeout_s": _STOP_TIMEOUT_S,
        "devices": member.devices,
    }
    unit = {
        "name": engine.unit,
        "description": f"vLLM engine {engine.name}",
        "kind": "engine",
        **common,
        "environment": variables,
        "secrets": references,
        "restart_with": [],
        "ports": {name: _shown(port) for name, port in member.ports.items() if not (ray.owns(name) or name == "guard")},
        "listen": member.listen if api is not None else None,
        "health_url": local(member.listen, member.port("api")) if api is not None else None,
        "served_model_name": served_names(engine)[0],
    }
    if engine.executor != "ray":
        return [_run(unit, "vllm", argv, member, model, environment_path, fleet)]
    cluster = {**common, **ray.unit(member, variables)}
    started = _run(cluster, "ray", ray.command(member, fleet["vllm_state_dir"]), member, model, environment_path, fleet)
    if not member.is_head:
        return [started]
    address = (
        f"{member.address}:{member.port('ray')}"
        if ":" not in member.address
        else f"[{member.address}]:{member.port('ray')}"
    )
    unit["environment"] = dict(sorted({**variables, "RAY_ADDRESS": address}.items()))
    unit["restart_with"] = [started["name"]]
    return [started, _run(unit, "vllm", argv, member, model, environment_path, fleet)]


def _run(
    unit: dict[str, t.Any],
    program: str,
    argv: list[str],
    member: Member,
    model: Model,
    environment_path: str,
    fleet: t.Mapping[str, t.Any],
) -> dict[str, t.Any]:
    """The unit with its commands."""
    before = ray.clean_up(member.engine.name, fleet["vllm_state_dir"]) if program == "ray" else []
    if unit["runtime"] == "container":
        return container.wrap(unit, program, argv, member, model, fleet, before)
    return {**unit, "exec_start_pre": before, "exec": [f"{environment_path}/bin/{program}", *argv], "exec_stop": []}


def _shown(port: t.Any) -> t.Any:
    return port if isinstance(port, int) else list(port)
