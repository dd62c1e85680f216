# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``env`` means: variables that the release does not read, that the plan sets itself, or that open doors."""

from __future__ import annotations

import ipaddress
import re
import typing as t

from ..models.config import ModelFacts
from ..releases import variables
from .errors import Refusals
from .intent import Service
from .options import Options

#: Variables of a member: one value is not right on all hosts. What to set instead; empty: the plan gives each its own.
_OF_MEMBERS: dict[str, str] = {
    "CUDA_DEVICE_ORDER": "",
    "CUDA_VISIBLE_DEVICES": "devices",
    "NVIDIA_VISIBLE_DEVICES": "devices",
    "VLLM_HOST_IP": "interface",
}
#: What may be written of those: the plan's own value.
_PLANNED: dict[str, str] = {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
#: Likewise, where an engine has several hosts. On one host they steer what the plan leaves alone.
_OF_NETWORK: dict[str, str] = {
    "GLOO_SOCKET_IFNAME": "interface",
    "NCCL_SOCKET_IFNAME": "interface",
    "TP_SOCKET_IFNAME": "interface",
    "RAY_ADDRESS": "executor",
    "VLLM_DP_MASTER_IP": "hosts",
    "VLLM_DP_MASTER_PORT": "ports.data_parallel",
    "VLLM_DP_RANK": "parallel.data",
    "VLLM_DP_RANK_LOCAL": "parallel.data",
    "VLLM_DP_SIZE": "parallel.data",
    "VLLM_PORT": "",
}
_DEV_MODE = "VLLM_SERVER_DEV_MODE"


def check(
    service: Service,
    options: Options,
    facts: ModelFacts | None,
    sizes: t.Mapping[str, t.Any],
    several_hosts: bool | None,
    refusals: Refusals,
) -> None:
    """Refuse what is certain to fail or is dangerous; warn of what does nothing, or opens a door.

    sizes: parallel sizes, as far as they are known. several_hosts: whether an engine has more than one; None: not known
    yet, and what depends on it is not judged.
    """
    several = several_hosts or (several_hosts is None and len(service.hosts) > 1)
    own = {**_OF_MEMBERS, **(_OF_NETWORK if several else {})}
    for name in (*options.env, *options.secret_names):
        path = options.env_path(name)
        if name in own and (name in _OF_MEMBERS or several_hosts):
            _owned(name, path, own[name], service, options, refusals)
        elif name not in own and name in options.env:
            _known(name, path, service, options, refusals)
    if "VLLM_PORT" not in own:
        _port(options, refusals)
    _engine(options, refusals)
    _layers(options, facts, sizes.get("pipeline"), refusals)
    _open_doors(service, options, refusals)
    if options.env_on("VLLM_KEEP_ALIVE_ON_ENGINE_DEATH"):
        path = options.env_path("VLLM_KEEP_ALIVE_ON_ENGINE_DEATH")
        message = "the API server outlives its engine, so systemd does not see that it must start it again"
        refusals.warn("server-outlives-engine", path, message, "leave it out")


def check_hosts(
    service: Service,
    host_env: t.Mapping[str, t.Mapping[str, t.Any]],
    facts: ModelFacts | None,
    sizes: t.Mapping[str, t.Any],
    several_hosts: bool | None,
    refusals: Refusals,
) -> None:
    """The same for what a person wrote for single hosts (``vllm_host_env``), which goes before the service's own."""
    for host in service.hosts:
        if host in host_env:
            check(service, Options(service, host, host_env[host]), facts, sizes, several_hosts, refusals)


def _owned(name: str, path: str, instead: str, service: Service, options: Options, refusals: Refusals) -> None:
    """What the plan sets, wherever a person wrote it. A secret's value is not shown."""
    if options.value(name) == _PLANNED.get(name):
        return
    rule = "differs from member to member, and the plan sets it for each"
    if name in _PLANNED:
        rule = f"would number the GPUs otherwise than the plan does ({_PLANNED[name]})"
    fix = f"use {service.path}.{instead}" if instead else "leave it out"
    refusals.add("variable-owned", path, options.env.get(name), rule, fix)


def is_exposed(service: Service) -> bool:
    """Whether other hosts reach the service's port. What is no address is refused elsewhere."""
    try:
        return not ipaddress.ip_address(service["listen"]).is_loopback
    except ValueError:
        return True


def _known(name: str, path: str, service: Service, options: Options, refusals: Refusals) -> None:
    standing = variables.find(name, service["version"])
    if standing.valid:
        return
    message = f"vLLM {service['version']} does not read it"
    if options.is_on("fail-on-environ-validation") and name.startswith("VLLM_"):
        rule = f"{message}, and fail_on_environ_validation makes that an error"
        refusals.add("variable-unknown", path, None, rule, standing.advice)
    else:
        refusals.warn("variable-unknown", path, message, standing.advice)


def _port(options: Options, refusals: Refusals) -> None:
    """envs.py, get_vllm_port: any other text ends the start, as what Kubernetes sets for a service named vllm."""
    port = options.env.get("VLLM_PORT")
    if port is not None and not (re.fullmatch(r"\d{1,5}", port) and 0 < int(port) < 65536):
        rule = "is the first of the engine's internal ports, a number from 1 to 65535"
        refusals.add("internal-port", options.env_path("VLLM_PORT"), port, rule, "leave it out")


def _engine(options: Options, refusals: Refusals) -> None:
    """VLLM_USE_V1 is read as a number. Where the release does not read it at all, another warning says so."""
    written = options.env.get("VLLM_USE_V1")
    valid = written is None or not variables.find("VLLM_USE_V1", options.version).valid
    if not valid and written not in ("0", "1"):
        rule = "chooses the engine: 0 or 1"
        refusals.add("engine-choice", options.env_path("VLLM_USE_V1"), written, rule, "write 0 or 1, or leave it out")


def _layers(options: Options, facts: ModelFacts | None, stages: int | None, refusals: Refusals) -> None:
    """distributed/utils.py, get_pp_indices: one number a stage, and all layers must have a place."""
    written = options.env.get("VLLM_PP_LAYER_PARTITION")
    if written is None:
        return
    path = options.env_path("VLLM_PP_LAYER_PARTITION")
    parts = [part.strip() for part in written.split(",")]
    if not all(re.fullmatch(r"\d{1,6}", part) for part in parts):
        refusals.add("layer-partition", path, written, "must be numbers, one for each stage", "for example 31,30")
        return
    total = sum(int(part) for part in parts)
    if stages is not None and len(parts) != stages:
        rule = f"tells of {len(parts)} stages, and the pipeline has {stages}"
        refusals.add("layer-partition", path, written, rule, "give one number for each stage")
    elif facts is not None and total != facts.layers:
        rule = f"places {total} layers, and the model has {facts.layers}"
        refusals.add("layer-partition", path, written, rule, f"make the numbers' sum {facts.layers}")


def _open_doors(service: Service, options: Options, refusals: Refusals) -> None:
    """Doors of the server that its key does not guard, where other hosts can reach them."""
    if not is_exposed(service):
        return
    listen = service["listen"]
    loopback = "listen: 127.0.0.1 behind a proxy that passes only /v1"
    if options.env_on(_DEV_MODE):
        rule = f"opens control routes (/collective_rpc, /sleep, /reset_*) to whoever reaches {listen}, without a key"
        refusals.add("development-mode", options.env_path(_DEV_MODE), 1, rule, f"leave it out, or {loopback}")
    if options.env_on("VLLM_ALLOW_RUNTIME_LORA_UPDATING"):
        message = f"whoever may use the service at {listen} can make it load files of the host as adapters"
        path = options.env_path("VLLM_ALLOW_RUNTIME_LORA_UPDATING")
        refusals.warn("open-control-route", path, message, f"leave it out, or {loopback}")
    profiled = options.path("profiler-config") if "profiler-config" in options else ""
    if "VLLM_TORCH_PROFILER_DIR" in options.env and variables.find("VLLM_TORCH_PROFILER_DIR", options.version).valid:
        profiled = options.env_path("VLLM_TORCH_PROFILER_DIR")
    if profiled:
        message = f"/start_profile slows the engine for all and fills the disk; no key guards it at {listen}"
        refusals.warn("open-control-route", profiled, message, f"take it out after profiling, or {loopback}")
    if "grpc-port" in options:
        message = f"the gRPC port takes no key, and can end the engine; it is open at {listen}"
        refusals.warn("open-control-route", options.path("grpc-port"), message, "leave it out, or listen: 127.0.0.1")
    events = options.mapping("kv-events-config")
    values: t.Mapping[str, t.Any] = events.values if events is not None else {}
    endpoint = str(values.get("endpoint", "tcp://*:5557"))
    if events is not None and values.get("enable_kv_cache_events") is True and "*" in endpoint:
        message = f"publishes what prompts are cached at {endpoint}, on every interface and without a key"
        # Of any other endpoint than * vLLM is the client (kv_events.py), so that an address of the host will not do.
        fix = (
            "name its readers in vllm_client_networks, or write the endpoint (tcp://<host>:<port>) of one that listens"
        )
        refusals.warn("open-kv-events", events.path, message, fix)
