# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Known security faults of a service's release that concern how the service is used."""

from __future__ import annotations

import difflib
import typing as t

from ..models.config import ModelFacts
from ..releases import advisories, runtimes, versions
from ..releases.advisories import Advisory
from . import transfers
from .errors import Refusals
from .intent import Service
from .options import Options
from .variables import is_exposed
from .wording import some

_CONNECTORS = {
    "MooncakeConnector": "mooncake",
    "MooncakeStoreConnector": "mooncake",
    "P2pNcclConnector": "p2pnccl",
    "PyNcclConnector": "pynccl",
}
#: Features whose sockets other hosts reach whatever the service listens on.
_BETWEEN_HOSTS = frozenset({"multi_node", "mooncake", "p2pnccl", "pynccl"})
#: From this release on, scheduling is asynchronous unless told otherwise (config/vllm.py).
_ASYNC_BY_DEFAULT = "0.14.0"


def features(service: Service, facts: ModelFacts | None, *, several_hosts: bool, pipeline: int = 1) -> frozenset[str]:
    """Which features of the advisories' table the service uses.

    several_hosts: some engine of it has more than one. pipeline: its engines' pipeline parallel size.
    """
    options = Options(service)
    exposed = is_exposed(service)
    found = {_CONNECTORS[name] for name in transfers.names(options) if name in _CONNECTORS}
    asynchronous = options.is_on("async-scheduling") or (
        not options.is_off("async-scheduling")
        and versions.parse(service["version"]) >= versions.parse(_ASYNC_BY_DEFAULT)
    )
    media = facts is not None and facts.multimodal and not options.is_on("language-model-only")
    reasoning = "reasoning-parser" in options
    used = {
        "api_key": exposed and bool(service["api_key"]),
        "async_pipeline": pipeline > 1 and asynchronous,
        "exposed": exposed,
        "multi_node": several_hosts and _unpickles(service, options),
        "multimodal": exposed and media,
        "prompt_embeds": exposed and options.is_on("enable-prompt-embeds"),
        "python_optimize": options.env.get("PYTHONOPTIMIZE", "") not in ("", "0"),
        "reasoning": reasoning,
        "scale_out": exposed and options.is_on("enable-scale-out"),
        "tool_parser_qwen3_coder": options.text("tool-call-parser") == "qwen3_coder",
        "trust_remote_code": options.is_on("trust-remote-code"),
    }
    return frozenset(found | {name for name, is_used in used.items() if is_used})


def check(
    service: Service,
    facts: ModelFacts | None,
    accepted: t.Collection[str],
    refusals: Refusals,
    *,
    several_hosts: bool,
    pipeline: int = 1,
) -> None:
    """Refuse a release that lets strangers run code on the host; warn of all other known faults.

    accepted: ``vllm_accept_advisories``; of these a warning remains. Each service gets one refusal and one warning.
    """
    in_use = features(service, facts, several_hosts=several_hosts, pipeline=pipeline)
    concerning = advisories.concerning(service["version"], in_use)
    grave = [item for item in concerning if _is_grave(item, in_use) and item.id not in accepted]
    fix = _fix(service["version"], in_use)
    path = f"{service.path}.version"
    if grave:
        rule = f"has known faults that a stranger can use: {_told(grave)}"
        consent = f"; or accept them: vllm_accept_advisories: [{', '.join(item.id for item in grave)}]"
        refusals.add("advisory-grave", path, service["version"], rule, fix + consent)
    rest = [item for item in concerning if item not in grave]
    if any(item.effect != "unknown" for item in rest):
        message = f"release {service['version']} has known faults that concern this service: {_told(rest)}"
        refusals.warn("advisory", path, message, fix)


def check_accepted(accepted: t.Sequence[str], refusals: Refusals) -> None:
    """Warn of ids in ``vllm_accept_advisories`` that the table does not have: they accept nothing."""
    known = {item.id for item in advisories.everything()}
    for index, name in enumerate(accepted):
        if name not in known:
            close = difflib.get_close_matches(str(name), known, n=1)
            fix = f"did you mean {close[0]}?" if close else "leave it out"
            path = f"vllm_accept_advisories[{index}]"
            refusals.warn("advisory-accepted-unknown", path, f"{name} is no advisory that is known here", fix)


def _is_grave(item: Advisory, in_use: frozenset[str]) -> bool:
    """Whether it lets strangers run code, through something that other hosts reach.

    A way past the key is told, not refused: a service without any key is not refused either.
    """
    reached = set(item.needs) & in_use & _BETWEEN_HOSTS or "exposed" in in_use
    return item.effect == "code_execution" and bool(reached)


def _told(items: t.Sequence[Advisory]) -> str:
    return some([f"{item.id} ({item.say})" for item in items]) if len(items) <= 2 else some(item.id for item in items)


def _fix(version: str, in_use: frozenset[str]) -> str:
    free = advisories.first_free_of(version, in_use)
    if free is not None:
        return f"use release {free} or later"
    return "no measured release is free of all: use the newest, and let only trusted clients reach it"


def _unpickles(service: Service, options: Options) -> bool:
    """Is this about more than the V0 engine? Releases that have both take V1 unless told otherwise."""
    version = service["version"]
    v0_gone = not runtimes.has_trait("v0_engine", version)
    takes_v0 = runtimes.has_trait("v0_default", version) or options.env.get("VLLM_USE_V1") == "0"
    return v0_gone or takes_v0 or versions.parse(version) < versions.parse("0.8.5")
