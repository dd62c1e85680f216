# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person wrote of models to download: sources, choices of files, and vllm_downloads."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ..downloads import sources
from . import schema, values
from .errors import Refusals
from .keys import DOWNLOAD

_REVISED = (sources.HUB, sources.MODELSCOPE)


@dataclasses.dataclass(frozen=True)
class Download:
    """An item of ``vllm_downloads``. path: where it is written. hosts: those it goes to; None: all of the services."""

    path: str
    kind: str
    hosts: tuple[str, ...] | None
    keys: dict[str, t.Any]


def check_model(model: str, keys: t.Mapping[str, t.Any], path: str, refusals: Refusals) -> None:
    """A service's model, and what is written of its files."""
    kind = None
    if model.startswith("lab://"):
        if model != "lab://tiny":
            rule, fix = "no such generated model", "lab://tiny is the one there is"
            refusals.add("model-name", f"{path}.model", model, rule, fix)
    elif not model.startswith("/"):
        kind = _source(model, f"{path}.model", refusals)
        if kind is None:
            return
        _revision(kind, keys["revision"], path, refusals)
    for name in ("model_include", "model_exclude"):
        _patterns(keys[name], f"{path}.{name}", refusals)
        if keys[name] and kind is None:
            fix = "leave it out, or name a source that is downloaded"
            refusals.add("model-files", f"{path}.{name}", None, f"nothing is downloaded for {model}", fix)
    if kind == sources.HUB and keys["runtime"] == "container" and (keys["model_include"] or keys["model_exclude"]):
        rule = "the container's own vLLM fetches the model, and chooses the files itself"
        refusals.add("model-files", f"{path}.model_include", None, rule, "leave model_include and model_exclude out")


def check_fleet(fleet: t.Mapping[str, t.Any], refusals: Refusals) -> None:
    """What is written for all services."""
    _patterns(fleet["vllm_model_exclude"], "vllm_model_exclude", refusals)


def read(items: t.Any, select: t.Callable[[str], t.Sequence[str]], refusals: Refusals) -> tuple[Download, ...]:
    """vllm_downloads, checked. select: resolves a pattern of the inventory."""
    found: list[Download] = []
    for index, item in enumerate(items if isinstance(items, (list, tuple)) else ()):
        path = f"vllm_downloads[{index}]"
        if not isinstance(item, dict):
            continue  # the schema has said so
        keys = schema.read(item, DOWNLOAD, path, refusals)
        for name in ("include", "exclude"):
            _patterns(keys[name], f"{path}.{name}", refusals)
        kind = _source(keys["source"], f"{path}.source", refusals) if keys["source"] else None
        if kind is None or not keys["path"]:
            continue
        _revision(kind, keys["revision"], path, refusals)
        if keys["dataset"] and kind not in _REVISED:
            rule, fix = "only hubs have datasets", "leave dataset out"
            refusals.add("model-source", f"{path}.dataset", True, rule, fix)
        keys["path"] = keys["path"].rstrip("/") or "/"
        hosts = values.select_hosts(keys["hosts"], path, select, refusals) if keys["hosts"] else None
        found.append(Download(path, kind, hosts, keys))
    return tuple(found)


def check_hosts(downloads: t.Sequence[Download], members: t.Sequence[str], refusals: Refusals) -> None:
    """Hosts that no service names are left alone."""
    for download in downloads:
        for host in download.hosts or ():
            if host not in members:
                rule = "is no host of any service, and such hosts are left alone"
                refusals.add("no-such-host", f"{download.path}.hosts", host, rule, "name hosts of services")


def _source(text: str, path: str, refusals: Refusals) -> str | None:
    try:
        return sources.parse(text).kind
    except sources.BadSource as error:
        shown = None if "password" in error.rule else text
        refusals.add("model-name", path, shown, error.rule, f"{error.fix}; or /absolute/path, or lab://tiny")
        return None


def _revision(kind: str, revision: str | None, path: str, refusals: Refusals) -> None:
    if revision and kind not in _REVISED:
        fix = "leave it out, and give each state a folder of its own"
        refusals.add("model-source", f"{path}.revision", revision, "only hubs have revisions", fix)


def _patterns(patterns: t.Any, path: str, refusals: Refusals) -> None:
    for index, pattern in enumerate(patterns or ()):
        # The clients part lists at commas, take a leading dash for an option and a blank pattern for none.
        if not isinstance(pattern, str) or not re.fullmatch(r"[^\s,\x00-\x1f-][^,\x00-\x1f]*", pattern):
            fix = "write a pattern such as *.json, or original/ for all below a folder"
            refusals.add("model-files", f"{path}[{index}]", str(pattern), "is no pattern of files", fix)
