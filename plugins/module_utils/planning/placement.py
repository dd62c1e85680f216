# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which engine stands on which hosts, with which ranks and GPUs."""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from ..models.memory import Fit
from ..releases import flags
from . import devices, layout, spread
from .decisions import Decision
from .devices import Grant, Host, Probe
from .errors import Refusals
from .intent import Intent, Service
from .sizing import Knowledge, Library
from .spread import Spread


@dataclasses.dataclass(frozen=True)
class Engine:
    """One ``vllm serve`` world of ranks. name: ``<service>-<index>``. hosts: of its members, the head first.

    executor: uni (one rank), mp or ray. grants: of each member, empty ones on the CPU. fit: of its fullest GPU, None
    where that is not known. guessed: whether other sizes may be needed (layout.Layout).
    """

    service: Service
    index: int
    hosts: tuple[str, ...]
    accelerator: str
    parallel: dict[str, t.Any]
    executor: str
    known: Knowledge
    grants: tuple[Grant, ...] = ()
    gpu_memory: int | None = None
    fit: Fit | None = None
    guessed: bool = False

    @property
    def name(self) -> str:
        return f"{self.service.stem}-{self.index}"

    @property
    def unit(self) -> str:
        return f"vllm-{self.name}.service"

    @property
    def head(self) -> str:
        return self.hosts[0]

    @property
    def world_size(self) -> int:
        return layout.ranks(self.parallel)

    @property
    def data_over_hosts(self) -> bool:
        """Whether whole copies of the model stand on each of several hosts."""
        return len(self.hosts) > 1 and self.parallel["data"] % len(self.hosts) == 0

    @property
    def balancing(self) -> str:
        """Who spreads requests over copies of the model: as written, where the engine can have it (balancing.py)."""
        copies, hosts, written = self.parallel["data"], len(self.hosts), str(self.service["balancing"])
        fits = self.executor == "mp" and copies > 1 and copies % hosts == 0 and not (written == "hybrid" and hosts == 1)
        return written if fits else "internal"

    @property
    def doors(self) -> tuple[str, ...]:
        """The hosts that clients call: the head, or all where each has API servers of its own."""
        return self.hosts[:1] if self.balancing == "internal" else self.hosts

    @property
    def servers(self) -> int:
        """API ports of each such host, in a row."""
        return self.parallel["data"] // len(self.hosts) if self.balancing == "external" else 1

    @property
    def is_group(self) -> bool:
        """Whether several processes that systemd does not know of as one live and die together."""
        return len(self.hosts) > 1 or self.executor == "ray"

    @property
    def ranks_per_host(self) -> int:
        return self.world_size // len(self.hosts)


def place(
    intent: Intent, probes: t.Mapping[str, Probe], library: Library, refusals: Refusals
) -> tuple[list[Engine], list[Decision]]:
    """Every service's engines, in the order of the services.

    GPUs that persons named are given first, then numbers of GPUs that they wrote, then what the planner chooses: so
    nothing that is written fails because of something that is not.
    """
    hosts: dict[str, Host] = {}
    crowd = collections.Counter(host for service in intent.services for host in service.hosts)
    found: dict[str, list[Engine]] = {}
    decisions: list[Decision] = []
    for service in sorted(intent.services, key=_turn):
        accelerator = _accelerator(service, probes, refusals, decisions)
        known = library.know(service, refusals)
        if accelerator == "cuda":
            for host in service.hosts:
                if host not in hosts:
                    seen = devices.present(service, host, probes.get(host), refusals)
                    if seen is not None:
                        hosts[host] = seen
            if any(host not in hosts for host in service.hosts):
                continue
        alone = all(crowd[host] == 1 for host in service.hosts)
        spanned = spread.decide(service, known, accelerator, hosts, alone, refusals)
        if spanned is not None:
            decisions += spanned.decisions
            found[service.path] = _seat(service, known, accelerator, spanned, hosts, refusals, decisions)
    return [engine for service in intent.services for engine in found.get(service.path, ())], decisions


def _turn(service: Service) -> int:
    if service["devices"] is not None:
        return 0
    return 1 if layout.is_fixed(service) or service["gpus"] else 2


def _accelerator(service: Service, probes: t.Mapping[str, Probe], refusals: Refusals, decisions: list[Decision]) -> str:
    written = str(service["accelerator"])
    if written != "auto":
        return written
    path, counts = f"{service.path}.accelerator", {}
    for host in service.hosts:
        probe = probes.get(host)
        if probe is None:
            fix = f"run without a limit that leaves {host} out, or write cuda or cpu"
            refusals.add("not-probed", path, "auto", f"host {host} was not probed", fix)
        elif probe.get("driver") == "failing":
            rule = f"nvidia-smi of host {host} finds no GPU: {probe.get('driver_error')}"
            refusals.add("driver-failing", path, "auto", rule, "mend the driver, or write accelerator: cpu")
        else:
            devices.driverless(service, host, probe, refusals)
        counts[host] = len((probe or {}).get("gpus") or ())
    without = [host for host, count in counts.items() if not count]
    if without and len(without) < len(counts):
        rule = f"some hosts have GPUs and {', '.join(without[:4])} {'has' if len(without) == 1 else 'have'} none"
        refusals.add("accelerators-mixed", path, "auto", rule, "leave them out of hosts, or write accelerator: cpu")
    found = "cpu" if without else "cuda"
    if "accelerator" not in service.given:
        for host, count in counts.items():
            decisions.append(Decision(path, found, f"{host} has {count} GPUs"))
    return found


