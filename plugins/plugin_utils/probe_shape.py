# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shape of a probe, so that one written by hand can be planned from. docs/probes.md tells the meaning."""

from __future__ import annotations

import dataclasses
import typing as t

_WORDS = {int: "a number", str: "text", bool: "true or false"}
_MOST = 2**63


@dataclasses.dataclass(frozen=True)
class Map:
    """A mapping. keys: the shape of each; others are taken as they are. needed: keys that must be there.

    filled: keys that must be there and known. each: the shape of all values, where the keys are free.
    """

    keys: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    needed: tuple[str, ...] = ()
    filled: tuple[str, ...] = ()
    each: t.Any = None


@dataclasses.dataclass(frozen=True)
class List:
    """A list. each: the shape of its items. count: how many, where that is fixed."""

    each: t.Any
    count: int = 0


_TEXTS = ("driver", "driver_error", "cuda", "machine", "kernel", "hostname")
_LINK = Map({"gpu": int, "type": str, "count": int}, filled=("gpu", "type", "count"))
_PROBLEM = Map({"file": str, "rule": str, "fix": str}, filled=("file", "rule", "fix"))
_PROCESS = Map({"pid": int, "name": str, "kind": str, "unit": str})
_GPU = Map(
    {
        **dict.fromkeys(("index", "memory_bytes", "memory_free_bytes", "memory_used_bytes"), int),
        **dict.fromkeys(("name", "uuid", "bus_id", "compute_capability", "driver", "cuda"), str),
        "mig": bool,
        "numa": List(int),
        "nics": List(str),
        "problems": List(str),
        "processes": List(_PROCESS),
    },
    ("index",),
)
_INTERFACE = Map(
    {
        **dict.fromkeys(("name", "state", "kind", "type", "master", "rdma", "driver", "mac", "pci"), str),
        **dict.fromkeys(("speed_mbits", "mtu"), int),
        "addresses": List(str),
        "carrier": bool,
    },
    ("name",),
)
MODEL = Map({"config": str, "quantization": str, "tensor_bytes": int, "problems": List(_PROBLEM)})
_PATH = Map(
    {**dict.fromkeys(("exists", "directory", "model"), bool), "origin": str, "facts": MODEL},
    filled=("exists", "directory", "model"),
)
PROBE = Map(
    {
        **dict.fromkeys(_TEXTS, str),
        **dict.fromkeys(("cpus", "memory_bytes", "memory_available_bytes"), int),
        "peermem": bool,
        "gpus": List(_GPU),
        "links": List(Map({"gpus": List(int, 2), "type": str, "count": int}, filled=("gpus", "type", "count"))),
        "nics": List(Map({"name": str, "device": str, "links": List(_LINK)}, filled=("name", "links"))),
        "nvlink_groups": List(List(int)),
        "cliques": List(List(int)),
        "gpu_warnings": List(None),
        "gpu_diagnosis": List(Map({"message": str, "fix": str})),
        "interfaces": List(_INTERFACE),
        "rdma_devices": List(Map({"name": str, "state": str, "interface": str}, ("name",))),
        "routes": Map(each=Map({"interface": str, "source": str})),
        "listeners": List(
            Map({"port": int, "address": str, "process": str, "pid": int, "unit": str}, filled=("port",))
        ),
        "units": Map(each=Map({**dict.fromkeys(("state", "substate", "address", "interface"), str), "enabled": bool})),
        "numa": List(Map({"node": int, "memory_bytes": int, "cpus": str})),
        "images": List(Map({"name": str, "id": str})),
        "os": Map(dict.fromkeys(("id", "version", "name"), str)),
        "local_ports": List(int, 2),
        "shm": Map({"path": str, "total_bytes": int, "free_bytes": int}),
        "engine_container": Map({"name": str, "version": str}),
        "pythons": Map(each=str),
        "environments": Map(),
        "paths": Map(each=_PATH),
    }
)


def faults(value: t.Any, shape: t.Any = PROBE, where: str = "") -> t.Iterator[tuple[str, str]]:
    """(where, what it must be) of all that has another shape. null is "not known" everywhere.

    shape: of the value; None takes all. where: as ``.gpus[0].index``, below the value.
    """
    if value is None or shape is None:
        return
    if isinstance(shape, Map):
        yield from _of_map(value, shape, where)
    elif isinstance(shape, List):
        yield from _of_list(value, shape, where)
    elif not isinstance(value, shape) or (isinstance(value, bool) and shape is not bool):
        yield where, f"must be {_WORDS[shape]}"
    elif shape is int and not -1 <= value < _MOST:  # -1 is the speed of an interface that does not know it
        yield where, "must be a number from 0 to 2^63"


def _of_map(value: t.Any, shape: Map, where: str) -> t.Iterator[tuple[str, str]]:
    if not isinstance(value, dict):
        yield where, "must be a mapping"
        return
    for key in (*shape.needed, *shape.filled):
        if key not in value or (value[key] is None and key in shape.filled):
            yield f"{where}.{key}", "is missing"
    for key, item in value.items():
        yield from faults(item, shape.keys.get(key, shape.each), f"{where}.{key}")


def _of_list(value: t.Any, shape: List, where: str) -> t.Iterator[tuple[str, str]]:
    if not isinstance(value, list):
        yield where, "must be a list"
    elif isinstance(shape.each, Map) and not all(isinstance(item, dict) for item in value):
        yield where, "must be a list of mappings"
    elif shape.count and len(value) != shape.count:
        yield where, f"must be a list of {shape.count}"
    else:
        for index, item in enumerate(value):
            if item is None:
                yield f"{where}[{index}]", "must not be null"
            yield from faults(item, shape.each, f"{where}[{index}]")
