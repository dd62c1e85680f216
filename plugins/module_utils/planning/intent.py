# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The intent: what a person writes, checked and made whole. Nothing here knows what the hosts are."""

from __future__ import annotations

import dataclasses
import difflib
import re
import typing as t

from ..releases import flags, packages, versions
from . import door, downloads, schema, split, values
from .connectors import option, wanted
from .errors import Refusals
from .keys import FLEET, PARALLEL, PORTS, SERVICE

#: Resolves an inventory pattern to host names, in inventory order; [] when nothing matches.
Select = t.Callable[[str], t.Sequence[str]]
#: What a person wrote as ``vllm_host_env`` of a host; None where nothing.
HostEnv = t.Callable[[str], t.Any]


@dataclasses.dataclass(frozen=True)
class Service:
    """One item of ``vllm_services``, checked, or its prefill or decode side. ``given``: the keys the person wrote.

    path: where it is written. kind: serve, prefill or decode. root: the path of the item. transfer: how its engines
    pass KV cache on. router: what is written of the front door; both are the same for the sides of one item.
    """

    path: str
    name: str
    given: frozenset[str]
    hosts: tuple[str, ...]
    keys: dict[str, t.Any]
    parallel: dict[str, t.Any]
    ports: dict[str, int]
    kind: str = "serve"
    root: str = ""
    transfer: wanted.Want | None = None
    router: door.Wish = door.NOTHING

    def __getitem__(self, key: str) -> t.Any:
        return self.keys[key]

    @property
    def stem(self) -> str:
        """What the names of its engines begin with."""
        return self.name if self.kind == "serve" else f"{self.name}-{self.kind}"


@dataclasses.dataclass(frozen=True)
class Intent:
    """All that the persons wrote, checked."""

    fleet: dict[str, t.Any]
    services: tuple[Service, ...]
    downloads: tuple[downloads.Download, ...] = ()
    #: variables of one host's engines, by host
    host_env: t.Mapping[str, t.Mapping[str, t.Any]] = dataclasses.field(default_factory=dict)
    #: (written, meant) names of variables that look misspelt
    unknown: tuple[tuple[str, str], ...] = ()
    #: The path that a person wrote, of one that the planner reckons with (split.locator).
    locate: t.Callable[[str], str] = dataclasses.field(default=str, compare=False)

    @property
    def members(self) -> tuple[str, ...]:
        """Every host that some service names, in order of first mention."""
        doors = [[service.router.host] if service.router.host else [] for service in self.services]
        named = ((*service.hosts, *host) for service, host in zip(self.services, doors))
        return tuple(dict.fromkeys(host for hosts in named for host in hosts))

    def whole(self) -> dict[str, list[Service]]:
        """The sides of each item of vllm_services, by its path; most have one."""
        found: dict[str, list[Service]] = {}
        for service in self.services:
            found.setdefault(service.root, []).append(service)
        return found


def derive_name(model: str) -> str:
    """The service name that a model implies: ``Qwen/Qwen2.5-32B-Instruct`` -> ``qwen2-5-32b-instruct``."""
    last = model.rstrip("/").rpartition("/")[2]
    return re.sub(r"[^a-z0-9]+", "-", last.lower()).strip("-")[:48].strip("-")


