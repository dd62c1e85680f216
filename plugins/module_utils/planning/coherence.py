# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Do the members of an engine go together: drivers, GPUs, Python and Ray. Whether each host fits by itself: fitness."""

from __future__ import annotations

import typing as t

from ..releases import flags, runtimes, versions
from . import builds, environments, fitness, images, ray, transfers
from .capability import gpus_of
from .devices import Probe
from .errors import Refusals
from .options import Options
from .placement import Engine
from .wording import groups, some

#: Python's patch release must be the same for Ray, unless this says ``minor`` (ray/_private/utils.py of Ray 2.60).
_RAY_MATCH = "RAY_DEFAULT_PYTHON_VERSION_MATCH_LEVEL"


def check(
    engines: t.Sequence[Engine],
    probes: t.Mapping[str, Probe],
    fleet: t.Mapping[str, t.Any],
    interfaces: t.Mapping[str, t.Mapping[str, t.Mapping[str, t.Any]]],
    refusals: Refusals,
) -> None:
    """Refuse engines whose members cannot work together, and hosts that cannot run the release (fitness.py).

    engines: with the GPUs that they were given; without any, all GPUs of their hosts are looked at.
    interfaces: by engine name, what interfaces.choose found. What is not known of a host is not judged.
    """
    for engine in engines:
        if len(engine.hosts) > 1:
            _machines(engine, probes, refusals)
            _drivers(engine, probes, refusals)
            _images(engine, probes, fleet, refusals)
        images.check_locked(engine, probes, fleet, refusals)
        images.check_sources(engine, fleet, refusals)
        _alike(engine, probes, refusals)
        _executor(engine, probes, fleet, refusals)
        ray.check_state_dir(engine, fleet["vllm_state_dir"], refusals)
        _experts_on_cpu(engine, refusals)
        _switches(engine, probes, interfaces.get(engine.name, {}), refusals)
    _ray_versions(engines, fleet, refusals)
    fitness.check(engines, probes, fleet, refusals)


def _values(engine: Engine, read: t.Callable[[str], t.Any]) -> dict[str, list[str]]:
    """What the members have, with who has it; those of whom nothing is known are left out."""
    return groups({host: str(value) for host in engine.hosts for value in [read(host)] if value})


def _told(values: t.Mapping[str, t.Sequence[str]]) -> str:
    return "; ".join(f"{value} on {some(hosts)}" for value, hosts in sorted(values.items()))


def _machines(engine: Engine, probes: t.Mapping[str, Probe], refusals: Refusals) -> None:
    machines = _values(engine, lambda host: (probes.get(host) or {}).get("machine"))
    if len(machines) > 1:
        rule = f"engine {engine.name} would span machines of different kinds: {_told(machines)}"
        fix = "take hosts of one kind for an engine"
        refusals.add("machines-differ", f"{engine.service.path}.hosts", None, rule, fix)


def _drivers(engine: Engine, probes: t.Mapping[str, Probe], refusals: Refusals) -> None:
    if engine.accelerator != "cuda":
        return
    drivers = _values(engine, lambda host: builds.driver(probes.get(host)))
    if len(drivers) > 1:
        rule = f"members of engine {engine.name} have different NVIDIA drivers: {_told(drivers)}"
        newest = max(drivers, key=lambda text: [int(part) for part in text.split(".") if part.isdecimal()])
        fix = f"bring all to one driver, such as {newest}, or take members that have the same"
        refusals.add("drivers-differ", f"{engine.service.path}.hosts", None, rule, fix)


def _images(engine: Engine, probes: t.Mapping[str, Probe], fleet: t.Mapping[str, t.Any], refusals: Refusals) -> None:
    """A name may stand for another image on each host: what lies there is taken, and what is pulled changes."""
    service = engine.service
    if service["runtime"] != "container":
        return
    path, written = images.written_at(service, fleet)

    def read(host: str) -> str | None:
        probe = probes.get(host) or {}
        name = images.base(engine, probe, fleet)
        return next((item.get("id") for item in probe.get("images") or () if item.get("name") == name), None)

    found = _values(engine, read)
    if len(found) > 1:
        rule = f"members of engine {engine.name} hold different images of this name: {_told(found)}"
        fix = "pull it again on all of them, or name it by its digest (name@sha256:…)"
        refusals.add("images-differ", path, written or None, rule, fix)
    elif written and "@" not in written and written.rpartition("/")[2].partition(":")[2] in ("", "latest"):
        message = f"{written} stands for another image after each release, so members may come to differ"
        refusals.warn("image-unpinned", path, message, "name a release's tag, or the digest (name@sha256:…)")


