# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts a member's ranks in the engine's Python, and reads what they print."""

from __future__ import annotations

import importlib.util
import json
import typing as t

from ..network.model import Interface
from ..probes.files import Files
from . import bandwidth, nccl, ranks
from .local import plain
from .members import Member

#: The environment's Python knows nothing of this collection: it gets the program and its settings to read.
BOOT = (
    "import json, sys; given = json.load(sys.stdin); scope = {'__name__': 'ranks'}; "
    "exec(compile(given['source'], 'ranks.py', 'exec'), scope); scope['main'](given['settings'])"
)
#: The variable that names the interface of a backend.
VARIABLES = {"gloo": "GLOO_SOCKET_IFNAME", "nccl": "NCCL_SOCKET_IFNAME"}
_OTHERS = ("TP_SOCKET_IFNAME",)
_NET, _RDMA = "/sys/class/net", "/sys/class/infiniband"
#: port_xmit_data and port_rcv_data count 32-bit words (Linux, sysfs-class-infiniband).
_WORD = 4


def choice(
    backend: str,
    environment: t.Mapping[str, str],
    member: Member,
    interfaces: t.Sequence[Interface],
    own_addresses: t.Sequence[str],
) -> dict[str, t.Any]:
    """Which interface the environment makes the backend take: ``{variable, value, name, address, error}``.

    own_addresses: what the host's own name stands for; Gloo takes that where no variable says otherwise.
    """
    variable = VARIABLES[backend]
    value = environment.get(variable)
    result: dict[str, t.Any] = {"variable": variable, "value": value, "name": None, "address": None, "error": None}
    for name in (*VARIABLES.values(), *_OTHERS):
        wanted = environment.get(name)
        if wanted and not _named(wanted, interfaces, name == "NCCL_SOCKET_IFNAME"):
            result["error"] = f"{name}={wanted}: there is no such interface"
            return result
    if value:
        usable = [item for item in _named(value, interfaces, backend == "nccl") if plain(item)]
        if not usable:
            result["error"] = f"{variable}={value}: the interface has no address"
            return result
        item = next((item for item in usable if member.address in plain(item)), usable[0])
        same = [address for address in plain(item) if (":" in address) == (":" in member.address)]
        result["name"] = item.name
        result["address"] = member.address if member.address in same else (same or plain(item))[0]
        return result
    if backend == "gloo" and own_addresses:
        result["address"] = member.address if member.address in own_addresses else own_addresses[0]
    else:
        result["address"] = member.address
    result["name"] = next((item.name for item in interfaces if result["address"] in plain(item)), None)
    return result


def _named(value: str, interfaces: t.Sequence[Interface], prefixes: bool) -> list[Interface]:
    """Interfaces that a variable names. NCCL takes prefixes, ``=`` before exact names, ``^`` before those to leave."""
    negated, exact = value.startswith("^"), not prefixes
    words = value.lstrip("^")
    if prefixes and words.startswith("="):
        exact, words = True, words[1:]
    names = [word for word in words.split(",") if word]
    fit = [
        item for item in interfaces if any(item.name == name if exact else item.name.startswith(name) for name in names)
    ]
    if negated and prefixes:
        return [item for item in interfaces if item not in fit]
    return fit


def command(python: t.Sequence[str]) -> list[str]:
    """The words that run the program. python: an interpreter, with what must stand before it."""
    return [*python, "-c", BOOT]


