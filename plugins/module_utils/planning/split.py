# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service with prefill and decode engines as two sides, each read like a service of its own."""

from __future__ import annotations

import re
import typing as t

from ..releases import flags
from . import schema
from .errors import Refusals
from .keys import SERVICE, SIDE

KINDS = ("prefill", "decode")
#: Keys of which a side changes single entries, and takes the others from the service.
_MERGED = ("args", "env")
#: Keys of one engine or one side: written for both they would be given twice.
_OF_SIDES = ("replicas", "devices")
#: Where each key of the option that the plan makes of kv_transfer comes from.
_MEANT = {"kv_connector": "connector", "kv_connector_extra_config": "extra", "kv_connector_module_path": "module_path"}
_OPTION = "kv-transfer-config"
_PATH = re.compile(r"(vllm_services\[(\d+)\])(?:\.(prefill|decode))?(?:\.(.+))?", re.DOTALL)


def is_split(item: t.Any) -> bool:
    """Whether the item of vllm_services has prefill and decode engines."""
    return isinstance(item, dict) and any(item.get(kind) is not None for kind in KINDS)


def sides(item: t.Mapping[str, t.Any], path: str, refusals: Refusals) -> list[tuple[str, str, dict[str, t.Any]]]:
    """(kind, path, item) of each side: what the service says for both, with what the side says over it."""
    for kind in KINDS:
        if item.get(kind) is None:
            other = KINDS[1 - KINDS.index(kind)]
            rule = f"has {other} engines, and none for {kind}"
            refusals.add(
                "pd-side-missing", f"{path}.{kind}", None, rule, f"add {kind}: {{hosts: …}}, or remove {other}"
            )
    for key in _OF_SIDES:
        if item.get(key) is not None:
            rule = "is of one side, and the service has two"
            fix = f"write it in {path}.prefill and {path}.decode"
            refusals.add("pd-side-key", f"{path}.{key}", item[key], rule, fix)
    if any(item.get(kind) is None for kind in KINDS):
        return []
    common = {key: value for key, value in item.items() if key not in (*KINDS, *_OF_SIDES)}
    found = []
    for kind in KINDS:
        where = f"{path}.{kind}"
        _check(item[kind], where, refusals)
        own = {key: value for key, value in _written(item, kind).items() if key in SIDE}
        merged = {**common, **own}
        for key in _MERGED:
            if isinstance(common.get(key), dict) and isinstance(own.get(key), dict):
                merged[key] = {**_without(common[key], own[key], key), **own[key]}
        found.append((kind, where, merged))
    return found


def _check(side: t.Any, path: str, refusals: Refusals) -> None:
    """Keys that a side does not have. Their values are read with the whole."""
    if not isinstance(side, dict):
        schema.read(side, SIDE, path, refusals)
        return
    for key in side:
        if key in SERVICE and key not in SIDE:
            rule = "is of the service, and the same for both sides"
            above = path.rpartition(".")[0]
            refusals.add("pd-side-key", f"{path}.{key}", None, rule, f"write it as {above}.{key}")
        elif key not in SIDE:
            schema.read({key: None}, SIDE, path, refusals)


def _without(common: t.Mapping[str, t.Any], own: t.Mapping[str, t.Any], key: str) -> dict[str, t.Any]:
    """What the side leaves of the service's entries: an option counts by its plain name, however it is spelt."""
    plain: t.Callable[[t.Any], str] = (lambda name: flags.normalize(str(name))) if key == "args" else str
    mine = {plain(name) for name in own}
    return {name: value for name, value in common.items() if plain(name) not in mine}


def _written(item: t.Any, kind: str | None) -> dict[str, t.Any]:
    found = item.get(kind) if kind and isinstance(item, dict) else None
    return {key: value for key, value in found.items() if value is not None} if isinstance(found, dict) else {}


def locator(items: t.Any) -> t.Callable[[str], str]:
    """Turns the path of something in a side, or in the option made of kv_transfer, into where a person wrote it.

    items: ``vllm_services`` as written.
    """
    listed = items if isinstance(items, (list, tuple)) else []

    def locate(path: str) -> str:
        found = _PATH.fullmatch(path)
        item = listed[int(found.group(2))] if found and int(found.group(2)) < len(listed) else None
        if found is None or not isinstance(item, dict):
            return path
        root, kind, rest = found.group(1), found.group(3), found.group(4) or ""
        moved = _of_transfer(rest) if item.get("kv_transfer") is not None else None
        if moved is not None and not _wrote(_written(item, kind), rest) and not _wrote(item, rest):
            return f"{root}.{moved}"
        if kind is None or not rest or _wrote(_written(item, kind), rest):
            return path
        if rest.partition(".")[0].partition("[")[0] in SERVICE.keys() - SIDE.keys():
            return f"{root}.{rest}"
        return f"{root}.{rest}" if _wrote(item, rest) else path

    return locate


def _wrote(item: t.Mapping[str, t.Any], rest: str) -> bool:
    key, _dot, inner = rest.partition(".")
    key = key.partition("[")[0].partition(" ")[0]
    if item.get(key) is None:
        return False
    if key not in _MERGED or not inner or not isinstance(item[key], dict):
        return True
    return any(inner == str(name) or inner.startswith(f"{name}.") for name in item[key])


def _of_transfer(rest: str) -> str | None:
    """``args.kv_transfer_config.kv_connector`` -> ``kv_transfer.connector``; None for anything else."""
    first, _dot, inner = rest.partition(".")
    option, _dot, key = inner.partition(".")
    if first != "args" or flags.normalize(option) != _OPTION:
        return None
    words, inside = key.split("."), "kv_transfer"
    while len(words) > 1 and words[0] == "kv_connector_extra_config" and words[1].startswith("connectors["):
        inside, words = f"{inside}.{words[1]}", words[2:]
    if words and words[0] in _MEANT:
        return ".".join([inside, _MEANT[words[0]], *words[1:]])
    return inside
