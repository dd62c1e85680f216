# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The models of one host's part of the plan, and the clients that download them."""

from __future__ import annotations

import typing as t

from . import models
from .errors import Refusals
from .intent import Intent
from .models import Model


def add(host: dict[str, t.Any], model: Model, fleet: t.Mapping[str, t.Any]) -> dict[str, t.Any] | None:
    """Put the model and the client that downloads it into the host's part, once; a token of any service will do.

    Returns what is at the model's path already, where that is something else.
    """
    client = model.client(fleet)
    if client is not None and client not in host["environments"]:
        host["environments"].append(client)
    item = model.item(client["path"] if client is not None else None)
    there: dict[str, t.Any] | None = next((other for other in host["models"] if other["path"] == item["path"]), None)
    if there is None:
        host["models"].append(item)
        return None
    same = {**there, "token": None} == {**item, "token": None}
    there["token"] = there["token"] or item["token"]
    return None if same else there


def add_downloads(hosts: t.Mapping[str, dict[str, t.Any]], intent: Intent, refusals: Refusals) -> None:
    """Put vllm_downloads into their hosts' parts."""
    of_services = dict.fromkeys(host for service in intent.services for host in service.hosts)
    for download in intent.downloads:
        model = models.of_download(download)
        for host in download.hosts or of_services:
            other = add(hosts[host], model, intent.fleet)
            if other is not None:
                rule = f"is where {other['source']} goes on host {host}"
                refusals.add("model-path", f"{download.path}.path", model.path, rule, "name another directory")