def _alike(engine: Engine, probes: t.Mapping[str, Probe], refusals: Refusals) -> None:
    """Unlike GPUs work together, each with the kernels that it has; the weakest sets the pace and the memory."""
    kinds: dict[str, list[str]] = {}
    for host, gpus in gpus_of(engine, probes).items():
        for name in dict.fromkeys(_kind(gpu) for gpu in gpus if gpu.get("name")):
            kinds.setdefault(name, []).append(host)
    if len(kinds) > 1:
        message = f"engine {engine.name} has unlike GPUs: {_told(kinds)}; the smallest and slowest sets what all do"
        fix = f"choose hosts or {engine.service.path}.devices of one kind"
        refusals.warn("gpus-differ", f"{engine.service.path}.hosts", message, fix)


def _kind(gpu: t.Mapping[str, t.Any]) -> str:
    memory = gpu.get("memory_bytes")
    return str(gpu["name"]) + (f" ({memory / 2**30:.0f} GiB)" if memory else "")


def _executor(engine: Engine, probes: t.Mapping[str, Probe], fleet: t.Mapping[str, t.Any], refusals: Refusals) -> None:
    service, path = engine.service, f"{engine.service.path}.executor"
    version, several = service["version"], len(engine.hosts) > 1
    copies = engine.data_over_hosts and flags.accepts("data-parallel-address", version)
    if several and engine.executor == "mp" and not copies and not flags.accepts("nnodes", version):
        rule = f"mp of vLLM {version} runs on one host only; engines over hosts came with 0.11.1"
        refusals.add("mp-over-hosts", path, "mp", rule, "write executor: ray, or use release 0.11.1 or later")
    if engine.executor == "ray" and engine.accelerator == "cpu" and not Options(service).env.get("VLLM_PLUGINS"):
        # CpuPlatform.ray_device_key is empty in every release; a plugin's platform may name a resource.
        rule = "vLLM's own CPU platform does not run on Ray"
        refusals.add(
            "ray-on-cpu", path, "ray", rule, "write executor: mp, or name a platform plugin in env.VLLM_PLUGINS"
        )
    if several and service["runtime"] == "env" and environments.python_version(service, fleet) is None:
        _pythons(engine, probes, fleet["vllm_python"], refusals)
    spread = engine.parallel.get("data", 1) > 1 and engine.parallel.get("expert")
    if several and engine.executor == "ray" and spread:
        message = "data parallel engines with spread experts over several hosts do not become ready with Ray at times"
        refusals.warn("ray-data-experts", path, f"{message} (vLLM issue 44878)", "write executor: mp")


def _experts_on_cpu(engine: Engine, refusals: Refusals) -> None:
    """What copies with experts exchange has no CPU form in any release (CpuCommunicator lacks all_gatherv)."""
    facts, spread, path = engine.known.facts, engine.parallel.get("expert"), f"{engine.service.path}.parallel"
    experts = spread or (facts is not None and facts.is_moe)
    if engine.accelerator != "cpu" or not experts:
        return
    if engine.parallel.get("data", 1) > 1:
        rule = "vLLM's CPU build cannot exchange tokens between data parallel copies of a model with experts"
        refusals.add("experts-on-cpu", f"{path}.data", engine.parallel["data"], rule, "write replicas, or tensor")
    elif spread and engine.parallel.get("tensor", 1) > 1:
        message = "vLLM 0.32.0's CPU workers crashed at the first request with spread experts"
        refusals.warn("experts-on-cpu", f"{path}.expert", message, "leave expert out: tensor splits the experts, too")


