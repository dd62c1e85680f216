# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Can the GPUs run the build and the model's numbers? Their health is told of too."""

from __future__ import annotations

import dataclasses
import typing as t

from ..models.attention import LATENT
from ..models.config import ModelFacts
from ..releases import quantization, versions
from . import builds, quantized
from .devices import Probe
from .errors import Refusals
from .intent import Service
from .options import Options
from .placement import Engine
from .wording import some

_Capability = tuple[int, int]

#: Compute capabilities that builds of a CUDA hold no code for: below these (CUDA 13 dropped Volta) and from these on
#: (Blackwell came with CUDA 12.8).
_OLDEST: dict[str, _Capability] = {"12": (7, 0), "13": (7, 5)}
_BLACKWELL: _Capability = (10, 0)
_BLACKWELL_CUDA = "12.8"
_BFLOAT16: _Capability = (8, 0)
_FP8: _Capability = (8, 9)
#: v1/attention/backends/mla, supports_compute_capability of the sparse ones: the generations of GPUs that they take,
#: and the first release that does. Before 0.11.0 no release has sparse attention at all.
_SPARSE_SINCE: dict[int, str] = {9: "0.11.0", 10: "0.11.0", 12: "0.24.0"}


def check(
    service: Service,
    engines: t.Sequence[Engine],
    probes: t.Mapping[str, Probe],
    fleet: t.Mapping[str, t.Any],
    refusals: Refusals,
) -> None:
    """The GPUs of a service's engines against its release and model. GPUs of unknown capability are not judged."""
    found: dict[_Capability, dict[tuple[str, str], int]] = {}
    hosts: dict[str, None] = {}
    for engine in engines:
        for host, gpus in gpus_of(engine, probes).items():
            hosts[host] = None
            for gpu in gpus:
                power = _capability(gpu.get("compute_capability"))
                if power is not None:
                    counts = found.setdefault(power, {})
                    which = str(gpu.get("name") or "GPUs"), host
                    counts[which] = counts.get(which, 0) + 1
    for power, counts in sorted(found.items()):
        having = [f"{count} x {name} of {host}" for (name, host), count in counts.items()]
        _build(service, power, having, fleet, refusals)
        _numbers(service, power, having, fleet, engines[0].known.facts, refusals)
        _sparse(service, power, having, engines[0].known.facts, refusals)
    _health(service, hosts, probes, refusals)


def gpus_of(engine: Engine, probes: t.Mapping[str, Probe]) -> dict[str, list[t.Mapping[str, t.Any]]]:
    """The GPUs that an engine was given on each host; all that there are, where it was given none yet."""
    if engine.accelerator != "cuda":
        return {}
    result = {}
    for rank, host in enumerate(engine.hosts):
        given = engine.grants[rank].devices if engine.grants else None
        found = (probes.get(host) or {}).get("gpus") or []
        result[host] = [gpu for gpu in found if given is None or gpu.get("index") in given]
    return result


def _capability(text: t.Any) -> _Capability | None:
    """``9.0`` -> (9, 0)."""
    major, dot, minor = str(text or "").partition(".")
    return (int(major), int(minor)) if dot and major.isdecimal() and minor.isdecimal() else None


def _shown(power: _Capability) -> str:
    return f"{power[0]}.{power[1]}"


def _number(power: _Capability) -> int:
    """As vLLM's sources write it."""
    return 10 * power[0] + power[1]


def _build(
    service: Service, power: _Capability, having: t.Sequence[str], fleet: t.Mapping[str, t.Any], refusals: Refusals
) -> None:
    build, version = builds.cuda_build(service, fleet), service["version"]
    if build is None:
        return
    path = f"{service.path}.version"
    oldest = _OLDEST.get(build.partition(".")[0])
    has = f"{some(having)} have compute capability {_shown(power)}"
    if oldest is not None and power < oldest:
        rule = f"{has}, and builds for CUDA {build} hold code from {_shown(oldest)} on"
        older = ", or a release up to 0.19.1 (CUDA 12)" if oldest == _OLDEST["13"] and power >= _OLDEST["12"] else ""
        refusals.add("gpu-too-old", path, version, rule, f"use other GPUs{older}")
    elif power >= _BLACKWELL and versions.numbers(build) < versions.numbers(_BLACKWELL_CUDA):
        rule = f"{has}, and builds for CUDA {build} hold no code for it: that came with CUDA {_BLACKWELL_CUDA}"
        refusals.add("gpu-too-new", path, version, rule, "use release 0.9.0 or later")


