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
from .wording import some


@dataclasses.dataclass(frozen=True)
class Spread:
    """The engines of one service, all alike.

    guessed: whether other sizes may be needed (layout.Layout). advice: what would do where the model does not fit, by
    the memory of the engine's GPUs.
    """

    replicas: int
    hosts_per_engine: int
    parallel: dict[str, t.Any]
    decisions: list[Decision]
    guessed: bool
    advice: t.Callable[[int | None], str]


def decide(
    service: Service,
    known: Knowledge,
    accelerator: str,
    hosts: t.Mapping[str, Host],
    alone: bool,
    refusals: Refusals,
) -> Spread | None:
    """None where something was refused. hosts: of the whole fleet. alone: no other service names those of this one."""
    room = _room(service, accelerator, hosts, alone, service["replicas"])
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
    chosen = not (layout.is_fixed(service) or service["devices"] or service["gpus"] or service["replicas"])
    if chosen and alone and room.most > room.gpus and shape.world_size == shape.hosts * room.gpus:
        _warn_unused(service, hosts, room, refusals)
    return Spread(
        replicas,
        shape.hosts,
        shape.parallel,
        decisions,
        shape.guessed,
        lambda size: _advice(service, known, dataclasses.replace(room, memory=size)),
    )


def _warn_unused(service: Service, hosts: t.Mapping[str, Host], room: Room, refusals: Refusals) -> None:
    """Engines of a service are alike, so that the host with the fewest GPUs tells what each takes."""
    more = [host for host in service.hosts if len(hosts[host].free) > room.gpus]
    least = next(host for host in service.hosts if host not in more)
    message = (
        f"{some(more)} {'has' if len(more) == 1 else 'have'} more GPUs than {least}, which is left with {room.gpus}"
    )
    fix = f"make a service for {some(more)} and one for the others"
    refusals.warn(
        "gpus-unused", f"{service.path}.hosts", f"{message}, and engines take as many of each: the others idle", fix
    )


def _room(service: Service, accelerator: str, hosts: t.Mapping[str, Host], alone: bool, replicas: int | None) -> Room:
    """What the service's hosts offer to one of its engines, where there are so many."""
    count = len(service.hosts)
    span = count if replicas is None else max(1, count // replicas)
    if accelerator == "cpu":
        return Room(span, 1, None, {1: ""}, alone)
    mine = [hosts[host] for host in service.hosts]
    share = -(-replicas // count) if replicas else 1
    counts = [len(host.free) // share for host in mine]
    free = min(counts)
    sizes = [host.memory(host.free) for host in mine]
    memory = min(t.cast("list[int]", sizes)) if None not in sizes else None
    linked: dict[int, str] = {1: ""}
    for size in range(2, free + 1):
        links = [host.linked(size) for host in mine]
        if all(link is not None for link in links):
            linked[size] = " or ".join(dict.fromkeys(str(link) for link in links))
    return Room(span, free, memory, linked, alone, max(counts))


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
    if not _gpus_suffice(service, room, hosts, refusals):
        return None
    several = len(service.hosts) > 1 and service["replicas"] is None and not service["gpus"]
    if several and (known.facts is None or room.memory is None):
        rule = f"whether one host holds the model is not known: {known.why or 'the GPUs do not tell their memory'}"
        first = "set model_config, or" if known.facts is None else "set"
        fix = f"{first} replicas: {len(service.hosts)} for one engine a host, or parallel"
        refusals.add("layout-unknown", f"{service.path}.hosts", list(service.hosts), rule, fix)
        return None
    try:
        found = automatic.choose(service, known, room)
    except ModelError as error:
        if error.path == "decode_context":
            refusals.add(
                "decode-context", f"{service.path}.parallel.decode_context", error.value, error.rule, error.fix
            )
            return None
        key, value = ("gpus", service["gpus"]) if service["gpus"] else ("hosts", list(service.hosts))
        uneven = ", and members take as many GPUs of each host" if room.most > room.gpus and room.hosts > 1 else ""
        fix = _fewer_replicas(service, known, room, hosts) or error.fix
        refusals.add("memory-fit", f"{service.path}.{key}", value, error.rule + uneven, fix)
        return None
    for key, why in found.why.items():
        decisions.append(Decision(f"{service.path}.parallel.{key}", found.parallel[key], why))
    return found


def _gpus_suffice(service: Service, room: Room, hosts: t.Mapping[str, Host], refusals: Refusals) -> bool:
    """Whether the hosts have the GPUs that are written, or one where none are."""
    gpus, span = service["gpus"] or 1, room.hosts if service["gpus"] else 1
    if gpus > room.gpus * span:
        host = min((hosts[name] for name in service.hosts), key=lambda host: len(host.free))
        each = f"each of {service['replicas']} engines takes" if service["replicas"] else "an engine takes"
        rule = f"{each} {gpus} GPUs{'' if service['gpus'] else ' or more'}, and {host.words(host.free)}"
        shared = (service["replicas"] or 1) > len(service.hosts)
        lower = "lower it, " if service["gpus"] else "lower replicas, " if shared else ""
        fix = f"{lower}free GPUs of {host.name}, or name hosts with more GPUs"
        if not host.gpus:
            fix = f"{'mend its driver, or ' if host.driver else ''}leave {host.name} out of hosts"
        key = "gpus" if service["gpus"] else "parallel"
        refusals.add("too-few-gpus", f"{service.path}.{key}", service[key], rule, fix)
        return False
    if gpus > room.gpus and gpus % room.gpus:
        rule = f"an engine of several hosts takes all of their GPUs, and they have {room.gpus} each"
        refusals.add("world-size", f"{service.path}.gpus", gpus, rule, f"write a multiple of {room.gpus}")
        return False
    return True


def _fewer_replicas(service: Service, known: Knowledge, room: Room, hosts: t.Mapping[str, Host]) -> str:
    """What lower number of replicas would leave each engine room enough; empty where none would, or none is written."""
    facts, replicas = known.counted, service["replicas"] or 1
    if facts is None or replicas < 2 or service["gpus"] or room.memory is None:
        return ""
    low, high = 0, replicas
    while high - low > 1:
        middle = (low + high) // 2
        tried = _room(service, "cuda", hosts, room.alone, middle)
        fits = advice.holds(known, facts, tried, bool(service.parallel.get("expert", facts.is_moe)))
        low, high = (middle, high) if fits else (low, middle)
    left = f"{room.gpus} GPUs" if room.hosts == 1 else room.words(room.hosts)
    return f"{replicas} replicas leave each engine {left}: set replicas: {low}" if low else ""


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
        (
            "data",
            "data-size",
            parallelism.data_refusal(
                facts, tensor, parallel["data"], expert_parallel=parallel["expert"], version=version
            ),
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
    has = f"{room.words(wide)} have {wide * room.gpus}"
    if wide > count or (wide > 1 and replicas * wide > count):
        take = f"{replicas} engines of {world} ranks take {room.words(replicas * wide)}"
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
