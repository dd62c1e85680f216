# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The intent: what a person writes, checked and made whole. Nothing here knows what the hosts are."""

from __future__ import annotations

import dataclasses
import difflib
import ipaddress
import re
import typing as t

from ..releases import packages, versions
from . import schema
from .errors import Refusals
from .keys import FLEET, LATER, PARALLEL, PORTS, SERVICE

#: Resolves an inventory pattern to host names, in inventory order; [] when nothing matches.
Select = t.Callable[[str], t.Sequence[str]]
#: What a person wrote as ``vllm_host_env`` of a host; None where nothing.
HostEnv = t.Callable[[str], t.Any]

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?")
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SECRET_NAME = re.compile(r"(?i)(^|_)(apikey|key|token|secret|password|passwd|passphrase|credentials?)$")


@dataclasses.dataclass(frozen=True)
class Service:
    """One item of ``vllm_services``, checked. ``given``: the keys the person wrote."""

    path: str
    name: str
    given: frozenset[str]
    hosts: tuple[str, ...]
    keys: dict[str, t.Any]
    parallel: dict[str, t.Any]
    ports: dict[str, int]

    def __getitem__(self, key: str) -> t.Any:
        return self.keys[key]


@dataclasses.dataclass(frozen=True)
class Intent:
    """All that the persons wrote, checked."""

    fleet: dict[str, t.Any]
    services: tuple[Service, ...]
    #: variables of one host's engines, by host
    host_env: t.Mapping[str, t.Mapping[str, t.Any]] = dataclasses.field(default_factory=dict)
    #: (written, meant) names of variables that look misspelt
    unknown: tuple[tuple[str, str], ...] = ()

    @property
    def members(self) -> tuple[str, ...]:
        """Every host that some service names, in order of first mention."""
        return tuple(dict.fromkeys(host for service in self.services for host in service.hosts))


def derive_name(model: str) -> str:
    """The service name that a model implies: ``Qwen/Qwen2.5-32B-Instruct`` -> ``qwen2-5-32b-instruct``."""
    last = model.rstrip("/").rpartition("/")[2]
    return re.sub(r"[^a-z0-9]+", "-", last.lower()).strip("-")[:48].strip("-")


def parse(variables: t.Mapping[str, t.Any], select: Select, host_env: HostEnv | None = None) -> Intent:
    """Check the inventory's ``vllm_*`` variables and resolve host patterns. Raises PlanError with all that is wrong.

    variables: the templated variables; those that are not the plan's (roles have their own) are left alone.
    """
    refusals = Refusals()
    mine = {name: value for name, value in variables.items() if name in FLEET}
    fleet = schema.read(mine, FLEET, "", refusals)
    _check_version(fleet["vllm_version"], "vllm_version", refusals)
    _check_fence(fleet, refusals)
    items = fleet["vllm_services"] if isinstance(fleet["vllm_services"], (list, tuple)) else []
    services = [_service(item, f"vllm_services[{index}]", fleet, select, refusals) for index, item in enumerate(items)]
    _unique_names(services, refusals)
    members = dict.fromkeys(host for service in services for host in service.hosts)
    own = {host: _host_env(host_env(host), host, refusals) for host in members} if host_env else {}
    refusals.raise_if_any()
    return Intent(fleet, tuple(services), {host: given for host, given in own.items() if given}, _misspelt(variables))


