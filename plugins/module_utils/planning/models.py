# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a service's model comes from, and where it lies on a host."""

from __future__ import annotations

import dataclasses
import typing as t

from ..downloads import environments, sources
from . import secrets
from .devices import Probe
from .downloads import Download
from .errors import Refusals
from .intent import Service

_TOKEN = "HF_TOKEN"
#: What repositories hold for other programs than vLLM.
_UNUSED = (
    *("original/*", "metal/*", "onnx/*", "openvino/*", "coreml/*"),
    *("*.msgpack", "*.h5", "*.ot", "*.tflite", "*.onnx"),
)
#: Of a directory's problems; one that lacks a hundred shards is told of in a screen.
_MOST_PROBLEMS = 3


@dataclasses.dataclass(frozen=True)
class Model:
    """path: its directory on the host; "" when the engine fetches it itself. token: the reference of a secret.

    kind: directory, generated, or who brings it (downloads/sources.py).
    """

    source: str
    kind: str
    path: str
    revision: str | None = None
    dataset: bool = False
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    token: str | None = None

    @property
    def is_downloaded(self) -> bool:
        return self.kind not in ("directory", "generated")

    @property
    def key(self) -> str:
        """What tells it from others: one source may be wanted at several revisions."""
        return key(self.source, self.revision)

    def item(self, environment: str | None) -> dict[str, t.Any]:
        """The ``models`` item of the plan. environment: whose client downloads it."""
        found = {**dataclasses.asdict(self), "environment": environment}
        return {**found, "include": list(self.include), "exclude": list(self.exclude)}

    def client(self, fleet: t.Mapping[str, t.Any]) -> dict[str, t.Any] | None:
        """The ``environments`` item with the client that downloads it; None where none is needed."""
        return environments.item(self.kind, f"{fleet['vllm_install_dir']}/envs", fleet["vllm_python"])


def key(source: str, revision: str | None) -> str:
    """``org/name``, ``org/name@revision``."""
    return f"{source}@{revision}" if revision else source


def locate(service: Service, fleet: t.Mapping[str, t.Any]) -> Model:
    """Where the service's model is to lie: below vllm_model_dir what is generated or downloaded."""
    source: str = service["model"]
    if source.startswith("/"):
        return Model(source, "directory", source.rstrip("/") or "/")
    if source.startswith("lab://"):
        return Model(source, "generated", f"{fleet['vllm_model_dir']}/{source.replace('://', '--')}")
    kind = sources.parse(source).kind
    written = tuple(service["model_include"]), tuple(service["model_exclude"] or ())
    path = f"{fleet['vllm_model_dir']}/{sources.folder(source, service['revision'], False, written)}"
    if kind == sources.HUB and service["runtime"] == "container":
        path = ""  # a container's own vLLM fetches it, so that its host needs no Python environments
    exclude = next(
        item for item in (service["model_exclude"], fleet["vllm_model_exclude"], _UNUSED) if item is not None
    )
    token = secrets.secret_reference(service.name, _TOKEN) if _TOKEN in service["secrets"] else None
    return Model(
        source,
        kind,
        path,
        service["revision"],
        include=written[0],
        exclude=tuple(exclude),
        token=token if kind == sources.HUB else None,
    )


def of_download(download: Download) -> Model:
    """The model or dataset of an item of vllm_downloads."""
    keys = download.keys
    return Model(
        keys["source"],
        download.kind,
        keys["path"],
        keys["revision"],
        dataset=keys["dataset"],
        include=tuple(keys["include"]),
        exclude=tuple(keys["exclude"]),
    )


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
