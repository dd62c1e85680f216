# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a release needs around it: Python, torch, Ray, CUDA and its driver, libc."""

from __future__ import annotations

import typing as t

from . import tables, timelines, versions


def fact(name: str, version: str) -> str | None:
    """A fact of the release: torch, ray, python, cuda, cuda_variant, nixl, lmcache, mooncake-transfer-engine."""
    found: str | None = timelines.timelines("releases", "facts").get(name, timelines.NEVER).at(version)
    return found


def gpu_memory_utilization(version: str) -> float:
    """The share of GPU memory that an engine takes unless told."""
    return float(fact("gpu_memory_utilization", version) or "0.9")


def python_range(version: str) -> str:
    """The Pythons that the release runs on, as ``>=3.11,<3.15``."""
    return fact("python", version) or ""


def python_fits(version: str, python: str) -> bool:
    """True where the release runs on this Python, given as ``3.12`` or ``3.12.4``."""
    return versions.satisfies(python, python_range(version))


def ray_range(version: str) -> str | None:
    """The Ray that the CUDA build asks for; None: Ray is no dependency (0.18.0 and later, and every CPU build)."""
    return fact("ray", version)


def ray_fits(version: str, ray: str) -> bool:
    """True where the release takes this Ray; where it asks for none, any does that all members share."""
    return versions.satisfies(ray, ray_range(version) or "")


def image_holds_ray(version: str) -> bool:
    """True where the project's CUDA image holds Ray; else ``executor: ray`` needs an image of one's own."""
    return ray_range(version) is not None


def model_is_option(version: str) -> bool:
    """True where the image wants ``--model X``: its entry point is api_server, and not yet ``vllm serve``."""
    return fact("image_entrypoint", version) == "api_server"


def cuda_builds(version: str) -> list[str]:
    """The CUDA versions that the project builds the release for, its default first: ``["13.0", "12.9"]``."""
    return [build for build in (fact("cuda", version), fact("cuda_variant", version)) if build]


def driver_minimum(version: str, cuda: str | None = None) -> str:
    """The oldest NVIDIA driver for the release, or for one of its CUDA builds: ``580.65.06``. Raises LookupError."""
    build = cuda or cuda_builds(version)[0]
    known: t.Mapping[str, t.Mapping[str, str]] = tables.load("runtimes")["drivers"]
    major = build.partition(".")[0]
    if major not in known:
        raise LookupError(f"no driver is known for CUDA {build}")
    return known[major]["minimum"]


def builds_for_driver(version: str, driver: str) -> list[str]:
    """The CUDA builds of the release that a driver runs, the default first; none: see driver_advice()."""
    have = versions.numbers(driver)
    return [build for build in cuda_builds(version) if have >= _short(driver_minimum(version, build), have)]


def driver_advice(version: str, driver: str) -> str:
    """What to do with a driver that does not run the release's default build; empty: it does."""
    builds = cuda_builds(version)
    runs = builds_for_driver(version, driver)
    if builds[0] in runs:
        return ""
    need = driver_minimum(version)
    if runs:
        return f"take the build for CUDA {runs[0]}, or driver {need} or later"
    older = [release for release in tables.sampled() if builds_for_driver(release, driver)]
    last = f", or release {older[-1]} or older" if older else ""
    return f"install driver {need} or later{last}"


def newest_for_driver(driver: str) -> str | None:
    """The newest measured release with a build that a driver runs."""
    fitting = [release for release in tables.sampled() if builds_for_driver(release, driver)]
    return fitting[-1] if fitting else None


def glibc_minimum(version: str) -> str | None:
    """The C library that the wheel asks for by its name; None: the name of the wheel does not tell."""
    found: str | None = timelines.timelines("runtimes", "glibc")["glibc"].at(version)
    return found


def wheel_exists(version: str, machine: str) -> bool:
    """True where the package index has a CUDA wheel of the release for this ``uname -m``."""
    return timelines.timelines("runtimes", "wheels").get(machine, timelines.NEVER).span(version) is not None


def has_command(command: str, version: str) -> bool:
    """True where the vllm program has the subcommand: ``serve``, ``bench serve``, ``download-kernels``."""
    return timelines.timelines("releases", "commands").get(command, timelines.NEVER).span(version) is not None


def has_trait(name: str, version: str) -> bool:
    """Behaviour that no option shows. Raises KeyError for a name that the table does not have.

    cpu_ranks_unbound: ranks of the CPU build know the word "nobind"; before, each is given "all" cores.
    dense_copies_independent: data-parallel ranks of a model without experts no longer wait for one another.
    driver_needs_gpu: the Ray driver must run on a host with GPUs.
    health_sees_dead_engine: /health fails once the engine is marked dead.
    implicit_ray: an engine larger than its host takes Ray without being told; later it does not start.
    graph_memory_counted: graph memory is taken off the KV cache's share.
    list_append_options: ``--option.key+ value`` appends to a list inside a JSON value.
    transfer_config_refuses_unknown_keys: else they are ignored. v0_default, v0_engine: the V0 engine is the default, is
    there at all.
    """
    return timelines.timelines("traits", "traits")[name].span(version) is not None


def _short(minimum: str, have: tuple[int, ...]) -> tuple[int, ...]:
    """A driver known as ``580`` is not held to be older than ``580.65.06``."""
    return versions.numbers(minimum)[: len(have)]
