# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A running Ray cluster, as its dashboard tells it over HTTP, and whether the wanted hosts are in it.

The dashboard reads Ray's control store (GCS), so it knows what the programs ``ray status`` and ``ray list nodes`` show,
and it costs three small requests where each of those costs an interpreter with all of Ray. Its routes: /api/version,
/api/v0/nodes (both of them Ray's own Python clients use) and /api/cluster_status, all there since Ray 2.4.
"""

from __future__ import annotations

import re
import typing as t

from . import ray_status, transport

#: Of the state API: what it tells at most, Ray's own RAY_MAX_LIMIT_FROM_API_SERVER.
_MOST_NODES = 10000
_ALIVE = "ALIVE"


class RayError(Exception):
    """The dashboard does not answer as Ray's; the text says how. It never holds the token."""


def look(url: str, token: str | None, timeout: float) -> dict[str, t.Any]:
    """The cluster at a dashboard's address. Raises RayError.

    token: Ray's; None where the cluster has none. timeout: seconds for each of three requests.
    Returns ``ray_version``, ``session``, ``nodes`` (see _node; those that live first) and ``status`` (ray_status.read).
    """
    version = _get(url, "/api/version", token, timeout)
    listed = _inner(
        _get(url, f"/api/v0/nodes?detail=1&limit={_MOST_NODES}", token, timeout), "data", "result", "result"
    )
    text = _inner(_get(url, "/api/cluster_status?format=1", token, timeout), "data", "clusterStatus")
    if not isinstance(version.get("ray_version"), str) or not isinstance(listed, list):
        raise RayError(f"{url} does not answer as Ray's dashboard")
    nodes = [_node(item) for item in listed if isinstance(item, dict)]
    return {
        "ray_version": version["ray_version"],
        "session": version.get("session_name"),
        "nodes": sorted(nodes, key=lambda node: (not node["alive"], not node["head"], node["address"])),
        "status": ray_status.read(text if isinstance(text, str) else ""),
    }


def _get(url: str, path: str, token: str | None, timeout: float) -> dict[str, t.Any]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        answer = transport.exchange("GET", transport.join(url, path), timeout, headers)
    except transport.NoAnswer as error:
        raise RayError(f"Ray's dashboard at {url}: {error}") from None
    if answer.status in (401, 403):
        what = "refuses the token" if token else "wants the cluster's token"
        raise RayError(f"Ray's dashboard at {url} {what}")
    found = answer.json() if answer.status == 200 else None
    if not isinstance(found, dict):
        raise RayError(f"{url} does not answer as Ray's dashboard (HTTP {answer.status} for {path.partition('?')[0]})")
    return found


def _inner(document: t.Any, *keys: str) -> t.Any:
    """What lies below the keys; None where one is missing."""
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document


def _node(item: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """resources: by name, without Ray's own marks (``node:…``); memory in bytes, the rest in Ray's units."""
    total = item.get("resources_total")
    return {
        "host": None,
        "address": str(item.get("node_ip") or ""),
        "node_id": str(item.get("node_id") or ""),
        "head": item.get("is_head_node") is True,
        "alive": item.get("state") == _ALIVE,
        "state": str(item.get("state") or "").lower(),
        "message": item.get("state_message") or None,
        "resources": {
            str(name): float(amount)
            for name, amount in sorted((total if isinstance(total, dict) else {}).items())
            if not str(name).startswith("node:") and isinstance(amount, (int, float))
        },
    }


def named(
    nodes: t.Sequence[t.Mapping[str, t.Any]], expected: t.Sequence[t.Mapping[str, t.Any]]
) -> list[dict[str, t.Any]]:
    """The nodes with the names of hosts that have their addresses. expected: ``host`` and ``address`` each."""
    by_address = {item["address"]: item["host"] for item in expected}
    return [{**node, "host": by_address.get(node["address"])} for node in nodes]


def missing(
    nodes: t.Sequence[t.Mapping[str, t.Any]], expected: t.Sequence[t.Mapping[str, t.Any]]
) -> list[dict[str, str]]:
    """The expected hosts that no living node has, with why where Ray says it: ``host``, ``address``, ``why``."""
    alive = {node["address"] for node in nodes if node["alive"]}
    dead = {node["address"]: node["message"] for node in nodes if not node["alive"]}
    found = []
    for item in expected:
        if item["address"] not in alive:
            why = "has not joined"
            if item["address"] in dead:
                why = f"is dead: {dead[item['address']]}" if dead[item["address"]] else "is dead"
            found.append({"host": item["host"], "address": item["address"], "why": why})
    return found


def active(status: t.Mapping[str, t.Any]) -> int | None:
    """How many nodes a status shows; None where it does not tell of nodes."""
    lists = [status["nodes"][part] for part in ("active", "idle")]
    return None if lists[0] is None else sum(item["count"] for part in lists if part for item in part)


def addresses(status: t.Mapping[str, t.Any]) -> set[str]:
    """Addresses of nodes that run, as far as a status names them: only where an autoscaler calls nodes by address."""
    kinds = [item["type"] for part in ("active", "idle") for item in status["nodes"][part] or ()]
    texts = [*kinds, *(node["name"] for node in status["by_node"])]
    return {text for text in texts if re.fullmatch(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9a-f:]*:[0-9a-f:]+", text)}


def refused(text: str) -> dict[str, str] | None:
    """Versions in Ray's message to a node that it refuses: ``cluster_ray``, ``cluster_python``, ``ray``, ``python``."""
    found = re.search(
        r"The cluster was started with:\s+Ray: (\S+)\s+Python: (\S+)\s+This process on .{1,200}? was started with:"
        r"\s+Ray: (\S+)\s+Python: (\S+)",
        text,
        re.DOTALL,
    )
    keys = ("cluster_ray", "cluster_python", "ray", "python")
    return dict(zip(keys, found.groups())) if found else None
