# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Intent + probes -> plan. Pure: equal input gives equal bytes. The document's shape is told in docs/plan.md."""

from __future__ import annotations

import dataclasses
import hashlib
import ipaddress
import typing as t

from ..releases import flags, packages, versions
from . import models, secrets, serve, units
from .devices import assign_devices
from .errors import Refusals
from .intent import Intent, Service
from .placement import Decision, Engine, Probe, place
from .ports import assign_ports

SCHEMA_VERSION = 1


def requests(intent: Intent) -> dict[str, dict[str, t.Any]]:
    """What to look at on each member: ``{host: {"paths": [model directories]}}``."""
    wanted: dict[str, dict[str, t.Any]] = {host: {"paths": []} for host in intent.members}
    for service in intent.services:
        model = models.locate(service, intent.fleet["vllm_model_dir"])
        for host in service.hosts if model.kind == "directory" else ():
            wanted[host]["paths"] = sorted({*wanted[host]["paths"], model.path})
    return wanted


def check(intent: Intent) -> list[dict[str, str]]:
    """Refuse what is wrong whatever the hosts are, so that no host is touched for it. Returns warnings."""
    refusals = Refusals()
    for service in intent.services:
        serve.check_args(service, refusals)
    probes: dict[str, Probe] = {host: {"gpus": []} for host in intent.members}
    engines, _why = place(intent, probes, refusals)
    assign_ports(engines, intent.fleet["vllm_port_base"], refusals)
    refusals.raise_if_any()
    return _warnings(intent)


def plan(intent: Intent, probes: t.Mapping[str, Probe], addresses: t.Mapping[str, str]) -> dict[str, t.Any]:
    """The plan document. Raises PlanError.

    probes: facts by host, as vllm.cluster.host_probe returns them; a host left out was not probed.
    addresses: where members and clients reach each host.
    """
    warnings = check(intent)
    refusals = Refusals()
    engines, decisions = place(intent, probes, refusals)
    ports, why = assign_ports(engines, intent.fleet["vllm_port_base"], refusals)
    decisions += why
    devices, why = assign_devices(engines, probes, refusals)
    decisions += why
    for service in intent.services:
        if "name" not in service.given:
            decisions.append(Decision(f"{service.path}.name", service.name, f"from the model {service['model']}"))
    hosts: dict[str, dict[str, t.Any]] = {host: _empty_host(addresses.get(host, host)) for host in intent.members}
    for engine in engines:
        decisions += _add_engine(
            hosts[engine.host], engine, ports[engine.name], devices[engine.name], engines, intent, probes, refusals
        )
    _check_listeners(engines, ports, probes, refusals)
    refusals.raise_if_any()
    return {
        "schema_version": SCHEMA_VERSION,
        "services": [
            _service(service, [engine for engine in engines if engine.service is service], ports, addresses)
            for service in intent.services
        ],
        "hosts": hosts,
        "decisions": _ordered(decisions, intent),
        "warnings": warnings,
    }


def _empty_host(address: str) -> dict[str, t.Any]:
    return {"address": address, "environments": [], "models": [], "units": []}


def _add_engine(
    host: dict[str, t.Any],
    engine: Engine,
    port: int,
    devices: list[int],
    engines: list[Engine],
    intent: Intent,
    probes: t.Mapping[str, Probe],
    refusals: Refusals,
) -> list[Decision]:
    """Put the engine's environment, model and unit into its host's part of the plan."""
    service, fleet, probe = engine.service, intent.fleet, probes.get(engine.host)
    model = models.locate(service, fleet["vllm_model_dir"])
    models.check_present(service, model, engine.host, probe, refusals)
    environment_path = ""
    if service["runtime"] == "env":
        item = _environment(engine, fleet)
        environment_path = item["path"]
        _add(host["environments"], item)
    if model.path:
        _add(host["models"], model.item(environment_path or None))
    variables, decisions = units.environment(engine, model, devices, _cpu_share(engine, engines, probe), fleet)
    host["units"].append(units.engine_unit(engine, model, port, devices, variables, environment_path, probe, fleet))
    return decisions


def _add(items: list[dict[str, t.Any]], item: dict[str, t.Any]) -> None:
    if all(item["path"] != other["path"] for other in items):
        items.append(item)


