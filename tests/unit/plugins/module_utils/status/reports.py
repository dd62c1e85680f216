# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts' reports as tests of the join and of the screen make them."""

from __future__ import annotations

import copy

RUNGS = ("unit", "http", "model", "token")


def rungs(failed=None, worker=False):
    """Rungs of an engine's share; those behind the failed one were not tried."""
    found, broken = {}, False
    for name in RUNGS:
        asked = not broken and not (worker and name in ("http", "model"))
        ok = None if not asked else name != failed
        broken = broken or ok is False
        seconds = 0.05 if name == "token" and ok else None
        found[name] = {"ok": ok, "detail": f"{name} is bad" if ok is False else "", "seconds": seconds}
    return found


def share(engine="chat-0", service="chat", role="head", failed=None, restarts=0, uptime=600.0, **changes):
    return {
        "engine": engine,
        "service": service,
        "role": role,
        "urls": ["http://192.0.2.1:8000"] if role == "head" else [],
        "model": service,
        "version": "0.32.0",
        "ok": failed is None,
        "failed_rung": failed,
        "rungs": rungs(failed, role != "head"),
        "progress": None,
        "reason": None,
        "hint": None,
        "unit": {"name": f"vllm-{engine}.service", "restarts": restarts, "uptime": uptime},
        **changes,
    }


def guard(engine="r1-0", role="head", **changes):
    return {
        "engine": engine,
        "unit": f"vllm-{engine}-guard.service",
        "running": True,
        "silent": None,
        "role": role,
        "phase": "serving",
        "epoch": 2,
        "suspect": False,
        "restarts": {},
        "last_action": None,
        **changes,
    }


def unit(name, kind="engine", active="active"):
    return {
        "name": name,
        "kind": kind,
        "active_state": active,
        "sub_state": "running" if active == "active" else "dead",
    }


def door(service="chat", failed=None, url="http://192.0.2.9:8000"):
    unit = {"name": f"vllm-{service}-door.service"}
    return {
        "service": service,
        "url": url,
        "ok": failed is None,
        "failed_rung": failed,
        "rungs": rungs(failed),
        "unit": unit,
    }


def report(*shares, doors=(), guards=(), units=(), gpus=(), gpu_error=None):
    return {
        "reached": True,
        "units": [unit(item["unit"]["name"]) for item in shares] + list(units),
        "engines": copy.deepcopy(list(shares)),
        "doors": list(doors),
        "guards": list(guards),
        "gpus": list(gpus),
        "gpu_error": gpu_error,
    }


def service(name="chat", hosts=("a",), replicas=None, door=None):
    return {"name": name, "model": f"org/{name}", "replicas": replicas, "door": door, "hosts": list(hosts)}


def group(head="a", worker="b", **changes):
    """Reports of a healthy engine of two hosts; changes: of the worker's share."""
    act = {"text": "group restart: member b lost", "at": 50.0, "seconds": 300.0}
    return {
        head: report(share("r1-0", "r1"), guards=[guard(restarts={"member-lost": 1}, last_action=act)]),
        worker: report(share("r1-0", "r1", "worker", **changes), guards=[guard(role="worker")]),
    }