def _seat(
    service: Service,
    known: Knowledge,
    accelerator: str,
    spanned: Spread,
    hosts: dict[str, Host],
    refusals: Refusals,
    decisions: list[Decision],
) -> list[Engine]:
    """Give every engine of a service its hosts and GPUs."""
    parallel, wide = spanned.parallel, spanned.hosts_per_engine
    executor = _executor(service, parallel, wide, decisions)
    engines = [
        Engine(
            service,
            index,
            _hosts_of(service, index, wide),
            accelerator,
            parallel,
            executor,
            known,
            guessed=spanned.guessed,
        )
        for index in range(spanned.replicas)
    ]
    if accelerator == "cpu":
        return engines
    per_host = layout.ranks(parallel) // wide
    size = parallel["tensor"] if per_host % parallel["tensor"] == 0 else per_host
    if size != parallel["tensor"]:
        message = f"tensor = {parallel['tensor']} ranks work together in every layer over the network: slow"
        fix = "keep tensor inside a host, and set pipeline to the number of hosts"
        refusals.warn("tensor-across-hosts", f"{service.path}.parallel.tensor", message, fix)
    names: dict[str, list[Engine]] = {}
    for engine in engines:
        for host in engine.hosts:
            names.setdefault(host, []).append(engine)
    grants: dict[tuple[str, str], Grant] = {}
    for host, here in names.items():
        for engine, grant in zip(here, _grants(service, hosts[host], here, per_host, size, refusals)):
            grants[engine.name, host] = grant
    result = []
    fits: dict[int, Fit | None] = {}  # engines of one service differ in their GPUs' memory alone
    for engine in engines:
        mine = [grants.get((engine.name, host)) for host in engine.hosts]
        if all(grant is not None for grant in mine):
            result.append(_fitted(engine, t.cast("list[Grant]", mine), hosts, spanned, fits, refusals, decisions))
    return result


def _hosts_of(service: Service, index: int, wide: int) -> tuple[str, ...]:
    if wide == 1:
        return (service.hosts[index % len(service.hosts)],)
    return service.hosts[index * wide : (index + 1) * wide]


def _grants(
    service: Service, host: Host, engines: list[Engine], per_host: int, size: int, refusals: Refusals
) -> list[Grant]:
    """The GPUs of these engines on one host."""
    if service["devices"] is not None:
        chosen = devices.check_written(service, host, per_host, len(engines) - 1, "cuda", refusals)
        return [host.claim(f"{service.path}.devices", chosen, size)] if chosen is not None else []
    free = host.free
    found = host.take(service.path, size, per_host // size, len(engines))
    if len(found) < len(engines):
        key = "gpus" if service["gpus"] else "parallel"
        several = f"{len(engines)} engines take" if len(engines) > 1 else f"engine {engines[0].name} takes"
        rule = f"{several} {per_host * len(engines)} GPUs, and {host.words(free)}"
        lower = ["it"] * bool(service["gpus"] or service.parallel) + ["replicas"] * (len(engines) > 1)
        fix = f"lower {' or '.join(lower) or 'it'}, or name a host with more GPUs that are free"
        refusals.add("too-few-gpus", f"{service.path}.{key}", service[key], rule, fix)
    return found


def _fitted(
    engine: Engine,
    grants: list[Grant],
    hosts: dict[str, Host],
    spanned: Spread,
    fits: dict[int, Fit | None],
    refusals: Refusals,
    decisions: list[Decision],
) -> Engine:
    """The engine with its GPUs, and whether the model fits into them."""
    service, sizes = engine.service, []
    for host, grant in zip(engine.hosts, grants):
        sizes.append(hosts[host].memory(grant.devices))
        if service["devices"] is None:
            decisions.append(_devices_decision(engine, hosts[host], grant))
    gpu_memory = min(t.cast("list[int]", sizes)) if sizes and None not in sizes else None
    if gpu_memory and gpu_memory not in fits:
        fits[gpu_memory] = layout.fit(engine.known, engine.parallel, gpu_memory)
    fit = fits[gpu_memory] if gpu_memory else None
    if fit is not None and not fit.fits:
        key = "parallel" if service.parallel else "gpus" if service["gpus"] else "model"
        value = service[key] if key != "parallel" else dict(service.parallel)
        refusals.add(
            "memory-fit",
            f"{service.path}.{key}",
            value,
            f"the model does not fit: {fit.why}",
            spanned.advice(gpu_memory),
        )
    return dataclasses.replace(engine, grants=tuple(grants), gpu_memory=gpu_memory, fit=fit)


def _devices_decision(engine: Engine, host: Host, grant: Grant) -> Decision:
    link = f"joined by {grant.link}" if grant.link is not None and grant.link.known else "of unknown links"
    groups = f"{len(grant.groups)} groups of {len(grant.groups[0].gpus)} " if len(grant.groups) > 1 else ""
    joined = f", {groups}{link}" if len(grant.groups[0].gpus) > 1 else ""
    near = f", next to {grant.groups[0].nic}" if grant.groups[0].nic else ""
    why = f"engine {engine.name}: the best free of {len(host.gpus)} GPUs of {host.name}{joined}{near}"
    return Decision(f"{engine.service.path}.devices", grant.devices, why)


def _executor(service: Service, parallel: t.Mapping[str, t.Any], wide: int, decisions: list[Decision]) -> str:
    path, written = f"{service.path}.executor", str(service["executor"])
    if written != "auto":
        return written
    if layout.ranks(parallel) == 1:
        return "uni"
    if wide == 1:
        return "mp"
    version = service["version"]
    copies = parallel["data"] % wide == 0 and flags.accepts("data-parallel-address", version)
    if copies or flags.accepts("nnodes", version):
        decisions.append(Decision(path, "mp", f"{wide} hosts: mp needs no service besides the engine"))
        return "mp"
    decisions.append(Decision(path, "ray", f"{wide} hosts: vLLM {version} has no mp over hosts"))
    return "ray"
