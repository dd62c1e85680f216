# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a service's model comes from, and where it lies on a host."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from .devices import Probe
from .errors import Refusals
from .intent import Service

#: Of a directory's problems; one that lacks a hundred shards is told of in a screen.
_MOST_PROBLEMS = 3


@dataclasses.dataclass(frozen=True)
class Model:
    """kind: directory | generated | hub. path: its directory on the host; "" when the engine fetches it itself."""

    source: str
    kind: str
    path: str
    revision: str | None

    def item(self, environment: str | None) -> dict[str, t.Any]:
        """The ``models`` item of the plan. environment: whose ``hf`` downloads it."""
        return {
            "source": self.source,
            "kind": self.kind,
            "path": self.path,
            "revision": self.revision,
            "environment": environment if self.kind == "hub" else None,
        }


def locate(service: Service, model_dir: str) -> Model:
    """Where the service's model is to lie. model_dir: the parent of what is generated or downloaded."""
    source: str = service["model"]
    if source.startswith("/"):
        return Model(source, "directory", source.rstrip("/") or "/", None)
    directory = re.sub(r"[^\w.-]+", "--", source)
    if service["revision"]:
        directory += "@" + re.sub(r"[^\w.-]+", "--", service["revision"])
    path = f"{model_dir}/{directory}"
    if source.startswith("lab://"):
        return Model(source, "generated", path, None)
    # A container host has no environment whose `hf` could fetch the model beforehand.
    return Model(source, "hub", "" if service["runtime"] == "container" else path, service["revision"])


def check_present(service: Service, model: Model, host: str, probe: Probe, refusals: Refusals) -> None:
    """A model that the person says is there must be there. Unprobed hosts are not judged."""
    if model.kind != "directory" or probe is None:
        return
    found = (probe.get("paths") or {}).get(model.path)
    if found is None:
        return
    if not found["directory"]:
        what = "is a file" if found["exists"] else "does not exist"
        refusals.add(
            "model-absent",
            f"{service.path}.model",
            model.path,
            f"{what} on host {host}",
            "put the model's directory there, or name a hub id",
        )
    elif not found["model"]:
        fix = "name the directory that holds config.json"
        refusals.add("model-absent", f"{service.path}.model", model.path, f"has no config.json on host {host}", fix)
    for problem in ((found.get("facts") or {}).get("problems") or ())[:_MOST_PROBLEMS]:
        rule = f"on host {host}, {problem['file']}: {problem['rule']}"
        refusals.add("model-incomplete", f"{service.path}.model", model.path, rule, problem["fix"])
