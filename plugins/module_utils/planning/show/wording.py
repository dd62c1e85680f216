# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the planner decided and found out, in sentences."""

from __future__ import annotations

import dataclasses
import typing as t

from . import amounts
from .digest import Item, Part

#: What a service's screen tells of its decisions, by the end of their path.
TOLD = {
    "executor": "executor",
    "parallel.tensor": "tensor",
    "parallel.pipeline": "pipeline",
    "parallel.data": "data",
    "parallel.decode_context": "decode context",
    "parallel.expert": "experts",
    "interface": "interface",
    "replicas": "replicas",
    "args.max_model_len": "context",
    "args.gpu_memory_utilization": "memory share",
}
_SIZES = ("tensor", "pipeline", "data", "decode_context")
_MEANING = {
    "uni": "one process holds the one rank",
    "mp": "processes of each member's own unit",
    "ray": "Ray starts the ranks on all members",
}


@dataclasses.dataclass(frozen=True)
class Setting:
    """One line of why: what, its value, the reason."""

    name: str
    value: str
    why: str


def settings(part: Part, engine: Item) -> list[Setting]:
    """How the engine's ranks are laid out, each value with the planner's reason or with where it was written."""
    return [setting for _decision, setting in _told(part, engine)]


def untold(part: Part) -> list[Item]:
    """The part's decisions that the settings of its engines leave out."""
    told = [decision for group in part.groups for decision, _setting in _told(part, group.first)]
    return [item for item in part.decisions if not any(item is other for other in told)]


def _told(part: Part, engine: Item) -> t.Iterator[tuple[Item | None, Setting]]:
    """Each setting, and the decision that it is. None: a person's."""
    decisions: dict[tuple[str, str], Item] = {}
    for above in dict.fromkeys((engine["path"], part.service["path"])):  # a side of the service, then the service
        for item in part.decisions:
            if item["path"].startswith(f"{above}."):
                for value in (repr(item["value"]), "any"):
                    decisions.setdefault((item["path"][len(above) + 1 :], value), item)
    rows = [("executor", engine["executor"])]
    rows += [(f"parallel.{key}", engine["parallel"].get(key, 1)) for key in _SIZES]
    rows.append(("parallel.expert", engine["parallel"].get("expert", False)))
    for key, value in rows:
        decision = decisions.get((key, repr(value)))
        if value in (1, False) and decision is None:
            continue
        why = _MEANING[str(value)] if key == "executor" else "as written in the inventory"
        shown = ("split" if value else "whole") if key == "parallel.expert" else str(value)
        yield decision, Setting(TOLD[key], shown, decision["why"] if decision else why)
    for key in ("interface", "replicas", "args.max_model_len", "args.gpu_memory_utilization"):
        decision = decisions.get((key, "any"))
        if decision is not None:
            yield decision, Setting(TOLD[key], amounts.value(decision["value"]), decision["why"])


def requests(memory: Item) -> str:
    """``9.2 requests of 32,768 tokens at once``; an honest lower bound where the cache cannot be known exactly."""
    length = amounts.number(memory["max_model_len"])
    found = memory["requests"]
    if found is None:
        return f"the cache sets no bound to the requests of {length} tokens at once"
    if memory["bounded"]:
        least = memory["requests_at_least"]
        bound = f", at most {amounts.number(found)}" if found > least else ""
        return f"at least {amounts.number(least)} requests of {length} tokens at once{bound}"
    return f"{amounts.number(found)} requests of {length} tokens at once"


def door(service: Item) -> str:
    """What stands between clients and engines; empty where each engine is called itself."""
    router = service["router"]
    if not router:
        return ""
    spoken = f", {router['connector']} protocol" if router["connector"] else ""
    keys = f"; keys of {amounts.listing(router['keys'], 4)}" if len(router["keys"]) > 1 else ""
    behind = f"{amounts.plural(router['workers'], 'engine')} behind it"
    return f"nginx and vllm-router ({' and '.join(router['policy'])}{spoken}) on {router['host']}, {behind}{keys}"


def transfer(service: Item) -> str:
    """How KV cache goes from engine to engine; empty where it does not."""
    found = service["kv_transfer"]
    if not found:
        return ""
    name = f"{found['connector']} of {' and '.join(found['parts'])}" if found["parts"] else found["connector"]
    if not found["prefill"]:
        return str(name)
    return f"{name}, from {amounts.plural(found['prefill'], 'prefill engine')} to {found['decode']} for decode"


def summary(service: Item) -> list[str]:
    """What is known of the service's model, in short pieces."""
    known = service["model_summary"]
    if not known:
        return []
    found = []
    if known.get("parameters"):
        found.append(f"{amounts.parameters(known['parameters'])} parameters")
    if known.get("weight_bytes"):
        found.append(f"{amounts.size(known['weight_bytes'])} of weights")
    if known.get("quantization"):
        found.append(str(known["quantization"]))
    if known.get("kind"):
        found.append("mixture of experts" if known["kind"] == "moe" else str(known["kind"]))
    if known.get("context"):
        found.append(f"{amounts.number(known['context'])} tokens of context")
    return found


def folded(decisions: t.Iterable[Item]) -> list[Setting]:
    """Each path and value once; whys that differ by host are counted."""
    found: dict[tuple[str, str], list[str]] = {}
    for item in decisions:
        whys = found.setdefault((item["path"], amounts.value(item["value"])), [])
        if item["why"] not in whys:
            whys.append(item["why"])
    return [
        Setting(path, value, whys[0] + (f" (and {len(whys) - 1} more like this)" if len(whys) > 1 else ""))
        for (path, value), whys in found.items()
    ]
