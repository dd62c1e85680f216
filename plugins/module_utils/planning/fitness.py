# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Can each host run the release that its engines are to have: driver, GPU, Python, machine, libc, memory."""

from __future__ import annotations

import typing as t

from ..releases import packages, runtimes, tables, versions
from . import builds, capability, environments, host_memory, occupied, quantized
from .devices import Probe
from .errors import Refusals
from .intent import Service
from .options import Options
from .placement import Engine
from .wording import groups, some

_GIB = 2**30
_SHM_WANTED = _GIB
#: The C library of distributions, by os-release's ID and VERSION_ID; others are not judged.
_GLIBC: dict[str, dict[str, str]] = {
    "debian": {"11": "2.31", "12": "2.36", "13": "2.41"},
    "ubuntu": {"20.04": "2.31", "22.04": "2.35", "24.04": "2.39"},
    "rhel": {"8": "2.28", "9": "2.34", "10": "2.39"},
    "amzn": {"2": "2.26", "2023": "2.34"},
}
_LIKE_RHEL = ("almalinux", "centos", "ol", "rocky")
#: The releases for which the CPU build is known to be published for pip (packages.py says under which name).
_CPU_BUILDS = ("0.8.5", "0.32.0")


def check(
    engines: t.Sequence[Engine],
    probes: t.Mapping[str, Probe],
    fleet: t.Mapping[str, t.Any],
    refusals: Refusals,
) -> None:
    """Refuse hosts that cannot run what they are to. Those of a service that lack the same are told of together."""
    by_service: dict[str, list[Engine]] = {}
    for engine in engines:
        by_service.setdefault(engine.service.path, []).append(engine)
    for mine in by_service.values():
        service = mine[0].service
        hosts = list(dict.fromkeys(host for engine in mine for host in engine.hosts if probes.get(host)))
        for accelerator in dict.fromkeys(engine.accelerator for engine in mine):
            on = [host for host in hosts if any(host in e.hosts and e.accelerator == accelerator for e in mine)]
            _software(service, accelerator, on, probes, fleet, refusals)
            quantized.check(service, mine[0].known.facts, accelerator, fleet, refusals)
            if accelerator == "cuda":
                builds.check(service, on, probes, fleet, refusals)
                capability.check(service, mine, probes, fleet, refusals)
                occupied.check(service, mine, probes, refusals)
        _memory(service, mine, probes, refusals)
    host_memory.check(engines, probes, refusals)


def _software(
    service: Service,
    accelerator: str,
    hosts: t.Sequence[str],
    probes: t.Mapping[str, Probe],
    fleet: t.Mapping[str, t.Any],
    refusals: Refusals,
) -> None:
    """A build of the release for the machine, its libc and its Python."""
    version = service["version"]
    machines = groups({host: str(name) for host in hosts for name in [(probes[host] or {}).get("machine")] if name})
    for machine, having in sorted(machines.items()):
        if service["runtime"] == "container":
            problem = packages.image_problem(version, accelerator, machine)
            if problem and not (service["image"] or fleet["vllm_image"]):
                rule = f"{problem} ({some(having)})"
                fix = "name an image of your own, another release, or runtime: env"
                refusals.add("image-absent", f"{service.path}.image", None, rule, fix)
        elif accelerator == "cuda" and not runtimes.wheel_exists(version, machine):
            rule = f"there is no wheel of vLLM {version} for {machine} ({some(having)})"
            fix = "use runtime: container if an image is there, or another release"
            refusals.add("wheel-absent", f"{service.path}.version", version, rule, fix)
    if service["runtime"] != "env":
        return
    first, last = (versions.parse(release) for release in _CPU_BUILDS)
    if accelerator == "cpu" and not first <= versions.parse(version) <= last:
        message = f"the CPU build of {version} is not known to be published for pip (known: {' to '.join(_CPU_BUILDS)})"
        refusals.warn(
            "cpu-wheel-unknown", f"{service.path}.version", message, "use one of these, or runtime: container"
        )
    if accelerator == "cuda":
        _libc(service, hosts, probes, refusals)
    if environments.python_version(service, fleet) is None:
        _python(service, hosts, probes, fleet["vllm_python"], refusals)


