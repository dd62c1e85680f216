# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters of like hosts, planned: for tests of placing."""

from __future__ import annotations

from ansible_collections.vllm.cluster.plugins.module_utils.planning.errors import PlanError, Refusals

from . import machines
from .clusters import Cluster

H100, H200, A100_QUADS, A6000_PAIRS = machines.KINDS[0], machines.KINDS[1], machines.KINDS[3], machines.KINDS[5]
DENSE, EXPERTS, LATENT = "org/dense-32b", "org/moe-235b", "org/mla-671b"


def service(model=DENSE, **keys):
    return {"name": "a", "model": model, "hosts": "all", "listen": "127.0.0.1", **keys}


def fleet(hosts=1, kind=H100, gpus=8, changes=None, host_env=None, **variables):
    """A cluster of like hosts gpu1, gpu2, … on one network. changes: of probes, by host."""
    probes = {}
    for number in range(1, hosts + 1):
        name = f"gpu{number}"
        nics = [machines.loopback(), machines.interface("eth0", f"10.9.0.{number}/24", speed=100000)]
        probes[name] = {**machines.gpu_host(name, kind, gpus, interfaces=nics), **(changes or {}).get(name, {})}
    addresses = {name: f"10.9.0.{number}" for number, name in enumerate(probes, 1)}
    return Cluster(0, {"vllm_version": "0.33.0", **variables}, probes, addresses, host_env=host_env or {})


def planned(*services, **keys):
    """The plan document."""
    cluster = fleet(**keys)
    return cluster.plan({**cluster.variables, "vllm_services": list(services)})


def said(*services, **keys):
    """What the planner refuses, or else warns of."""
    found = Refusals()
    try:
        warnings = planned(*services, **keys)["warnings"]
    except PlanError as error:
        for item in error.refusals:
            found.add(item.id, item.path, item.value, item.rule, item.fix)
        return found
    for item in warnings:
        found.warn(item["id"], item["path"], item["message"], item["fix"])
    return found


def engines(document):
    """Of each engine what matters of its place: name, hosts, devices of the head, sizes that are not 1."""
    return [
        (
            item["name"],
            [member["host"] for member in item["members"]],
            item["members"][0]["devices"],
            {size: value for size, value in item["parallel"].items() if value is True or value > 1},
        )
        for item in document["engines"]
    ]
