# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The probes file: what hosts are, kept so that planning works without them. docs/planning.md tells its form."""

from __future__ import annotations

import dataclasses
import difflib
import itertools
import json
import os
import typing as t

from ansible_collections.vllm.cluster.plugins.module_utils.planning.errors import PlanError, Refusal, Refusals
from ansible_collections.vllm.cluster.plugins.module_utils.topology.report import read_report
from ansible_collections.vllm.cluster.plugins.plugin_utils import probe_shape

SCHEMA_VERSION = 1
VARIABLE = "vllm_probes_file"
_MOST_BYTES = 256 * 2**20  # a thousand probes have some 30 MiB
_MOST_DUMP = 2**24
_MOST_FAULTS = 4  # of a host; one that is wrong in one place is mostly wrong in many
_FIX = "write it with playbooks/probe.yml"

_FILE = {"schema_version": int, "hosts": dict, "models": dict}
_HOST = {"address": str, "probe": dict, "dumps": list}
_MODEL = {"config": str, "quantization": str, "tensor_bytes": int, "problems": list}
_WORDS = {int: "a number", str: "text", dict: "a mapping", list: "a list"}


@dataclasses.dataclass(frozen=True)
class Saved:
    """probes, addresses: by host; an address that nobody wrote is left out. models: model sources by source."""

    probes: dict[str, dict[str, t.Any]]
    addresses: dict[str, str]
    models: dict[str, dict[str, t.Any]]


def text(probes: t.Mapping[str, t.Any], addresses: t.Mapping[str, str], models: t.Mapping[str, t.Any]) -> str:
    """The file's text; equal facts give equal bytes."""
    hosts = {host: {"address": addresses[host], "probe": probe} for host, probe in probes.items()}
    document = {"schema_version": SCHEMA_VERSION, "hosts": hosts, "models": dict(models)}
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def read(path: str, members: t.Sequence[str]) -> Saved:
    """The file's probes, with the dumps that it names read into them. Raises PlanError.

    path: where it starts relative is where ansible-playbook was started; dumps are relative to the file.
    members: hosts that the intent names; the file must have each of them, and may have others.
    """
    document = _document(path)
    refusals = Refusals()
    _keys(document, _FILE, "", refusals)
    if document.get("schema_version") != SCHEMA_VERSION:
        rule = f"schema_version must be {SCHEMA_VERSION}"
        refusals.add("probes-file-form", VARIABLE, document.get("schema_version"), rule, _FIX)
    hosts, models = document.get("hosts"), document.get("models")
    hosts, models = (item if isinstance(item, dict) else {} for item in (hosts, models))
    probes, addresses = {}, {}
    for host in members:
        if host not in hosts:
            _unknown(host, hosts, refusals)
            continue
        item = hosts[host]
        if _keys(item, _HOST, f"hosts.{host}", refusals):
            probes[host] = _probe(item, host, os.path.dirname(os.path.abspath(path)), refusals)
            if item.get("address"):
                addresses[host] = str(item["address"])
    for source, item in models.items():
        if not _keys(item, _MODEL, f"models.{source}", refusals):
            continue
        if not item.get("config"):
            refusals.add("probes-file-form", f"{VARIABLE}.models.{source}", None, "has no config", _FIX)
        for where, rule in probe_shape.faults(item, probe_shape.MODEL):
            refusals.add("probes-file-form", f"{VARIABLE}.models.{source}{where}", None, rule, _FIX)
    refusals.raise_if_any()
    return Saved(probes, addresses, models)


def _document(path: str) -> dict[str, t.Any]:
    def refuse(rule: str, fix: str = _FIX) -> PlanError:
        return PlanError(Refusal("probes-file-form", VARIABLE, path, rule, fix))

    try:
        content = _content(os.path.expanduser(path), _MOST_BYTES)
    except OSError as error:
        rule = "does not exist" if isinstance(error, FileNotFoundError) else f"cannot be read ({error.strerror})"
        raise refuse(rule, f"name a file that is there, or {_FIX}") from None
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise refuse(f"is no JSON ({error})") from None
    if not isinstance(document, dict):
        raise refuse("holds no mapping")
    return document


def _content(path: str, most: int) -> str:
    with open(path, "rb") as handle:
        content = handle.read(most + 1)
    if len(content) > most:
        raise OSError(0, f"longer than {most} bytes")
    return content.decode("utf-8-sig", errors="replace")


