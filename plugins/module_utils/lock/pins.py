# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a lock asks of the intent, and what differs from it."""

from __future__ import annotations

import typing as t

from ..downloads import sources
from ..planning.errors import Refusals
from ..planning.intent import derive_name
from .document import KEYS, SCHEMA_VERSION, Document

_AGAIN = "bring back what was locked, or write the lock anew with playbooks/lock.yml"


def check_form(data: t.Any, path: str, refusals: Refusals) -> None:
    """Refuse what playbooks/lock.yml did not write."""
    fix = "write it with playbooks/lock.yml"
    if not isinstance(data, dict) or not all(isinstance(data.get(key), dict) for key in KEYS):
        refusals.add("lock-form", path, None, f"is no lock: it needs the mappings {', '.join(KEYS)}", fix)
    elif data.get("schema_version") != SCHEMA_VERSION:
        rule = f"its schema_version is not {SCHEMA_VERSION}, which this release writes"
        refusals.add("lock-form", f"{path}: schema_version", data.get("schema_version"), rule, fix)

    else:
        _check_items(data, path, refusals)


def _check_items(data: Document, path: str, refusals: Refusals) -> None:
    for key in KEYS:
        for name, item in data[key].items():
            whole = key == "drivers" or isinstance(item, dict)
            wanted = ("version", "model", "revision") if key == "services" and whole else ()
            lacking = [part for part in wanted if part not in item]
            if not whole or lacking:
                rule = f"lacks {', '.join(lacking)}" if lacking else "is no mapping"
                refusals.add("lock-form", f"{path}: {key}[{name!r}]", None, rule, "write it with playbooks/lock.yml")


def apply(variables: t.Mapping[str, t.Any], lock: Document, refusals: Refusals) -> dict[str, t.Any]:
    """The variables with what the lock holds in the place of what is not written; refuses what is written otherwise.

    variables: the inventory's, templated. What is no list of mappings is left to the planner, which refuses it.
    """
    found = {**variables, "vllm_lock": lock}
    items = variables.get("vllm_services")
    if not isinstance(items, (list, tuple)) or not all(isinstance(item, dict) for item in items):
        return found
    fleet = variables.get("vllm_version")
    found["vllm_services"] = [
        _service(item, f"vllm_services[{index}]", lock, fleet, refusals) for index, item in enumerate(items)
    ]
    rays = {part.get("ray") for part in lock["software"].values() if isinstance(part, dict) and part.get("ray")}
    if len(rays) == 1 and not variables.get("vllm_ray_version"):
        found["vllm_ray_version"] = next(iter(rays))
    return found


def _service(item: dict[str, t.Any], path: str, lock: Document, fleet: t.Any, refusals: Refusals) -> dict[str, t.Any]:
    model = str(item.get("model") or "")
    name = item.get("name") or derive_name(model)
    locked = lock["services"].get(name)
    if locked is None:
        refusals.add("lock-drift", path, name, "is a service that the lock does not hold", _AGAIN)
        return item
    if model != locked["model"]:
        refusals.add("lock-drift", f"{path}.model", model, f"the lock holds {locked['model']}", _AGAIN)
    written = item.get("version") or fleet
    if written is not None and str(written) != locked["version"]:
        where = f"{path}.version" if item.get("version") else "vllm_version"
        refusals.add("lock-drift", where, written, f"the lock holds {locked['version']}", _AGAIN)
    pinned = {**item, "version": locked["version"]}
    if locked["revision"] and sources.parse(model).kind == sources.HUB:
        revision = item.get("revision")
        if revision is not None and revision != locked["revision"]:
            refusals.add("lock-drift", f"{path}.revision", revision, f"the lock holds {locked['revision']}", _AGAIN)
        pinned["revision"] = locked["revision"]
    return pinned


def compare(lock: Document, now: Document, path: str, refusals: Refusals) -> None:
    """Refuse what the hosts have otherwise than the lock. path: of the lock's file. What only the lock has is left."""
    for kind in ("images", "software", "models", "drivers"):
        for name, have in now[kind].items():
            _differ(f"{path}: {kind}[{name!r}]", lock[kind].get(name, _NOTHING), have, refusals)


_NOTHING = object()


def _differ(path: str, locked: t.Any, have: t.Any, refusals: Refusals) -> None:
    if locked is _NOTHING:
        refusals.add("lock-drift", path, have, "the lock holds nothing of this name", _AGAIN)
    elif isinstance(locked, dict) and isinstance(have, dict):
        for key in sorted({*locked, *have}):
            _differ(f"{path}.{key}", locked.get(key), have.get(key), refusals)
    elif locked != have:
        refusals.add("lock-drift", path, have, f"the lock holds {locked}", _AGAIN)
