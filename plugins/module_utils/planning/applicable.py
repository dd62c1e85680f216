# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is planned and shown, but not started by the roles of this release."""

from __future__ import annotations

import typing as t

from .errors import Refusals


def check(document: t.Mapping[str, t.Any]) -> None:
    """Refuse what is planned but that the roles of this release cannot start yet."""
    refusals = Refusals()
    for service in document["services"]:
        units = [unit for host in document["hosts"].values() for unit in host["units"]]
        served = any(unit["kind"] == "kv_server" and unit["service"] == service["name"] for unit in units)
        between = bool(service["kv_transfer"] and service["kv_transfer"]["prefill"])
        if between or served:
            rule = "is planned and shown, and not started by this release: nothing proves yet that KV cache moves"
            fix = "leave it out and write replicas, or look at it with playbooks/plan.yml"
            key = "prefill" if between else "kv_transfer"
            refusals.add("not-applied-yet", f"{service['path']}.{key}", None, rule, fix)
    for engine in document["engines"]:
        units = [unit for member in engine["members"] for unit in document["hosts"][member["host"]]["units"]]
        contained = any(unit["engine"] == engine["name"] and unit["runtime"] == "container" for unit in units)
        if len(engine["members"]) > 1 and contained:
            span = f"engine {engine['name']} runs in containers on {len(engine['members'])} hosts"
            rule = f"{span}, which this release plans but does not start"
            fix = "write runtime: env, or look at it with playbooks/plan.yml"
            hosts = [member["host"] for member in engine["members"]]
            refusals.add("not-applied-yet", f"{engine['path']}.hosts", hosts, rule, fix)
        elif engine["guessed"]:
            known = next(item["model_summary"] for item in document["services"] if item["name"] == engine["service"])
            rule = f"the sizes of engine {engine['name']} are a guess: {engine['why_unknown']}"
            fix = "set model_config, let this machine reach the hub (vllm_hub_endpoint), or write parallel"
            fix = "write gpus, or parallel" if known else fix
            refusals.add("layout-unknown", f"{engine['path']}.parallel", "auto", rule, fix)
    refusals.raise_if_any()
