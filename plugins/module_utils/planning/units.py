# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The systemd unit of an engine, in the plan's words; two runtimes, one shape."""

from __future__ import annotations

import typing as t

from ..releases import packages
from . import secrets, serve
from .models import Model
from .placement import Decision, Engine, Probe

#: DMA buffers and thread stacks of the collectives must not hit the distribution's small limits.
_LIMITS = {"memlock": "infinity", "nofile": "1048576", "stack": "67108864"}
#: Time for running requests to end and for workers to leave the GPUs, before systemd kills the control group.
_STOP_TIMEOUT_S = 60
_DOCKER = "/usr/bin/docker"


def served_names(engine: Engine) -> list[str]:
    """What clients may put into ``model``: the written name, or the service's; a hub id stays good too."""
    service = engine.service
    names = [service["served_model_name"] or service.name]
    if not service["model"].startswith(("/", "lab://")):
        names.append(service["model"])
    return list(dict.fromkeys(names))


def environment(
    engine: Engine, model: Model, devices: t.Sequence[int], cpu_share: int | None, fleet: t.Mapping[str, t.Any]
) -> tuple[dict[str, str], list[Decision]]:
    """The engine's variables. cpu_share: cores for each rank of a CPU engine, None when unknown."""
    path = f"{engine.service.path}.env"
    derived: list[tuple[str, str, str]] = [("VLLM_NO_USAGE_STATS", "1", "no usage reports leave the host unless asked")]
    if model.kind != "hub" or model.path:
        derived.append(("HF_HUB_OFFLINE", "1", "the model is on the host: nothing is fetched at start"))
    else:
        derived.append(("HF_HOME", f"{fleet['vllm_state_dir']}/huggingface", "the engine fetches the model itself"))
    if devices and engine.service["runtime"] == "env":
        derived.append(("CUDA_VISIBLE_DEVICES", ",".join(map(str, devices)), f"the GPUs of engine {engine.name}"))
    if engine.accelerator == "cpu":
        derived.append(("VLLM_CPU_OMP_THREADS_BIND", "nobind", "engines of one host would bind to the same cores"))
        if cpu_share is not None:
            derived.append(
                ("OMP_NUM_THREADS", str(cpu_share), f"the cores of {engine.host}, shared by its CPU engines' ranks")
            )
    written = {name: _env_text(value) for name, value in engine.service["env"].items()}
    decisions = [Decision(f"{path}.{name}", value, why) for name, value, why in derived if name not in written]
    merged = {name: value for name, value, _why in derived}
    merged.update(written)
    return dict(sorted(merged.items())), decisions


def _env_text(value: t.Any) -> str:
    return {True: "1", False: "0"}[value] if isinstance(value, bool) else str(value)


def engine_unit(
    engine: Engine,
    model: Model,
    port: int,
    devices: t.Sequence[int],
    variables: dict[str, str],
    environment_path: str,
    probe: Probe,
    fleet: t.Mapping[str, t.Any],
) -> dict[str, t.Any]:
    """The ``units`` item of the plan (docs/plan.md) for one engine."""
    service = engine.service
    references = {name: secrets.secret_reference(service.name, name) for name in sorted(service["secrets"])}
    if service["api_key"]:
        references["VLLM_API_KEY"] = secrets.api_key_reference(service.name)
    revision = service["revision"] if model.kind == "hub" and not model.path else None
    argv = serve.command(engine, model.path or service["model"], port, served_names(engine), revision)
    in_container = service["runtime"] == "container"
    unit: dict[str, t.Any] = {
        "name": engine.unit,
        "description": f"vLLM engine {engine.name}",
        "kind": "engine",
        "service": service.name,
        "engine": engine.name,
        "runtime": service["runtime"],
        "user": None if in_container else fleet["vllm_user"],
        "exec_start_pre": [],
        "exec": [f"{environment_path}/bin/vllm", *argv],
        "exec_stop": [],
        "environment": variables,
        "secrets": references,
        "limits": dict(_LIMITS),
        "start_timeout_s": service["start_timeout"] or fleet["vllm_start_timeout"],
        "stop_timeout_s": _STOP_TIMEOUT_S,
        "restart_with": [],
        "ports": {"api": port},
        "devices": list(devices),
        "listen": service["listen"],
        "health_url": url(
            "127.0.0.1"
            if service["listen"] == "0.0.0.0"
            else "::1"
            if service["listen"] == "::"
            else service["listen"],
            port,
        ),
        "served_model_name": served_names(engine)[0],
    }
    if in_container:
        machine = str((probe or {}).get("machine", "x86_64"))
        image = (
            service["image"] or fleet["vllm_image"] or packages.image(service["version"], engine.accelerator, machine)
        )
        unit.update(_container(engine, model, image, argv, devices, [*variables, *references], fleet))
    return unit


def _container(
    engine: Engine,
    model: Model,
    image: str,
    argv: list[str],
    devices: t.Sequence[int],
    names: list[str],
    fleet: t.Mapping[str, t.Any],
) -> dict[str, t.Any]:
    """``docker run`` in the foreground. Variables go by name: docker takes their values from its own."""
    name = engine.unit.removesuffix(".service")
    run = [_DOCKER, "run", "--rm", "--name", name, "--network", "host", "--ipc", "host"]
    run += ["--ulimit", "memlock=-1", "--ulimit", f"stack={_LIMITS['stack']}"]
    if devices:
        run += ["--gpus", '"device=' + ",".join(map(str, devices)) + '"']
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
    for variable in sorted(names):
        run += ["--env", variable]
    return {
        "image": image,
        # A container that a crash of the engine left behind would keep the name. May fail: mostly there is none.
        "exec_start_pre": [[_DOCKER, "rm", "--force", name]],
        "exec": [*run, "--entrypoint", "vllm", image, *argv],
        "exec_stop": [_DOCKER, "stop", "--time", str(_STOP_TIMEOUT_S), name],
    }


def url(address: str, port: int) -> str:
    """IPv6 addresses need brackets (RFC 3986, 3.2.2)."""
    return f"http://[{address}]:{port}" if ":" in address else f"http://{address}:{port}"