def _service(item: t.Any, path: str, fleet: dict[str, t.Any], select: Select, refusals: Refusals) -> Service:
    later = [key for key in LATER if isinstance(item, dict) and item.get(key) is not None]
    for key in later:
        refusals.add(
            "not-planned-yet",
            f"{path}.{key}",
            None,
            f"{LATER[key]} is not planned by this release of vllm.cluster",
            f"leave {key} out",
        )
    if later:
        item = {key: value for key, value in item.items() if key not in LATER}
    keys = schema.read(item, SERVICE, path, refusals)
    given = (
        frozenset(key for key, value in item.items() if value is not None) if isinstance(item, dict) else frozenset()
    )
    model = keys["model"] or ""
    name = keys["name"] or derive_name(model)
    if "name" not in given and model and not name:
        refusals.add(
            "service-name",
            f"{path}.name",
            None,
            f"no name can be made from the model {model!r}",
            "give the service a name",
        )
    if model:
        _check_model(model, path, refusals)
    for own, common in (("version", "vllm_version"), ("runtime", "vllm_runtime"), ("accelerator", "vllm_accelerator")):
        keys[own] = keys[own] or fleet[common]
    if "version" in given:
        _check_version(keys["version"], f"{path}.version", refusals)
    _check_variables(keys, path, refusals)
    if not _is_address(keys["listen"]):
        refusals.add(
            "listen-address", f"{path}.listen", keys["listen"], "is not an IP address", "0.0.0.0 opens every interface"
        )
    if "api_key" in given and not re.fullmatch(r"[\x21-\x7e]+", str(keys["api_key"])):
        refusals.add(
            "api-key-characters",
            f"{path}.api_key",
            None,
            "holds blanks or characters that an HTTP header cannot carry",
            "use printable ASCII",
        )
    hosts = _hosts(keys["hosts"], path, select, refusals) if keys["hosts"] else ()
    _check_interface(keys["interface"], hosts, path, refusals)
    ports = schema.read(keys["ports"], PORTS, f"{path}.ports", refusals)
    return Service(
        path,
        name,
        given,
        hosts,
        keys,
        _parallel(keys["parallel"], path, refusals),
        {kind: port for kind, port in ports.items() if port is not None},
    )


def _misspelt(variables: t.Mapping[str, t.Any]) -> tuple[tuple[str, str], ...]:
    """Variables whose names are so near to one of the plan's that they are likely meant: (written, meant)."""
    found = []
    for name in sorted(variables):
        if name.startswith("vllm") and name not in FLEET:
            found += [(name, close) for close in difflib.get_close_matches(name, FLEET, n=1, cutoff=0.9)]
    return tuple(found)


def _check_version(version: t.Any, path: str, refusals: Refusals) -> None:
    try:
        versions.parse(str(version))
    except ValueError as error:
        refusals.add("version-form", path, version, str(error), f"for example {packages.DEFAULT_VLLM}")


def _check_fence(fleet: dict[str, t.Any], refusals: Refusals) -> None:
    """Networks and ports of the fence (fences.py)."""
    for name in ("vllm_client_networks", "vllm_monitoring_networks"):
        for index, written in enumerate(fleet[name] or ()):
            try:
                ipaddress.ip_network(str(written))
            except ValueError as error:
                _refuse_network(f"{name}[{index}]", written, str(error), refusals)
    for index, port in enumerate(fleet["vllm_fence_open_ports"] or ()):
        if isinstance(port, int) and not 0 < port < 65536:
            fix = "write a number from 1 to 65535, or leave it out"
            refusals.add("port-range", f"vllm_fence_open_ports[{index}]", port, "is not a port", fix)


def _refuse_network(path: str, written: t.Any, error: str, refusals: Refusals) -> None:
    try:
        meant = f"write {ipaddress.ip_network(str(written), strict=False)}"
        rule = "is an address inside of a network"
    except ValueError:
        meant, rule = "write an address, or a network such as 10.0.0.0/8", f"is no network ({error})"
    refusals.add("network-form", path, written, rule, meant)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _check_model(model: str, path: str, refusals: Refusals) -> None:
    if model.startswith("lab://"):
        if model != "lab://tiny":
            refusals.add(
                "model-name", f"{path}.model", model, "no such generated model", "lab://tiny is the one there is"
            )
    elif not model.startswith("/") and not _HUB_ID.fullmatch(model):
        refusals.add(
            "model-name",
            f"{path}.model",
            model,
            "is neither a hub id nor an absolute path",
            "org/name, /absolute/path, or lab://tiny",
        )


