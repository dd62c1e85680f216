# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Engines and services as the plan document shows them (docs/plan.md)."""

from __future__ import annotations

import ipaddress
import math
import typing as t

from ..models import memory
from ..models.config import ModelFacts
from ..router import places
from ..router.settings import Router
from . import addresses as at
from . import secrets, units
from .doors import Door
from .members import Member
from .options import Options
from .placement import Engine


def engine_document(engine: Engine, members: t.Sequence[Member]) -> dict[str, t.Any]:
    """The ``engines`` item."""
    held = _memory(engine, members)
    return {
        "name": engine.name,
        "service": engine.service.name,
        "path": engine.service.path,
        "kind": engine.service.kind,
        "accelerator": engine.accelerator,
        "executor": engine.executor,
        "version": engine.service["version"],
        "parallel": dict(engine.parallel),
        "guessed": engine.guessed,
        "world_size": engine.world_size,
        "members": [member.document() for member in members],
        "memory": held,
        "why_unknown": None if held else why_unknown(engine),
    }


def why_unknown(engine: Engine) -> str:
    """Why nobody can tell what the engine's GPUs hold."""
    if engine.accelerator == "cpu":
        return "engines on the CPU have no GPU memory"
    return engine.known.uncounted or ("a GPU does not tell its memory" if not engine.gpu_memory else "")


def _memory(engine: Engine, members: t.Sequence[Member]) -> dict[str, t.Any] | None:
    """Bytes of one GPU of each pipeline stage. kv is all the cache that the engine makes: what the rest leaves."""
    fit, facts = engine.fit, engine.known.counted
    if fit is None or facts is None or engine.gpu_memory is None:
        return None
    stages = []
    for stage, weights in enumerate(memory.weights_per_rank(facts, fit.settings)):
        other = fit.overhead.total
        cache = max(0, fit.budget - weights - other)
        free = engine.gpu_memory - weights - other - cache
        stages.append({"stage": stage, "weights": weights, "overhead": other, "kv": cache, "free": free})
    return {
        "gpu_bytes": engine.gpu_memory,
        "utilization": fit.settings.share(),
        "budget": fit.budget,
        "max_model_len": fit.max_model_len,
        "requests": _finite(fit.requests),
        "requests_at_least": _finite(fit.requests_least),
        "bounded": fit.bounded,
        "tokens": fit.tokens,
        "kv_bytes_per_token": fit.kv_per_token,
        "stages": stages,
        "gpus": [
            {"host": member.host, "index": index, "stage": _stage(engine, member.rank * len(member.devices) + at)}
            for member in members
            for at, index in enumerate(member.devices)
        ],
        "weights_total": facts.weight_bytes,
    }


def _stage(engine: Engine, rank: int) -> int:
    """The pipeline stage of a rank: tensor runs first, then pipeline, then data (vLLM's parallel_state.py)."""
    return rank // int(engine.parallel["tensor"]) % int(engine.parallel["pipeline"])


def _finite(number: float) -> float | None:
    return round(number, 2) if math.isfinite(number) else None


def service_document(
    groups: t.Sequence[t.Sequence[Member]],
    router: Router | None,
    door: Door | None,
    addresses: t.Mapping[str, str],
) -> dict[str, t.Any]:
    """The ``services`` item. groups: the members of each of its engines. router: its front door, of ``door``."""
    engine = groups[0][0].engine
    service = engine.service
    endpoints = _endpoints(groups, addresses)
    if router is not None and door is not None:
        address = addresses.get(door.host, door.host)
        url = at.door(router.address, address, router.port, "https" if router.tls else "http")
        endpoints = [{"host": door.host, "unit": places.door_unit(service.name), "url": url}]
    keyed = bool(router.api_keys) if router is not None else bool(service["api_key"])
    reference = secrets.api_key_reference(service.name) if service["api_key"] else None
    return {
        "name": service.name,
        "path": service.root,
        "model": service["model"],
        "model_summary": _summary(engine.known.facts),
        "version": service["version"],
        "served_model_name": units.served_names(engine)[0],
        "max_model_len": Options(service).get("max-model-len"),
        "engines": [members[0].engine.name for members in groups],
        "endpoints": endpoints,
        "api_key": (router.api_keys[0].secret if router is not None else reference) if keyed else None,
        "router": None if router is None or door is None else _door(router, door),
        "kv_transfer": _transfer(groups),
    }


def _endpoints(groups: t.Sequence[t.Sequence[Member]], addresses: t.Mapping[str, str]) -> list[dict[str, t.Any]]:
    """Every engine is a front door."""
    found = []
    for member in (member for members in groups for member in members if member.is_called):
        address = addresses.get(member.host, member.host)
        for port in range(member.port("api"), member.port("api") + member.engine.servers):
            url = at.door(member.listen, address, port)
            found.append({"host": member.host, "unit": member.engine.unit, "url": url})
    return found


def _door(router: Router, door: Door) -> dict[str, t.Any]:
    policies = (
        [router.policy]
        if router.mode == "replicas"
        else [
            router.prefill_policy or router.policy,
            router.decode_policy or router.policy,
        ]
    )
    return {
        "host": door.host,
        "mode": router.mode,
        "connector": router.connector,
        "policy": list(dict.fromkeys(policies)),
        "tls": router.tls is not None,
        "keys": [key.name for key in router.api_keys],
        "workers": len(router.workers),
    }


def _transfer(groups: t.Sequence[t.Sequence[Member]]) -> dict[str, t.Any] | None:
    want = groups[0][0].engine.service.transfer
    if want is None:
        return None
    return {
        "connector": want.connector,
        "parts": [part.connector for part in want.children],
        "prefill": sum(members[0].engine.service.kind == "prefill" for members in groups),
        "decode": sum(members[0].engine.service.kind == "decode" for members in groups),
    }


def _summary(facts: ModelFacts | None) -> dict[str, t.Any] | None:
    if facts is None:
        return None
    return {
        "parameters": facts.parameters,
        "weight_bytes": facts.weight_bytes,
        "quantization": facts.quantization.description if facts.quantization is not None else None,
        "kind": "moe" if facts.is_moe else "dense",
        "context": facts.context.limit,
    }


def is_loopback(address: str) -> bool:
    """Whether only the host itself reaches what listens there."""
    return ipaddress.ip_address(address).is_loopback
