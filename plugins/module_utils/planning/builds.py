# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which CUDA a service's vLLM is built for, and which drivers run it."""

from __future__ import annotations

import re
import typing as t

from ..releases import packages, runtimes, tables, versions
from .devices import Probe
from .errors import Refusals
from .intent import Intent, Service
from .options import Options
from .wording import groups, some


def driver(probe: Probe) -> str | None:
    """The host's NVIDIA driver; None where it is unknown, absent or failing."""
    found = str((probe or {}).get("driver") or "")
    return found if re.match(r"\d", found) else None


def cuda_build(service: Service, fleet: t.Mapping[str, t.Any]) -> str | None:
    """The CUDA that the service's vLLM is built for; None where its image does not tell."""
    default = runtimes.cuda_builds(service["version"])[0]
    image = str(service["image"] or fleet["vllm_image"] or "") if service["runtime"] == "container" else ""
    named = re.search(r"-cu(\d\d)(\d)\b", image)
    if named:
        return ".".join(named.groups())
    return default if not image or image.startswith("vllm/vllm-openai:") else None


def driver_needs(intent: Intent) -> dict[str, list[dict[str, t.Any]]]:
    """By host, what its services ask of the driver (nvidia.wanted.Need); services on the CPU ask nothing.

    It is known before any host has a driver, so before a plan can be made.
    """
    found: dict[str, list[dict[str, t.Any]]] = {host: [] for host in intent.members}
    for service in intent.services:
        if service["accelerator"] == "cpu":
            continue
        build = cuda_build(service, intent.fleet)
        need = {
            "path": intent.locate(service.path),
            "release": service["version"],
            "cuda": build,
            "minimum": runtimes.driver_minimum(service["version"], build),
            "required": service["accelerator"] == "cuda",
            "container": service["runtime"] == "container",
        }
        for host in service.hosts:
            found[host].append(need)
    return found


def container_hosts(intent: Intent) -> list[str]:
    """Hosts that need a container engine, with GPUs and without."""
    return sorted({host for service in intent.services if service["runtime"] == "container" for host in service.hosts})


def check(
    service: Service,
    hosts: t.Sequence[str],
    probes: t.Mapping[str, Probe],
    fleet: t.Mapping[str, t.Any],
    refusals: Refusals,
) -> None:
    """Refuse hosts whose driver does not run the CUDA that the service's vLLM is built for."""
    build, version = cuda_build(service, fleet), service["version"]
    if build is None:
        return
    minimum = runtimes.driver_minimum(version, build)
    drivers = groups({host: found for host in hosts for found in [driver(probes.get(host))] if found})
    for have, having in sorted(drivers.items()):
        numbers = versions.numbers(have)
        if numbers >= versions.numbers(minimum)[: len(numbers)]:
            continue
        rule = f"vLLM {version} is built for CUDA {build}, which needs driver {minimum}; {have} is on {some(having)}"
        fix = f"install driver {minimum} or later" + _other_builds(service, have)
        if _takes_compatibility(service):
            refusals.warn(
                "driver-by-compatibility",
                f"{service.path}.version",
                f"{rule}: it relies on CUDA's forward compatibility",
                fix,
            )
        else:
            refusals.add("driver-too-old", f"{service.path}.version", version, rule, fix)


def _other_builds(service: Service, have: str) -> str:
    """What would run with this driver, beside a newer driver."""
    version = service["version"]
    told = ""
    runs = runtimes.builds_for_driver(version, have)
    if runs and runs[0] != runtimes.cuda_builds(version)[0]:
        image = packages.image(version, "cuda", "x86_64", runs[0])
        told += f", or use runtime: container with image: {image}"
    older = [
        release
        for release in tables.sampled()
        if versions.parse(release) < versions.parse(version)
        and runtimes.cuda_builds(release)[0] in runtimes.builds_for_driver(release, have)
    ]
    return told + (f", or release {older[-1]} or older" if older else "")


def _takes_compatibility(service: Service) -> bool:
    """CUDA's forward compatibility, on data centre GPUs: asked for since 0.17.0, always on in images before."""
    env, old = Options(service), versions.parse(service["version"]) < versions.parse("0.17.0")
    if service["runtime"] == "container" and old:
        return True
    return env.env_on("VLLM_ENABLE_CUDA_COMPATIBILITY") or env.sets("VLLM_CUDA_COMPATIBILITY_PATH")