def _environment(engine: Engine, fleet: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The ``environments`` item. Its name tells its content, so another content is another directory."""
    version = engine.service["version"]
    content = packages.environment(version, engine.accelerator, fleet["vllm_ray_version"], fleet["vllm_env_packages"])
    name = f"vllm-{version}-{engine.accelerator}"
    if fleet["vllm_env_packages"] or fleet["vllm_ray_version"] != packages.DEFAULT_RAY:
        name += "-" + hashlib.sha256("\n".join(content["requirements"]).encode()).hexdigest()[:8]
    path = f"{fleet['vllm_install_dir']}/envs/{name}"
    return {"name": name, "path": path, "python": fleet["vllm_python"], "accelerator": engine.accelerator, **content}


def _cpu_share(engine: Engine, engines: t.Sequence[Engine], probe: Probe) -> int | None:
    ranks = sum(other.world_size for other in engines if other.host == engine.host and other.accelerator == "cpu")
    return max(1, int(probe["cpus"]) // ranks) if probe and probe.get("cpus") and ranks else None


def _check_listeners(
    engines: t.Sequence[Engine], ports: t.Mapping[str, int], probes: t.Mapping[str, Probe], refusals: Refusals
) -> None:
    """A port that somebody else's process holds would make the engine die at start, after a long load."""
    for engine in engines:
        for listener in (probes.get(engine.host) or {}).get("listeners", ()):
            foreign = not str(listener.get("unit") or "").startswith("vllm-")
            if listener["port"] == ports[engine.name] and foreign:
                holder = " ".join(
                    str(part)
                    for part in (
                        listener.get("process") or "a process",
                        listener.get("pid") and f"(pid {listener['pid']})",
                    )
                    if part
                )
                rule = f"is held on host {engine.host} by {holder}, which is not a unit of this collection"
                refusals.add(f"{engine.service.path}.port", ports[engine.name], rule, "stop it, or choose another port")
                break


def _service(
    service: Service, engines: list[Engine], ports: t.Mapping[str, int], addresses: t.Mapping[str, str]
) -> dict[str, t.Any]:
    endpoints = []
    for engine in engines:
        listen = service["listen"]
        address = addresses.get(engine.host, engine.host) if listen in ("0.0.0.0", "::") else listen
        endpoints.append({"host": engine.host, "unit": engine.unit, "url": units.url(address, ports[engine.name])})
    max_model_len = next(
        (value for key, value in service["args"].items() if flags.normalize(key) == "max-model-len"), None
    )
    return {
        "name": service.name,
        "path": service.path,
        "model": service["model"],
        "version": service["version"],
        "served_model_name": units.served_names(engines[0])[0],
        "max_model_len": max_model_len,
        "engines": [engine.name for engine in engines],
        "endpoints": endpoints,
        "api_key": secrets.api_key_reference(service.name) if service["api_key"] else None,
    }


def _warnings(intent: Intent) -> list[dict[str, str]]:
    found = [
        {"path": written, "message": f"no such variable; {meant} is one", "fix": "correct the name, or remove it"}
        for written, meant in intent.unknown
    ]
    for service in intent.services:
        if not service["api_key"] and not _is_loopback(service["listen"]):
            message = f"anyone who reaches {service['listen']} can use service {service.name}: it has no key"
            found.append(
                {"path": f"{service.path}.api_key", "message": message, "fix": "set api_key, or listen: 127.0.0.1"}
            )
        oldest, newest = flags.oldest(), flags.newest()
        if not versions.parse(oldest) <= versions.parse(service["version"]) <= versions.parse(newest):
            message = f"release {service['version']} is outside this collection's tables ({oldest} to {newest})"
            found.append({"path": f"{service.path}.version", "message": message, "fix": "check its options yourself"})
    return found


def _is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address).is_loopback


def _ordered(decisions: t.Sequence[Decision], intent: Intent) -> list[dict[str, t.Any]]:
    """Each once, by service, otherwise as made."""
    place_of = {service.path: index for index, service in enumerate(intent.services)}
    result: list[dict[str, t.Any]] = []
    for decision in sorted(decisions, key=lambda item: place_of.get(item.path.partition("]")[0] + "]", -1)):
        item = dataclasses.asdict(decision)
        if item not in result:
            result.append(item)
    return result
