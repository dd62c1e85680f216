# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prefill and decode services to plan, and what their engines are told."""

from __future__ import annotations

import json

from .cases import S0, said
from .machines import cpu_host, interface
from .test_plan_said import host, planned

KV = f"{S0}.kv_transfer"
CPU = {
    f"cpu{number}": cpu_host(f"cpu{number}", interfaces=[interface("eth0", f"192.0.2.{number + 2}/24")])
    for number in (1, 2)
}


def pd(connector=None, prefill=None, decode=None, **keys):
    """A service of one prefill and one decode engine on hosts of their own."""
    more = (
        {}
        if connector is None
        else {"kv_transfer": connector if isinstance(connector, dict) else {"connector": connector}}
    )
    sides = {
        "prefill": {"hosts": "gpu1", "gpus": 1, **(prefill or {})},
        "decode": {"hosts": "gpu2", "gpus": 1, **(decode or {})},
    }
    return {"hosts": None, **more, **sides, **keys}


def of(*args, probes=None, variables=None, **keys):
    return lambda: planned(pd(*args, **keys), probes=probes, **(variables or {}))[1]


def alone(**keys):
    return lambda: planned({"gpus": 1, **keys})[1]


def on_cpu(connector, **keys):
    sides = {"hosts": "cpu1", "gpus": None}
    return of(connector, sides, sides, model="lab://tiny", **keys)


def shared(first, second):
    """Hosts whose folder /kv has these origins."""
    paths = [
        {"/kv": {"exists": True, "directory": True, "model": False, "origin": origin}} for origin in (first, second)
    ]
    return {"gpu1": host(1, paths=paths[0]), "gpu2": host(2, paths=paths[1])}


EXAMPLE = {"connector": "shared_storage", "path": "/kv", "testing": True}
OLD = {
    "version": "0.9.2",
    "variables": {"vllm_accept_advisories": ["CVE-2025-30165", "CVE-2026-116176", "CVE-2026-22807"]},
}
TWO = {"gpus": 2, "parallel": {"tensor": 2}}
STAGES = {"gpus": 2, "parallel": {"pipeline": 2}}


def made(*args, probes=None, variables=None, **keys):
    """The plan, and what was refused."""
    document, refusals = planned(pd(*args, **keys), probes=probes, **(variables or {}))
    assert document is not None, said(refusals)
    return document


def engine_units(document):
    return {
        unit["engine"]: unit
        for item in document["hosts"].values()
        for unit in item["units"]
        if unit["kind"] == "engine"
    }


def told(unit):
    """What an engine's connector is told."""
    return json.loads(unit["exec"][unit["exec"].index("--kv-transfer-config") + 1])


def configs(document):
    return {name: told(unit) for name, unit in engine_units(document).items()}


ACCEPTED = {"vllm_accept_advisories": ["CVE-2025-30165", "CVE-2026-116176", "CVE-2026-22807"]}
NO_ROUTER = {"router": {"enabled": False}}
OLDEST = {"version": "0.9.2", "variables": ACCEPTED}


def producer(name, **more):
    return {"kv_connector": name, "kv_role": "kv_producer", **more}


def consumer(name, **more):
    return {"kv_connector": name, "kv_role": "kv_consumer", **more}


def both(name, **more):
    return {"kv_connector": name, "kv_role": "kv_both", **more}


def extra(**keys):
    return {"kv_connector_extra_config": keys}


def unit_of(document, name):
    return next(unit for item in document["hosts"].values() for unit in item["units"] if unit["name"] == name)