def _check_variables(keys: dict[str, t.Any], path: str, refusals: Refusals) -> None:
    for name, value in keys["secrets"].items():
        _check_variable(name, value, f"{path}.secrets.{name}", refusals)
    for name, value in keys["env"].items():
        _check_variable(name, value, f"{path}.env.{name}", refusals, f"{path}.secrets")


def _check_variable(name: t.Any, value: t.Any, where: str, refusals: Refusals, secrets: str = "") -> None:
    """secrets: where those belong that must not stand here; empty where they may."""
    if not isinstance(name, str) or not _ENV_NAME.fullmatch(name):
        rule = "is not an environment variable's name"
        refusals.add("variable-form", where, None, rule, "letters, digits and _ only")
    elif isinstance(value, (dict, list)) or value is None:
        refusals.add("variable-form", where, None, "must be text", "write one value")
    elif any(ord(sign) < 32 and sign != "\t" for sign in str(value)):
        refusals.add("variable-form", where, None, "holds a line break or control character", "write it on one line")
    elif secrets and _SECRET_NAME.search(name):
        fix = "use the service's api_key" if name == "VLLM_API_KEY" else f"move it to {secrets}.{name}"
        refusals.add("secret-in-env", where, None, "looks like a secret, and env is shown in plans", fix)


def host_env_path(host: str, name: str) -> str:
    """Where a variable of one host is written."""
    return f"vllm_host_env.{name} (host {host})"


def _host_env(written: t.Any, host: str, refusals: Refusals) -> dict[str, t.Any]:
    """The variables that a person gave the engines of one host."""
    if written is None:
        return {}
    if not isinstance(written, dict):
        fix = "write it as variables of that host, such as {NCCL_IB_HCA: mlx5_0}"
        refusals.add("wrong-type", f"vllm_host_env (host {host})", None, "must be a mapping", fix)
        return {}
    for name, value in written.items():
        _check_variable(name, value, host_env_path(host, str(name)), refusals, "vllm_services[].secrets")
    return dict(written)


def _hosts(patterns: str | list[str], path: str, select: Select, refusals: Refusals) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for pattern in [patterns] if isinstance(patterns, str) else patterns:
        matched = select(str(pattern))
        if not matched:
            refusals.add(
                "no-such-host",
                f"{path}.hosts",
                pattern,
                "matches no host of the inventory",
                "name a host or group that ansible-inventory --graph shows",
            )
        found.update(dict.fromkeys(matched))
    return tuple(found)


def _check_interface(written: t.Any, hosts: tuple[str, ...], path: str, refusals: Refusals) -> None:
    """An interface for each host: of hosts that the service has."""
    for host, name in written.items() if isinstance(written, dict) else ():
        if hosts and host not in hosts:
            close = difflib.get_close_matches(str(host), hosts, n=1) or [", ".join(hosts[:4])]
            rule = "is no host of this service"
            refusals.add("no-such-host", f"{path}.interface.{host}", name, rule, f"write {close[0]}, or leave it out")
        elif not isinstance(name, str):
            rule = "must be the name of an interface, or a network"
            refusals.add("wrong-type", f"{path}.interface.{host}", name, rule, "write it as text, such as ib0")


def _parallel(written: str | dict[str, t.Any], path: str, refusals: Refusals) -> dict[str, t.Any]:
    """The sizes a person fixed; {} for auto."""
    if isinstance(written, str):
        if written != "auto":
            refusals.add(
                "wrong-value",
                f"{path}.parallel",
                written,
                "must be auto or a mapping of sizes",
                "parallel: {tensor: 2}",
            )
        return {}
    sizes = schema.read(written, PARALLEL, f"{path}.parallel", refusals)
    return {name: size for name, size in sizes.items() if size is not None}


def _unique_names(services: list[Service], refusals: Refusals) -> None:
    seen: dict[str, Service] = {}
    for service in services:
        other = seen.setdefault(service.name, service)
        if other is not service and service.name:
            fix = "give one of them another name"
            refusals.add("service-name", f"{service.path}.name", service.name, f"is the name of {other.path} too", fix)
