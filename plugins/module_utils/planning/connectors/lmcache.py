# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""LMCache: LMCacheMPConnector with its server on the engines' host, LMCacheConnectorV1 with a server of its own."""

from __future__ import annotations

import typing as t

from ...releases import versions
from ..errors import Refusals
from .family import ALL_BOTH, Family, Place, Server, Site, Wired, at
from .wanted import Want

if t.TYPE_CHECKING:  # members know their connectors
    from ..members import Member

_DEFAULT_GIB = 4
_HASHES = ("PYTHONHASHSEED", "0", "engines name chunks by hashes, which must be the same in all of them")
_OWN_CONFIG = "LMCACHE_CONFIG_FILE"
#: Left to itself, a resolver takes 0.4.3 for the sake of Ray's protobuf: made for CUDA 12, with a server that has no
#: transfer mode for the CPU. 0.5.6 is what the next release of vLLM asks for, and what was run with this one.
_NEWER_SINCE, _NEWER = "0.32.0", ">=0.5.6"


def _wire_mp(want: Want, _member: Member, site: Site) -> Wired:
    place = site.places[want.connector]
    address = f"[{place.address}]" if ":" in place.address else place.address
    extra = {"lmcache.mp.host": f"tcp://{address}", "lmcache.mp.port": place.ports["lmcache"]}
    return Wired(extra=extra, variables=(_HASHES,))


def _check_mp(want: Want, site: Site, refusals: Refusals) -> None:
    """On GPUs the server opens the engine's memory by CUDA IPC, which ends at the host (transfer_mode.py)."""
    elsewhere = [host for host in site.hosts if host != site.places[want.connector].host]
    if elsewhere and not site.on_cpu:
        rule = f"its server reads GPU memory of its own host alone, and engines stand on {', '.join(site.hosts)}"
        fix = "put both sides on one host, or write nixl; multi can join both"
        refusals.add("kv-one-host", f"{want.path}.connector", want.connector, rule, fix)


def _mp_server(want: Want, address: str, ports: t.Mapping[str, int]) -> list[str]:
    size = str(want["memory_gib"] or _DEFAULT_GIB)
    argv = ["lmcache", "server", "--host", address, "--port", str(ports["lmcache"])]
    argv += ["--l1-size-gb", size, "--eviction-policy", "LRU"]
    argv += ["--http-host", "127.0.0.1", "--http-port", str(ports["lmcache_http"])]
    # Without "auto" an engine on the CPU waits 300 s for an answer that never comes.
    return [*argv, "--supported-transfer-mode", "auto"] if _newer(want.version) else argv


def _newer(version: str) -> str:
    return _NEWER if versions.parse(version) >= versions.parse(_NEWER_SINCE) else ""


def _server(_want: Want, address: str, ports: t.Mapping[str, int]) -> list[str]:
    return ["lmcache_server", address, str(ports["lmcache"])]


def _wire_v1(want: Want, member: Member, site: Site) -> Wired:
    if _OWN_CONFIG in member.engine.service["env"]:
        return Wired(variables=(_HASHES,))
    place: Place = site.places[want.connector]
    size = str(want["memory_gib"] or _DEFAULT_GIB)
    return Wired(
        variables=(
            _HASHES,
            ("LMCACHE_LOCAL_CPU", "True", "chunks are kept in the host's memory"),
            ("LMCACHE_MAX_LOCAL_CPU_SIZE", size, "GiB of it for each rank"),
            ("LMCACHE_REMOTE_URL", f"lm://{at(place.address, place.ports['lmcache'])}", "what all engines share"),
            ("LMCACHE_REMOTE_SERDE", "naive", "chunks are sent as they are"),
        )
    )


def _check_v1(want: Want, site: Site, refusals: Refusals) -> None:
    if site.on_cpu:
        rule = "finds no way to engines on the CPU, starts all the same, and every prompt is made again"
        refusals.add(
            "kv-connector-platform", f"{want.path}.connector", want.connector, rule, "write lmcache_mp or nixl"
        )


MP_SERVER = Server(
    "lmcache", "LMCache's server", {"lmcache": 5555, "lmcache_http": 8090}, _mp_server, {"PYTHONHASHSEED": "0"}
)
V1_SERVER = Server("lmcache", "LMCache's server", {"lmcache": 65432}, _server, {"PYTHONHASHSEED": "0"})
MP = Family(
    ALL_BOTH,
    wire=_wire_mp,
    check=_check_mp,
    server=MP_SERVER,
    owned=("lmcache.mp.host", "lmcache.mp.port"),
    newer=_newer,
)
V1 = Family(ALL_BOTH, wire=_wire_v1, check=_check_v1, server=V1_SERVER, newer=_newer)
