# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many engines a service has, and over how many hosts each goes."""

from __future__ import annotations

import dataclasses
import typing as t

from ..models import parallelism
from ..models.errors import ModelError
from . import advice, automatic, layout
from .advice import Room
from .decisions import Decision
from .devices import Host
from .errors import Refusals
from .intent import Service
from .sizing import Knowledge


@dataclasses.dataclass(frozen=True)
class Spread:
    """The engines of one service, all alike. advice: what would do where the model does not fit."""

    replicas: int
    hosts_per_engine: int
    parallel: dict[str, t.Any]
    decisions: list[Decision]
    advice: t.Callable[[], str]


def decide(
    service: Service,
    known: Knowledge,
    accelerator: str,
    hosts: t.Mapping[str, Host],
    alone: bool,
    refusals: Refusals,
) -> Spread | None:
    """None where something was refused. hosts: of the whole fleet. alone: no other service names those of this one."""
    room = _room(service, accelerator, hosts, alone)
    decisions: list[Decision] = []
    if accelerator == "cpu" and service["gpus"]:
        rule = f"an engine takes {service['gpus']} GPUs, and host {service.hosts[0]} runs this service on the CPU"
        fix = "leave gpus out, or set accelerator: cuda"
        refusals.add("too-few-gpus", f"{service.path}.gpus", service["gpus"], rule, fix)
        return None
    if accelerator == "cpu" and service["devices"] is not None:
        rule = f"host {service.hosts[0]} runs this service on the CPU"
        fix = "leave devices out, or set accelerator: cuda"
        refusals.add("devices-written", f"{service.path}.devices", service["devices"], rule, fix)
        return None
    if layout.is_fixed(service) or accelerator == "cpu" or service["devices"] is not None:
        shape = _fixed(service, accelerator, room, decisions, refusals)
    else:
        shape = _automatic(service, known, room, hosts, decisions, refusals)
    if shape is None:
        return None
    replicas = service["replicas"] or max(1, len(service.hosts) // shape.hosts)
    divides = _sizes_work(service, known, shape.parallel, refusals)
    if not _enough(service, shape, replicas, room, accelerator, refusals) or not divides:
        return None
    used = min(len(service.hosts), replicas * shape.hosts)
    if service["replicas"] is None and replicas > 1:
        span = "one host holds an engine" if shape.hosts == 1 else f"an engine takes {shape.hosts} hosts"
        decisions.append(Decision(f"{service.path}.replicas", replicas, f"{span}, and there are {len(service.hosts)}"))
    elif replicas > 1:
        named = ", ".join(service.hosts[:used][:4]) + (", …" if used > 4 else "")
        decisions.append(Decision(f"{service.path}.replicas", replicas, f"one after the other over {named}"))
    if used < len(service.hosts):
        rest = ", ".join(service.hosts[used:][:4]) + (", …" if len(service.hosts) - used > 4 else "")
        message = f"{len(service.hosts) - used} of {len(service.hosts)} hosts are not used: {rest}"
        refusals.warn("hosts-unused", f"{service.path}.hosts", message, "leave them out, or set replicas or parallel")
    return Spread(replicas, shape.hosts, shape.parallel, decisions, lambda: _advice(service, known, room))


def _room(service: Service, accelerator: str, hosts: t.Mapping[str, Host], alone: bool) -> Room:
    """What the service's hosts offer to one of its engines."""
    replicas, count = service["replicas"], len(service.hosts)
    span = count if replicas is None else max(1, count // replicas)
    if accelerator == "cpu":
        return Room(span, 1, None, {1: ""}, alone)
    mine = [hosts[host] for host in service.hosts]
    share = -(-replicas // count) if replicas else 1
    free = min(len(host.free) for host in mine) // share
    sizes = [host.memory(host.free) for host in mine]
    memory = min(t.cast("list[int]", sizes)) if None not in sizes else None
    linked: dict[int, str] = {1: ""}
    for size in range(2, free + 1):
        links = [host.linked(size) for host in mine]
        if all(link is not None for link in links):
            linked[size] = " or ".join(dict.fromkeys(str(link) for link in links))
    return Room(span, free, memory, linked, alone)


def _fixed(
    service: Service,
    accelerator: str,
    room: Room,
    decisions: list[Decision],
    refusals: Refusals,
) -> layout.Layout | None:
    """The layout of sizes that a person wrote; on the CPU, and with devices, the sizes nobody wrote are 1."""
    sizes, why = layout.written(service), ""
    if service["devices"] is not None and not layout.is_fixed(service):
        sizes["tensor"], why = len(service["devices"]) or 1, f"the {len(service['devices'])} GPUs of devices"
    if why:
        decisions.append(
            Decision(f"{service.path}.parallel.tensor", sizes["tensor"], f"{why} hold one copy of the model")
        )
    world, gpus = layout.ranks(sizes), service["gpus"]
    if gpus is not None and gpus != world and accelerator == "cuda":
        rule = f"the sizes of parallel make {world} ranks, and each takes one GPU"
        refusals.add("world-size", f"{service.path}.gpus", gpus, rule, f"set gpus: {world}, or change parallel")
        return None
    span = room.hosts
    if accelerator == "cpu":
        wide = span if world > 1 else 1
    elif sizes["pipeline"] % span == 0 or sizes["data"] % span == 0:
        wide = span
    else:
        wide = min(span, -(-world // max(1, room.gpus)))
    return layout.Layout(sizes, wide, {})


def _automatic(
    service: Service,
    known: Knowledge,
    room: Room,
    hosts: t.Mapping[str, Host],
    decisions: list[Decision],
    refusals: Refusals,
) -> layout.Layout | None:
    gpus, span = service["gpus"] or 1, room.hosts if service["gpus"] else 1
    if gpus > room.gpus * span:
        host = min((hosts[name] for name in service.hosts), key=lambda host: len(host.free))
        each = f"each of {service['replicas']} engines takes" if service["replicas"] else "an engine takes"
        rule = f"{each} {gpus} GPUs, and {host.words(host.free)}"
        key = "gpus" if service["gpus"] else "parallel"
        fix = "lower it, or name hosts with more GPUs"
        refusals.add("too-few-gpus", f"{service.path}.{key}", service[key], rule, fix)
        return None
    if gpus > room.gpus and gpus % room.gpus:
        rule = f"an engine of several hosts takes all of their GPUs, and they have {room.gpus} each"
        refusals.add("world-size", f"{service.path}.gpus", gpus, rule, f"write a multiple of {room.gpus}")
        return None
    if known.facts is None and len(service.hosts) > 1 and service["replicas"] is None and not service["gpus"]:
        rule = f"whether one host holds the model is not known: {known.why}"
        fix = f"set model_config, or replicas: {len(service.hosts)} for one engine a host, or parallel"
        refusals.add("layout-unknown", f"{service.path}.hosts", list(service.hosts), rule, fix)
        return None
    try:
        found = automatic.choose(service, known, room)
    except ModelError as error:
        key, value = ("gpus", service["gpus"]) if service["gpus"] else ("hosts", list(service.hosts))
        refusals.add("memory-fit", f"{service.path}.{key}", value, error.rule, error.fix)
        return None
    for key, why in found.why.items():
        decisions.append(Decision(f"{service.path}.parallel.{key}", found.parallel[key], why))
    return found


def _sizes_work(service: Service, known: Knowledge, parallel: t.Mapping[str, t.Any], refusals: Refusals) -> bool:
    """Whether the model can be divided so."""
    path, tensor, context = f"{service.path}.parallel", parallel["tensor"], parallel["decode_context"]
    facts = known.facts
    if facts is None:
        if tensor % context:
            rule = f"does not divide tensor = {tensor}"
            refusals.add("decode-context", f"{path}.decode_context", context, rule, "take a divisor of tensor")
        return bool(tensor % context == 0)
    version = service["version"]
    found = (
        (
            "tensor",
            "tensor-size",
            parallelism.tensor_refusal(facts, tensor, expert_parallel=parallel["expert"], version=version),
        ),
        ("pipeline", "pipeline-size", parallelism.pipeline_refusal(facts, parallel["pipeline"])),
        ("expert", "experts-of-dense", parallelism.expert_refusal(facts) if parallel["expert"] else None),
        ("decode_context", "decode-context", parallelism.decode_context_refusal(facts, tensor, context)),
    )
    for key, rule_id, refusal in found:
        if refusal is not None:
            written = "gpus" if key == "tensor" and service["gpus"] and not service.parallel else f"parallel.{key}"
            refusals.add(rule_id, f"{service.path}.{written}", parallel[key], refusal.rule, refusal.fix)
    return all(refusal is None for _key, _id, refusal in found)


def _enough(
    service: Service,
    shape: layout.Layout,
    replicas: int,
    room: Room,
    accelerator: str,
    refusals: Refusals,
) -> bool:
    """Whether the ranks come out even on the hosts, and there are hosts enough."""
    count, wide, world = len(service.hosts), shape.hosts, shape.world_size
    path = f"{service.path}.parallel"
    value = service.parallel or service["parallel"]
    made = " x ".join(f"{key} {shape.parallel[key]}" for key in ("tensor", "pipeline", "data"))
    has = f"{wide} hosts of {room.gpus} usable GPUs have {wide * room.gpus}"
    if wide > count or (wide > 1 and replicas * wide > count):
        take = f"{replicas} engines of {world} ranks take {replicas * wide} hosts of {room.gpus} usable GPUs"
        rule = f"{take}, and there are {count}"
        refusals.add("world-size", path, value, rule, "lower replicas or parallel, or name more hosts")
        return False
    if world % wide:
        rule = f"{made} make {world} ranks, which {wide} hosts cannot share evenly"
        refusals.add(
            "world-size", path, value, rule, f"make the product a multiple of {wide}, or set replicas: {count}"
        )
        return False
    if accelerator == "cuda" and service["devices"] is None and wide > 1 and world // wide > room.gpus:
        rule = f"{made} make {world} ranks, and {has}"
        fix = f"tensor: {room.gpus}, pipeline: {wide} use them all; parallel: auto chooses"
        refusals.add("world-size", path, value, rule, fix if room.gpus else "name hosts with free GPUs")
        return False
    return True


def _advice(service: Service, known: Knowledge, room: Room) -> str:
    if known.facts is None or room.memory is None:
        return "lower args.max_model_len, or take more GPUs"
    return advice.what_would_do(known, known.facts, room, layout.written(service)["expert"])
