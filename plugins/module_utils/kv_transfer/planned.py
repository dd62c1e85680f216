# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the plan says of services whose KV cache moves (docs/plan.md)."""

from __future__ import annotations

import typing as t


class Door(t.NamedTuple):
    """A front door on a host. service: an item of the module's ``services``. The keys are references, or None."""

    service: dict[str, t.Any]
    api_key: str | None
    engine_key: str | None


def doors(plan: t.Mapping[str, t.Any], host: str) -> list[Door]:
    """The services with prefill and decode engines whose front door is on the host."""
    routers = {item["service"]: item for item in plan["hosts"].get(host, {}).get("routers", ())}
    found = []
    for service in _between(plan):
        router = routers.get(service["name"])
        endpoint = next((item for item in service["endpoints"] if item["host"] == host), None)
        if router is None or endpoint is None:
            continue
        item = {
            "name": service["name"],
            "url": endpoint["url"],
            "model": service["served_model_name"],
            "connector": service["kv_transfer"]["connector"],
            "parts": service["kv_transfer"]["parts"],
            "version": service["version"],
            "engines": _engines(router["workers"]),
            # A certificate names what clients call, and not the host's address.
            **({"validate_certs": False} if endpoint["url"].startswith("https:") else {}),
        }
        found.append(Door(item, service["api_key"], router["engine_key"]))
    return found


def doorless(plan: t.Mapping[str, t.Any], host: str) -> list[tuple[str, None, str, str]]:
    """What cannot be asked, told by the host of a service's first engine: arguments of report.not_done."""
    heads = {engine["name"]: engine["members"][0]["host"] for engine in plan["engines"]}
    why = "it has no front door of this collection: ask this module with services, and the address of your router"
    return [
        (service["name"], None, service["kv_transfer"]["connector"], why)
        for service in _between(plan)
        if service["router"] is None and heads[service["engines"][0]] == host
    ]


def _between(plan: t.Mapping[str, t.Any]) -> list[t.Mapping[str, t.Any]]:
    """Replicas with a connector keep cache for themselves: their answers are what proves them."""
    return [service for service in plan["services"] if service.get("kv_transfer") and service["kv_transfer"]["prefill"]]


def _engines(workers: t.Sequence[t.Mapping[str, t.Any]]) -> list[dict[str, t.Any]]:
    """By the addresses that the front door itself uses, so that no fence is in the way."""
    found: dict[str, dict[str, t.Any]] = {}
    for worker in workers:
        engine = {"name": worker["engine"], "side": worker["kind"], "urls": []}
        found.setdefault(worker["engine"], engine)["urls"].append(worker["url"])
    return list(found.values())
