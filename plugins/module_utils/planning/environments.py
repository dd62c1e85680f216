# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Python environments of engines: who makes them, from which Python, and what they hold."""

from __future__ import annotations

import hashlib
import re
import typing as t

from ..releases import packages, runtimes
from .connectors import option
from .errors import Refusals
from .intent import Service
from .placement import Engine

#: Of conda, where nobody says otherwise: the newest that most releases run on.
_CONDA_PYTHON = "3.12"
_VERSION = re.compile(r"3\.\d{1,2}(\.\d{1,3})?")
_CONDA_SPEC = re.compile(r"(?P<name>[a-z0-9_][a-z0-9._-]*)(=[^\s=]+){1,2}")
#: PEP 508: a name with extras, then versions and a marker, or an address.
_REQUIREMENT = re.compile(r"[A-Za-z0-9]([\w.-]*\w)?(\s*\[[\w.,\s-]*\])?\s*(@\s*(?P<address>\S+)|[(<>=!~;].*)?(\s*;.*)?")
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")


def python_version(service: Service, fleet: t.Mapping[str, t.Any]) -> str | None:
    """The version of the Python that is brought for the service's engines; None: it is the host's, ``vllm_python``."""
    written: str | None = fleet["vllm_python_version"] or None
    if service["env_manager"] == "conda":
        return written or _CONDA_PYTHON
    return written if written and fleet["vllm_python_mirror"] else None


def ray_version(version: str, fleet: t.Mapping[str, t.Any]) -> str:
    """The Ray that goes with a vLLM release, in environments and in images that lack it."""
    return str(fleet["vllm_ray_version"] or packages.ray(version))


def item(engine: Engine, fleet: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The ``environments`` item. Its name tells its content, so another content is another directory."""
    service = engine.service
    version, want = service["version"], service.transfer
    extras = list(fleet["vllm_env_packages"])
    named = [packages.distribution(line) for line in extras]
    if want is not None:
        for line in option.requirements(want, engine.accelerator):
            # "nixl==1.2.3" of a person is of nixl-cu12 too, which it consists of.
            if not any(f"{packages.distribution(line)}-".startswith(f"{name}-") for name in named):
                extras.append(line)
    content = packages.environment(version, engine.accelerator, ray_version(version, fleet), extras)
    python = python_version(service, fleet)
    conda = None
    name, told = f"vllm-{version}-{engine.accelerator}", ""
    if extras or ray_version(version, fleet) != packages.ray(version):
        told = "\n".join(content["requirements"])
    if service["env_manager"] == "conda":
        conda = [f"python={python}", *fleet["vllm_conda_packages"]]
        name, told = f"{name}-conda", "\n".join((told, *conda))
    elif python:
        name = f"{name}-py{python}"
    if told:
        name += "-" + hashlib.sha256(told.encode()).hexdigest()[:8]
    path = f"{fleet['vllm_install_dir']}/envs/{name}"
    maker = python or fleet["vllm_python"]
    return {"name": name, "path": path, "python": maker, "accelerator": engine.accelerator, "conda": conda, **content}


def check_fleet(fleet: t.Mapping[str, t.Any], refusals: Refusals) -> None:
    """What a person wrote for all environments, whoever makes them."""
    python = str(fleet["vllm_python_version"] or "")
    if python and not _VERSION.fullmatch(python):
        rule = "is no version of Python"
        refusals.add("python-version", "vllm_python_version", python, rule, "write one such as 3.12 or 3.12.11")
    for index, spec in enumerate(fleet["vllm_conda_packages"] or ()):
        found = _CONDA_SPEC.fullmatch(str(spec))
        path = f"vllm_conda_packages[{index}]"
        if found is None:
            rule = "is not a package of conda with its version"
            refusals.add("conda-package", path, spec, rule, "write it as sqlite=3.50.4, or sqlite=3.50.4=build")
        elif found["name"] == "python":
            rule = "is what vllm_python_version is for"
            refusals.add("conda-package", path, spec, rule, "write the version there")
    for index, line in enumerate(fleet["vllm_env_packages"] or ()):
        _check_requirement(str(line), f"vllm_env_packages[{index}]", refusals)


def _check_requirement(line: str, path: str, refusals: Refusals) -> None:
    found = _REQUIREMENT.fullmatch(line.strip()) if "\n" not in line else None
    shown = _CREDENTIALS.sub("***@", line)
    if found is None:
        rule = "is no requirement: a name with versions, or a name, @ and an address"
        fix = "write name==1.2, or name @ https://host/file.whl#sha256=... (or file:///path of the host)"
        refusals.add("env-package", path, shown, rule, fix)
    elif found["address"] and not re.search(r"#(.*&)?sha256=[0-9a-f]{64}(&|$)", found["address"]):
        message = f"what lies at the address of {found.group(0).split()[0]} may change, and nobody would notice"
        refusals.warn("env-package-unpinned", path, message, "add #sha256=<its checksum> to the address")


def check_makers(services: t.Sequence[Service], fleet: t.Mapping[str, t.Any], refusals: Refusals) -> None:
    """That who makes the services' environments has what it needs."""
    of_env = [service for service in services if service["runtime"] == "env"]
    managers = {service["env_manager"] for service in of_env}
    if "conda" in managers and not fleet["vllm_conda_path"]:
        for name, what in (("vllm_conda_installers", "an address"), ("vllm_conda_checksum", "the sha256")):
            if not fleet[name]:
                rule = f"is empty, and conda makes environments: {what} of the installer is needed"
                fix = "take it from the release page of Miniforge, or set vllm_conda_path to a conda of the hosts"
                refusals.add("conda-absent", name, None, rule, fix)
    if managers == {"uv"} and fleet["vllm_python_version"] and not fleet["vllm_python_mirror"]:
        rule = (
            "uv makes environments from vllm_python, a Python of the host, unless there is a mirror to get others from"
        )
        fix = "set vllm_python_mirror, name the host's interpreter in vllm_python, or use vllm_env_manager: conda"
        refusals.add("python-version", "vllm_python_version", fleet["vllm_python_version"], rule, fix)
    for service in of_env:
        python = python_version(service, fleet)
        if python and not runtimes.python_fits(service["version"], python):
            wanted = runtimes.python_range(service["version"])
            rule = f"vLLM {service['version']} of {service.path} runs on Python {wanted}"
            refusals.add("python-unfit", "vllm_python_version", python, rule, "write a version of that range")