def _libc(service: Service, hosts: t.Sequence[str], probes: t.Mapping[str, Probe], refusals: Refusals) -> None:
    version = service["version"]
    needed = runtimes.glibc_minimum(version)
    if needed is None:
        return
    have = {host: libc for host in hosts for libc in [_glibc((probes[host] or {}).get("os") or {})] if libc}
    for libc, having in sorted(groups(have).items()):
        if versions.numbers(libc) < versions.numbers(needed):
            system = ((probes[having[0]] or {}).get("os") or {}).get("name") or "their system"
            rule = f"its wheel needs glibc {needed}; {libc} is on {some(having)} ({system})"
            fix = "use runtime: container, another release, or a newer system"
            refusals.add("glibc-too-old", f"{service.path}.version", version, rule, fix)


def _glibc(system: t.Mapping[str, t.Any]) -> str | None:
    name, version = str(system.get("id") or ""), str(system.get("version") or "")
    if name in _LIKE_RHEL or name == "rhel":
        name, version = "rhel", version.partition(".")[0]
    return _GLIBC.get(name, {}).get(version)


def _python(
    service: Service, hosts: t.Sequence[str], probes: t.Mapping[str, Probe], interpreter: str, refusals: Refusals
) -> None:
    version, asked = service["version"], {host: (probes[host] or {}).get("pythons") or {} for host in hosts}
    absent = [host for host, found in asked.items() if interpreter in found and not found[interpreter]]
    if absent:
        message = f"{interpreter} is not on {some(absent)}"
        fix = "install it before deploying, or name another interpreter"
        refusals.warn("python-absent", "vllm_python", message, fix)
    have = {host: str(found[interpreter]) for host, found in asked.items() if found.get(interpreter)}
    for python, having in sorted(groups(have).items()):
        if not runtimes.python_fits(version, python):
            wanted = runtimes.python_range(version)
            rule = (
                f"vLLM {version} of {service.path} runs on Python {wanted}; {interpreter} of {some(having)} is {python}"
            )
            fitting = [release for release in tables.sampled() if runtimes.python_fits(release, python)]
            other = f", or release {fitting[-1]} for {service.path}" if fitting else ""
            fix = f"name an interpreter of that range in vllm_python{other}, or runtime: container"
            refusals.add("python-unfit", "vllm_python", python, rule, fix)


def _memory(service: Service, engines: t.Sequence[Engine], probes: t.Mapping[str, Probe], refusals: Refusals) -> None:
    """What the engines want of their hosts' own memory."""
    options = Options(service)
    each, whole = options.number("cpu-offload-gb") or 0, options.number("kv-offloading-size") or 0
    small: dict[str, int] = {}
    for engine in engines:
        for host in engine.hosts:
            probe = probes.get(host) or {}
            size = (probe.get("shm") or {}).get("total_bytes")
            if size is not None and size < _SHM_WANTED and engine.ranks_per_host > 1:
                small[host] = size
            memory = probe.get("memory_bytes")
            if not memory:
                continue
            for name, wanted, what in (
                (
                    "cpu-offload-gb",
                    each * engine.ranks_per_host,
                    f"{each:g} GiB for each of {engine.ranks_per_host} ranks",
                ),
                ("kv-offloading-size", whole / len(engine.hosts), f"{whole:g} GiB over {len(engine.hosts)} hosts"),
            ):
                if wanted * _GIB >= memory:
                    rule = f"{what} of engine {engine.name} are more than host {host} has ({memory / _GIB:.0f} GiB)"
                    path, fix = options.path(name), f"lower it below what {host} can spare, or leave it out"
                    refusals.add("offload-memory", path, options.get(name), rule, fix)
    if small:
        size = min(small.values())
        message = f"shared memory of {some(small)} holds {size / 2**20:.0f} MiB, and ranks of a host talk through it"
        fix = "make /dev/shm 1 GiB or more: mount -o remount,size=16g; where the host is a container, --shm-size"
        refusals.warn("shm-small", f"{service.path}.hosts", message, fix)
