# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is planned and shown, but not started by the roles of this release."""

from __future__ import annotations

import typing as t

from .errors import Refusals

#: An engine with one of these waits for its partner, or ends, when it is asked by itself.
_WAITING = ("P2pNcclConnector", "PyNcclConnector")


def check(document: t.Mapping[str, t.Any]) -> None:
    """Refuse what is planned but that the roles of this release cannot start yet."""
    refusals = Refusals()
    for service in document["services"]:
        transfer = service["kv_transfer"] or {}
        for name in (transfer.get("connector"), *transfer.get("parts", ())):
            if name in _WAITING and transfer["prefill"]:
                rule = f"{name} is planned and shown, and not started: its engines cannot be proved one by one"
                fix = "write nixl with release 0.9.0 or later, or look at it with playbooks/plan.yml"
                refusals.add("not-applied-yet", f"{service['path']}.prefill", None, rule, fix)
    for engine in document["engines"]:
        if engine["guessed"]:
            known = next(item["model_summary"] for item in document["services"] if item["name"] == engine["service"])
            rule = f"the sizes of engine {engine['name']} are a guess: {engine['why_unknown']}"
            fix = "set model_config, let this machine reach the hub (vllm_hub_endpoint), or write parallel"
            fix = "write gpus, or parallel" if known else fix
            refusals.add("layout-unknown", f"{engine['path']}.parallel", "auto", rule, fix)
    refusals.raise_if_any()