def _numbers(
    service: Service,
    power: _Capability,
    having: t.Sequence[str],
    fleet: t.Mapping[str, t.Any],
    facts: ModelFacts | None,
    refusals: Refusals,
) -> None:
    options = Options(service)
    has = f"{some(having)} have compute capability {_shown(power)}"
    if options.text("dtype") == "bfloat16" and power < _BFLOAT16:
        rule = f"{has}, and bfloat16 needs {_shown(_BFLOAT16)}"
        refusals.add("gpu-no-bfloat16", options.path("dtype"), "bfloat16", rule, "write float16, or use other GPUs")
    method, found = quantized.method_of(service, facts), quantized.least_capability(service, facts)
    if method is None or found is None:
        return
    least, what = found
    settings = facts.quantization if facts is not None and not method.asked else None
    if _number(power) < least:
        version = service["version"]
        rule = f"{has}, and vLLM {version} does not start with {what} below {_shown(divmod(least, 10))}"
        fix = f"use GPUs of {_shown(divmod(least, 10))} or later{_later(service, power, fleet, facts)}, or "
        fix += "leave it out" if method.asked else "a checkpoint quantized otherwise"
        refusals.add("gpu-too-old-for-quantization", method.path, method.value, rule, fix)
    elif power < _FP8 and ("fp8" in method.name or (settings is not None and "fp8" in settings.description.lower())):
        message = f"{has} and no FP8 units: weights stay fp8 in memory, and are widened for each step (slower)"
        fix = "GPUs of 8.9 or later calculate in fp8; here an int8 or int4 checkpoint may be faster"
        refusals.warn("gpu-no-fp8", method.path, message, fix)


def _later(service: Service, power: _Capability, fleet: t.Mapping[str, t.Any], facts: ModelFacts | None) -> str:
    """A later release that takes the weights on such GPUs."""

    def takes(version: str) -> bool:
        moved = dataclasses.replace(service, keys={**service.keys, "version": version})
        found, build = quantized.least_capability(moved, facts), builds.cuda_build(moved, fleet)
        runs = build is None or power >= _OLDEST.get(build.partition(".")[0], power)
        return found is not None and 0 < found[0] <= _number(power) and runs

    release = quantization.later(service["version"], takes)
    return f", release {release}" if release else ""


def _sparse(
    service: Service, power: _Capability, having: t.Sequence[str], facts: ModelFacts | None, refusals: Refusals
) -> None:
    """Attention that an index tells which tokens to look at has kernels for some generations of GPUs only."""
    version = versions.parse(service["version"])
    sparse = facts is not None and any(each.kind == LATENT and each.extra for kept in facts.caches for each in kept)
    if not sparse or version < versions.parse(_SPARSE_SINCE[9]):
        return
    since = _SPARSE_SINCE.get(power[0])
    if since is not None and version >= versions.parse(since):
        return
    *most, last = (f"{major}.x" for major, first in _SPARSE_SINCE.items() if version >= versions.parse(first))
    rule = (
        f"{some(having)} have compute capability {_shown(power)}, and vLLM {service['version']} has kernels for this "
        f"model's sparse attention for {', '.join(most)} and {last} only"
    )
    fix = f"use GPUs of {', '.join(most)} or {last}" + (f", or release {since} or later" if since else "")
    refusals.add("gpu-no-sparse-attention", f"{service.path}.model", service["model"], rule, fix)


def _health(service: Service, hosts: t.Iterable[str], probes: t.Mapping[str, Probe], refusals: Refusals) -> None:
    for host in hosts:
        for item in (probes.get(host) or {}).get("gpu_diagnosis") or []:
            which = f" GPU {item['gpu']}:" if item.get("gpu") else ""
            message = f"host {host}:{which} {item.get('message', 'nvidia-smi reports trouble')}"
            refusals.warn("gpu-trouble", f"{service.path}.hosts", message, str(item.get("fix") or "see nvidia-smi -q"))