def parse(variables: t.Mapping[str, t.Any], select: Select, host_env: HostEnv | None = None) -> Intent:
    """Check the inventory's ``vllm_*`` variables and resolve host patterns. Raises PlanError with all that is wrong.

    variables: the templated variables; those that are not the plan's (roles have their own) are left alone.
    """
    refusals = Refusals(split.locator(variables.get("vllm_services")))
    mine = {name: value for name, value in variables.items() if name in FLEET}
    fleet = schema.read(mine, FLEET, "", refusals)
    _check_version(fleet["vllm_version"], "vllm_version", refusals)
    values.check_fence(fleet, refusals)
    items = fleet["vllm_services"] if isinstance(fleet["vllm_services"], (list, tuple)) else []
    services: list[Service] = []
    for index, item in enumerate(items):
        services += _services(item, f"vllm_services[{index}]", fleet, select, refusals)
    _unique_names(services, refusals)
    members = dict.fromkeys(host for service in services for host in service.hosts)
    own = {host: values.host_env(host_env(host), host, refusals) for host in members} if host_env else {}
    downloads.check_fleet(fleet, refusals)
    more = downloads.read(fleet["vllm_downloads"], select, refusals)
    downloads.check_hosts(more, list(members), refusals)
    refusals.raise_if_any()
    named = {host: given for host, given in own.items() if given}
    return Intent(fleet, tuple(services), more, named, _misspelt(variables), split.locator(items))


def _services(item: t.Any, root: str, fleet: dict[str, t.Any], select: Select, refusals: Refusals) -> list[Service]:
    """The one service of an item, or its prefill and decode sides."""
    between = split.is_split(item)
    parts = split.sides(item, root, refusals) if between else [("serve", root, item)]
    found = [_service(part, path, fleet, select, refusals) for _kind, path, part in parts]
    if not found or not isinstance(item, dict):
        return found
    first = found[0]
    if between and first["balancing"] != "internal":
        rule = (
            "prefill and decode engines balance internally: another way is not planned by this release of vllm.cluster"
        )
        refusals.add(
            "not-planned-yet", f"{root}.balancing", first["balancing"], rule, "leave balancing out, write replicas"
        )
    want = wanted.read(item.get("kv_transfer"), f"{root}.kv_transfer", first["version"], between, refusals)
    router = door.read(item.get("router"), root, first["port"], select, refusals)
    if want is not None:
        option.check_written(want, refusals)
    made = [
        dataclasses.replace(service, kind=kind, root=root, transfer=want, router=router)
        for service, (kind, _path, _item) in zip(found, parts)
    ]
    return [_with_transfer(service, want, fleet, refusals) for service in made] if want is not None else made


def _with_transfer(service: Service, want: wanted.Want, fleet: dict[str, t.Any], refusals: Refusals) -> Service:
    """The option that kv_transfer becomes, among the others, so that it is judged like one that a person wrote."""
    for written in service["args"]:
        if flags.normalize(str(written)).partition(".")[0] == "kv-transfer-config":
            path = f"{service.path}.args.{written}"
            refusals.add("argument-owned", path, None, "is set by the plan", f"use {service.root}.kv_transfer")
            return service
    folder = f"{fleet['vllm_state_dir']}/kv/{service.name}"
    made = option.config(want, service.kind, folder)
    args = {**service["args"], "kv_transfer_config": made}
    env = {**option.variables(want), **service["env"]}
    return dataclasses.replace(service, keys={**service.keys, "args": args, "env": env})


def _service(item: t.Any, path: str, fleet: dict[str, t.Any], select: Select, refusals: Refusals) -> Service:
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
        downloads.check_model(model, keys, path, refusals)
    for own in ("version", "runtime", "accelerator", "env_manager"):
        keys[own] = keys[own] or fleet[f"vllm_{own}"]
    if "version" in given:
        _check_version(keys["version"], f"{path}.version", refusals)
    values.check_variables(keys, path, refusals)
    if not values.is_address(keys["listen"]):
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
    hosts = values.select_hosts(keys["hosts"], path, select, refusals) if keys["hosts"] else ()
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
        root=path,
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
    """Names of services, and of engines: prefill engines of ``a`` are called as those of a service ``a-prefill``."""
    seen: dict[str, Service] = {}
    for service in services:
        for name in dict.fromkeys((service.name, service.stem)):
            other = seen.setdefault(name, service)
            if other.root != service.root and name:
                rule = f"is the name of {other.root} too" if name in (other.name, service.name) else f"{name} is taken"
                fix = "give one of them another name"
                refusals.add("service-name", f"{service.root}.name", service.name, rule, fix)