def _pythons(engine: Engine, probes: t.Mapping[str, Probe], interpreter: str, refusals: Refusals) -> None:
    """Ray refuses members of other patch releases; functions that mp sends over need the same minor release."""
    exact = engine.executor == "ray" and Options(engine.service).env.get(_RAY_MATCH) != "minor"

    def read(host: str) -> str | None:
        found = ((probes.get(host) or {}).get("pythons") or {}).get(interpreter)
        return ".".join(str(found).split(".")[: 3 if exact else 2]) if found else None

    pythons = _values(engine, read)
    if len(pythons) < 2:
        return
    rule = f"{interpreter} differs among members of engine {engine.name}: {_told(pythons)}"
    if engine.executor == "ray":
        part = "patch" if exact else "minor"
        fix = f"give all members the same Python (Ray wants the same {part} release), or write executor: mp"
    else:
        # Members send each other pickled functions, which another minor release cannot read.
        fix = "give all members the same minor release of Python"
    refusals.add("pythons-differ", "vllm_python", interpreter, rule, fix)


def _switches(
    engine: Engine,
    probes: t.Mapping[str, Probe],
    interfaces: t.Mapping[str, t.Mapping[str, t.Any]],
    refusals: Refusals,
) -> None:
    """Switches of NCCL that turn the fast ways off, and what RDMA lacks."""
    options = Options(engine.service)
    if engine.accelerator != "cuda":
        return
    fast = [host for host in engine.hosts if _has_rdma(interfaces.get(host), probes.get(host))]
    if len(engine.hosts) > 1 and options.env_on("NCCL_IB_DISABLE") and fast:
        message = f"{some(fast)} have RDMA, and this leaves it unused: most of the bandwidth between hosts is lost"
        refusals.warn("rdma-disabled", options.env_path("NCCL_IB_DISABLE"), message, "leave it out")
    linked = [host for host in engine.hosts if (probes.get(host) or {}).get("nvlink_groups")]
    if options.env_on("NCCL_P2P_DISABLE") and linked and engine.parallel.get("tensor", 1) > 1:
        message = f"GPUs of {some(linked)} are joined by NVLink, and this sends their data through the host's memory"
        fix = "leave it out: it is no cure for trouble between hosts"
        refusals.warn("nvlink-disabled", options.env_path("NCCL_P2P_DISABLE"), message, fix)
    without = [host for host in fast if (probes.get(host) or {}).get("peermem") is False]
    if "MooncakeConnector" not in transfers.names(options):
        without = [host for host in without if len(engine.hosts) > 1 and not _may_export(probes.get(host))]
    if without:
        message = f"nvidia_peermem is not loaded on {some(without)}, so RDMA may not reach the GPUs' memory"
        fix = "load it: modprobe nvidia_peermem, and name it in /etc/modules-load.d"
        refusals.warn("peermem-missing", f"{engine.service.path}.hosts", message, fix)


def _may_export(probe: Probe) -> bool:
    """Whether driver and kernel are such that RDMA may reach GPUs by DMA-BUF: open modules, and Linux 5.12 or later.

    From branch 560 on the open modules are the driver's default. Mooncake asks for nvidia_peermem all the same.
    """
    try:
        kernel = versions.numbers(str((probe or {}).get("kernel") or ""))
        return kernel >= (5, 12) and versions.numbers(builds.driver(probe) or "0") >= (560,)
    except ValueError:
        return False


def _has_rdma(interface: t.Mapping[str, t.Any] | None, probe: Probe) -> bool:
    """By the interface that the members talk over; where none was chosen, by the host's devices."""
    if interface:
        return bool(interface.get("rdma"))
    return any(str(device.get("state")).lower() == "active" for device in (probe or {}).get("rdma_devices") or [])


def _ray_versions(engines: t.Sequence[Engine], fleet: t.Mapping[str, t.Any], refusals: Refusals) -> None:
    """Environments hold Ray beside vLLM, so the release's own range must hold it whatever the executor."""
    seen = {
        (e.service["version"], e.service.path)
        for e in engines
        if e.service["runtime"] == "env" and e.accelerator == "cuda"
    }
    for version, path in sorted(seen):
        ray_version = environments.ray_version(version, fleet)
        try:
            fits = runtimes.ray_fits(version, ray_version)
        except ValueError:
            refusals.add("ray-version", "vllm_ray_version", ray_version, "is no version", "for example 2.60.0")
            return
        if not fits:
            wanted = runtimes.ray_range(version)
            rule = f"vLLM {version} of {path} takes Ray {wanted} only, so no environment can hold both"
            fix = f"set vllm_ray_version within {wanted}, or use runtime: container for {path}"
            refusals.add("ray-version", "vllm_ray_version", ray_version, rule, fix)
