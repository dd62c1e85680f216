# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a lock holds, made from a plan and from what its hosts were seen to have (docs/images.md).

``services``: name -> version, model, revision. ``images``: name -> digest, id. ``software``: name of an environment or
image -> python, vllm, ray, torch. ``models``: source -> files. ``drivers``: host -> version or None.
"""

from __future__ import annotations

import typing as t

from ..planning.builds import driver
from ..planning.errors import Refusals

SCHEMA_VERSION = 1
KEYS = ("services", "images", "software", "models", "drivers")
_PARTS = ("python", "vllm", "ray", "torch")

Document = dict[str, t.Any]


def make(
    plan: t.Mapping[str, t.Any], seen: t.Mapping[str, t.Mapping[str, t.Any]], probes: t.Mapping[str, t.Any]
) -> Document:
    """The lock. seen: by host, what vllm.cluster.lock_facts returns. probes: by host. Raises PlanError.

    What hosts have by one name must be one thing: else no lock could say which.
    """
    refusals = Refusals()
    made: Document = {"schema_version": SCHEMA_VERSION, **{key: {} for key in KEYS}}
    for host, part in plan["hosts"].items():
        facts = seen.get(host) or {}
        made["drivers"][host] = driver(probes.get(host))
        for item in part["images"]:
            found = facts.get("images", {}).get(item["reference"]) or {}
            _put(made, "images", item["name"], {key: found.get(key) for key in ("digest", "id")}, host, refusals)
            _put(made, "software", item["name"], _software(found.get("software")), host, refusals)
        for item in part["environments"]:
            if any(line.startswith("vllm") and "router" not in line for line in item["requirements"]):
                found = facts.get("environments", {}).get(item["path"])
                _put(made, "software", item["name"], _software(found), host, refusals)
        for item in part["models"]:
            record = facts.get("models", {}).get(item["path"]) or {}
            files = {name: dict(entry) for name, entry in (record.get("files") or {}).items()}
            _put(made, "models", item["source"], {"commit": record.get("commit"), "files": files}, host, refusals)
    for service in plan["services"]:
        model = made["models"].get(service["model"]) or {}
        name = {"version": service["version"], "model": service["model"], "revision": model.get("commit")}
        made["services"][service["name"]] = name
    refusals.raise_if_any()
    return made


def _software(found: t.Mapping[str, t.Any] | None) -> dict[str, t.Any]:
    return {part: (found or {}).get(part) for part in _PARTS}


def _put(made: Document, kind: str, name: str, value: t.Any, host: str, refusals: Refusals) -> None:
    there = made[kind].setdefault(name, value)
    if there != value:
        rule = f"is another on host {host} than on the hosts before it, and a lock holds one"
        refusals.add("lock-hosts", f"{kind}[{name!r}]", None, rule, "bring the hosts to one state: playbooks/site.yml")