def _keys(item: t.Any, kinds: t.Mapping[str, type], where: str, refusals: Refusals) -> bool:
    """Whether item is a mapping of these keys. What it is not is refused."""
    path = f"{VARIABLE}.{where}" if where else VARIABLE
    if not isinstance(item, dict):
        refusals.add("probes-file-form", path, None, "must be a mapping", _FIX)
        return False
    good = True
    for key in item:
        if key not in kinds:
            close = difflib.get_close_matches(str(key), kinds, n=1) or [", ".join(kinds)]
            refusals.add("probes-file-form", f"{path}.{key}", None, "no such key", f"use {close[0]}")
            good = False
    return _types(item, kinds, path, refusals) and good


def _types(item: t.Mapping[str, t.Any], kinds: t.Mapping[str, type], path: str, refusals: Refusals) -> bool:
    good = True
    for key, kind in kinds.items():
        value = item.get(key)
        if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
            refusals.add("probes-file-form", f"{path}.{key}", None, f"must be {_WORDS[kind]}", _FIX)
            good = False
    return good


def _unknown(host: str, hosts: t.Collection[str], refusals: Refusals) -> None:
    close = difflib.get_close_matches(host, hosts, n=1)
    about = f"it has {close[0]}" if close else f"it has {len(hosts)} hosts, none of a name like it"
    fix = f"probe {host} with playbooks/probe.yml, or correct the name ({about})"
    refusals.add(
        "probes-file-host", f"{VARIABLE}.hosts", host, "is named by a service, and the file has no such host", fix
    )


def _probe(item: t.Mapping[str, t.Any], host: str, folder: str, refusals: Refusals) -> dict[str, t.Any]:
    path = f"{VARIABLE}.hosts.{host}"
    probe = dict(item.get("probe") or {})
    faults = list(itertools.islice(probe_shape.faults(probe), _MOST_FAULTS))
    for where, rule in faults:
        refusals.add("probes-file-form", f"{path}.probe{where}", None, rule, _FIX)
    if faults:
        return {}
    dumps = item.get("dumps") or []
    if not probe and not dumps:
        refusals.add("probes-file-form", path, None, "has neither probe nor dumps", "give one of them")
    outputs = []
    for index, name in enumerate(dumps):
        where = f"{path}.dumps[{index}]"
        try:
            outputs.append((_content(os.path.join(folder, str(name)), _MOST_DUMP), None))
        except OSError as error:
            rule = "does not exist" if isinstance(error, FileNotFoundError) else f"cannot be read ({error.strerror})"
            fix = "name a saved output of nvidia-smi, relative to the probes file"
            refusals.add("probes-file-dump", where, name, rule, fix)
    if outputs and len(outputs) == len(dumps):
        _merge(probe, read_report(*outputs), path, dumps, refusals)
    return probe


def _merge(
    probe: dict[str, t.Any], report: t.Mapping[str, t.Any], path: str, dumps: t.Sequence[str], refusals: Refusals
) -> None:
    """Put what nvidia-smi said over what the probe says: value by value, for the same GPUs."""
    lost = next((item for item in report["diagnosis"] if item["id"] == "nothing_found"), None)
    if lost:
        refusals.add(
            "probes-file-dump", f"{path}.dumps", list(dumps), lost["message"].rstrip("."), lost["fix"].rstrip(".")
        )
        return
    known = {gpu.get("index"): gpu for gpu in probe.get("gpus") or ()}
    for gpu in report["gpus"]:
        for process in gpu["processes"]:
            process["unit"] = None  # whose it is, nvidia-smi does not tell
        told = {key: value for key, value in gpu.items() if value not in (None, [])}
        known[gpu["index"]] = {**gpu, **known.get(gpu["index"], {}), **told}
    probe["gpus"] = list(known.values())
    for key in ("links", "nics", "nvlink_groups", "cliques"):
        probe[key] = report[key] or probe.get(key) or []
    probe["gpu_warnings"], probe["gpu_diagnosis"] = report["warnings"], report["diagnosis"]
    for key in ("driver", "cuda"):
        told = next((gpu[key] for gpu in probe["gpus"] if gpu.get(key)), None)
        probe[key] = told or probe.get(key)
    if not probe["gpus"] and report["diagnosis"]:
        probe["driver"], probe["driver_error"] = "failing", report["diagnosis"][0]["message"]
    elif not probe["gpus"]:  # a list of processes alone: the host would be planned as one without GPUs
        fix = "add the output of nvidia-smi -q, or of topo -m"
        refusals.add("probes-file-dump", f"{path}.dumps", list(dumps), "tells of no GPU", fix)