def given(
    members: t.Sequence[Member],
    me: Member,
    backend: str,
    sizes: t.Sequence[int],
    repeat_s: float,
    timeout: float,
    environment: t.Mapping[str, str],
    devices: t.Sequence[int],
) -> str:
    """What the program reads: its own source and its settings (ranks.main)."""
    at = list(members).index(me)
    debug = {} if backend == "gloo" else {"NCCL_DEBUG": "INFO", "NCCL_DEBUG_SUBSYS": "INIT,ENV,NET,BOOTSTRAP"}
    settings = {
        "backend": backend,
        "address": members[0].address,
        "port": members[0].port,
        "first": sum(member.ranks for member in members[:at]),
        "count": me.ranks,
        "world": sum(member.ranks for member in members),
        "sizes": list(sizes),
        "repeat_s": repeat_s,
        "timeout": timeout,
        "environment": {**{name: value for name, value in environment.items() if name != "NCCL_DEBUG_FILE"}, **debug},
        "devices": list(devices),
    }
    return json.dumps({"source": source(), "settings": settings})


def source() -> str:
    """The text of ranks.py; on a target it is in Ansible's zip file."""
    spec = importlib.util.find_spec(ranks.__name__)
    loader = t.cast("importlib.abc.InspectLoader", spec.loader if spec else None)
    return str(loader.get_source(ranks.__name__))


def read(out: str, world: int) -> dict[str, t.Any] | None:
    """``{ranks, sizes, transport, log}`` of what the program printed; None where it printed nothing of use.

    sizes: of this member's slowest rank, with algbw and busbw in 10^9 bytes a second. log: the end of what ranks said.
    """
    try:
        document = json.loads(out.strip().rpartition("\n")[2])
        found = [{**rank, "sizes": [dict(size) for size in rank["sizes"]]} for rank in document["ranks"]]
    except (ValueError, KeyError, TypeError):
        return None
    sizes = []
    for number in range(min((len(rank["sizes"]) for rank in found), default=0)):
        each = [rank["sizes"][number] for rank in found]
        slowest = max(each, key=lambda size: float(size["seconds"]))
        seconds = max(float(slowest["seconds"]), 1e-9)
        rates = {
            "algbw": round(bandwidth.algorithm_gbytes(slowest["bytes"], seconds), 4),
            "busbw": round(bandwidth.bus_gbytes(slowest["bytes"], seconds, world), 4),
        }
        sizes.append({**slowest, "right": all(size["right"] for size in each), **rates})
    log = str(document.get("log", ""))
    return {"ranks": found, "sizes": sizes, "transport": nccl.read_debug(log).as_dict(), "log": log}


def broke_off(rank: t.Mapping[str, t.Any]) -> bool:
    """Whether a rank failed after all had met, so that the network may have changed meanwhile."""
    return bool(rank["error"] and not rank.get("missing") and rank["stage"] in ("connect", "reduce"))


def is_told(name: str) -> bool:
    """Whether a variable is worth a place in the report: those that name interfaces, or steer NCCL."""
    return name.endswith("_SOCKET_IFNAME") or name.startswith("NCCL_")


def counters(files: Files) -> dict[str, dict[str, int]]:
    """Bytes sent and received so far: ``{interfaces: {eth0: …}, rdma: {mlx5_0:1: …}}``."""
    interfaces = {}
    for name in files.names(_NET):
        folder = f"{_NET}/{name}/statistics"
        both = [files.number(f"{folder}/{which}_bytes") for which in ("tx", "rx")]
        if None not in both:
            interfaces[name] = sum(value or 0 for value in both)
    rdma = {}
    for device in files.names(_RDMA):
        for port in files.names(f"{_RDMA}/{device}/ports"):
            folder = f"{_RDMA}/{device}/ports/{port}/counters"
            both = [files.number(f"{folder}/port_{which}_data") for which in ("xmit", "rcv")]
            if None not in both:
                rdma[f"{device}:{port}"] = _WORD * sum(value or 0 for value in both)
    return {"interfaces": interfaces, "rdma": rdma}


def traffic(before: t.Mapping[str, t.Any], after: t.Mapping[str, t.Any]) -> dict[str, dict[str, int]]:
    """What went by between two readings of the counters; what carried nothing is left out."""
    return {
        kind: {name: moved for name, count in after[kind].items() if (moved := count - before[kind].get(name, 0)) > 0}
        for kind in ("interfaces", "rdma")
    }
