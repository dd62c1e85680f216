# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What planning can know of the services' models, from whoever knows it."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.vllm.cluster.plugins.module_utils.planning import models
from ansible_collections.vllm.cluster.plugins.module_utils.planning.errors import PlanError, Refusal, Refusals
from ansible_collections.vllm.cluster.plugins.module_utils.planning.intent import Intent, Service

from . import hub_models, model_files

Probes = t.Mapping[str, t.Optional[t.Mapping[str, t.Any]]]


@dataclasses.dataclass(frozen=True)
class Collected:
    """sources: by the model and its revision (models.key). unread: models of the hub, and why they were not read."""

    sources: dict[str, model_files.Source]
    unread: dict[str, str]


def collect(intent: Intent, probes: Probes, saved: t.Mapping[str, model_files.Source]) -> Collected:
    """Model sources, the surest first: model_config, the model's directory on a host, the probes file, the hub.

    A model that nobody knows is left out; the planner says what that means. Raises PlanError for a model_config that
    is there and tells nothing.
    """
    found = _written(intent)
    for service in intent.services:
        key = models.key(service["model"], service["revision"])
        known = found.get(key) or _probed(service, intent, probes) or saved.get(key)
        if known:
            found[key] = dict(known)
    endpoint = _endpoint(intent)
    read, unread = hub_models.fetch(endpoint, _wanted(intent, found)) if endpoint else ({}, {})
    return Collected({**found, **read}, unread)


def _endpoint(intent: Intent) -> str:
    endpoint = str(intent.fleet["vllm_hub_endpoint"])
    if endpoint and not re.match(r"https?://[^/\s]+", endpoint):
        fix = "write http://… or https://…, or leave it empty to ask no hub"
        raise PlanError(Refusal("hub-endpoint", "vllm_hub_endpoint", endpoint, "is no HTTP address", fix))
    return endpoint


def _written(intent: Intent) -> dict[str, model_files.Source]:
    refusals = Refusals()
    found: dict[str, model_files.Source] = {}
    for service in intent.services:
        path = service["model_config"]
        if not path:
            continue
        try:
            found.setdefault(models.key(service["model"], service["revision"]), model_files.read(path))
        except model_files.Unusable as error:
            fix = "name a config.json on the controller, or the directory that holds it"
            refusals.add("model-config-file", f"{service.path}.model_config", path, str(error), fix)
    refusals.raise_if_any()
    return found


def _probed(service: Service, intent: Intent, probes: Probes) -> t.Mapping[str, t.Any] | None:
    """The facts of the first of the service's hosts that has the model's config."""
    path = models.locate(service, intent.fleet).path
    for host in service.hosts:
        facts = (((probes.get(host) or {}).get("paths") or {}).get(path) or {}).get("facts")
        if facts and facts.get("config"):
            return t.cast("t.Mapping[str, t.Any]", facts)
    return None


def _wanted(intent: Intent, known: t.Collection[str]) -> list[hub_models.Wanted]:
    """Hub models of which nothing is known, each once, with the token of a service that has one."""
    found: dict[str, hub_models.Wanted] = {}
    for service in intent.services:
        model = models.locate(service, intent.fleet)
        if model.kind != "hub" or model.key in known:
            continue
        token = service["secrets"].get("HF_TOKEN")
        if model.key not in found or (token and not found[model.key].token):
            found[model.key] = hub_models.Wanted(model.source, model.revision, str(token) if token else None)
    return list(found.values())
