# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""MooncakeConnector (from engine to engine) and MooncakeStoreConnector (a pool that engines share)."""

from __future__ import annotations

import hashlib
import json
import typing as t

from ...releases import connectors, versions
from ..errors import Refusals
from .family import Family, File, Server, Site, Wired
from .nccl import check_pair
from .nixl import different_sizes
from .wanted import Want

if t.TYPE_CHECKING:  # members know their connectors
    from ..members import Member

#: Before, vLLM had other connectors of these names, which find one another through an etcd or a metadata server.
_FIRST = {"MooncakeConnector": "0.13.0", "MooncakeStoreConnector": "0.21.0"}
#: From 0.16.0 on the connector refuses stages, until 0.24.0 (mooncake_connector.py); before, it never asks.
_NO_STAGES = ("0.16.0", "0.24.0")
#: From this release on ranks read parts of ranks of another size.
_MIXED = "0.19.0"
_PACKAGES = {"cpu": ("mooncake-transfer-engine-non-cuda",), "cuda13": ("mooncake-transfer-engine-cuda13",)}
#: Of its transfer engine, where MC_MIN_RPC_PORT and MC_MAX_RPC_PORT say nothing else.
_CHOSEN = (15000, 17000)
_GIB = 2**30
_DEFAULT_GIB = 4
_HASHES = ("PYTHONHASHSEED", "0", "engines name blocks by hashes, which must be the same in all of them")


def _wire(want: Want, member: Member, site: Site) -> Wired:
    if _is_old(want):
        return Wired()
    extra = {}
    protocol = _protocol(want, site)
    if protocol == "tcp" and connectors.extra_key(want.connector, "mooncake_protocol", want.version).valid:
        extra["mooncake_protocol"] = protocol
    found = [("VLLM_HOST_IP", site.addresses[member.host], f"where the other engines reach {member.host}")]
    if protocol == "rdma" and (member.probe or {}).get("peermem") is False:
        found.append(("WITH_NVIDIA_PEERMEM", "0", f"nvidia_peermem is not loaded on {member.host}"))
    return Wired(extra=extra, variables=tuple(found))


def _protocol(want: Want, site: Site) -> str:
    """One for all engines: what is written, else rdma where every host has it."""
    if want["protocol"]:
        return str(want["protocol"])
    return "rdma" if all(_has_rdma(site, host) for host in site.hosts) else "tcp"


def _has_rdma(site: Site, host: str) -> bool:
    interface = site.interfaces.get(host)
    if interface is not None:
        return bool(interface.get("rdma"))
    devices = (site.probes.get(host) or {}).get("rdma_devices") or ()
    return any(str(device.get("state")).lower() == "active" for device in devices)


def _is_old(want: Want) -> bool:
    return versions.parse(want.version) < versions.parse(_FIRST[want.connector])


def router(want: Want) -> str:
    """What the front door speaks. The old connector finds its peer by its own file, and wants nothing of a door."""
    return "nixl" if _is_old(want) else "mooncake"


def _check(want: Want, site: Site, refusals: Refusals) -> None:
    if _is_old(want):
        check_pair(want, site, refusals)
        return
    if site.on_cpu and not want["module_path"]:
        rule = "asks for a GPU at its start (torch.accelerator), and the engines run on the CPU"
        refusals.add("kv-connector-platform", f"{want.path}.connector", want.connector, rule, "write nixl")
    _check_sizes(want, site, refusals)
    first, end = (versions.parse(release) for release in _NO_STAGES)
    for members in site.engines:
        engine = members[0].engine
        if engine.parallel["pipeline"] > 1 and first <= versions.parse(want.version) < end:
            rule = f"{want.connector} of vLLM {want.version} does not support pipeline stages"
            path = f"{engine.service.path}.parallel.pipeline"
            refusals.add("kv-pipeline", path, engine.parallel["pipeline"], rule, "use tensor parallelism, or nixl")


def _check_sizes(want: Want, site: Site, refusals: Refusals) -> None:
    for mine, theirs in different_sizes(site):
        one, other = (members[0].engine.parallel["tensor"] for members in (mine, theirs))
        mixed = versions.parse(want.version) >= versions.parse(_MIXED)
        if not mixed or max(one, other) % min(one, other):
            what = "needs one size to divide the other" if mixed else "needs both sides alike"
            rule = f"prefill engines have tensor size {one}, and {want.connector} of vLLM {want.version} {what}"
            path = f"{theirs[0].engine.service.path}.parallel.tensor"
            refusals.add("kv-tensor-sizes", path, other, rule, f"write tensor: {one} on both sides")


def _wire_store(want: Want, member: Member, site: Site) -> Wired:
    """Settings of MooncakeStoreConfig (vllm/distributed/mooncake_store.py), which it reads from a file alone."""
    if _is_old(want) or "MOONCAKE_CONFIG_PATH" in member.engine.service["env"]:
        return Wired(variables=(_HASHES,))
    settings: dict[str, t.Any] = {
        "metadata_server": "P2PHANDSHAKE",
        "master_server_address": site.places[want.connector].of(STORE_SERVER),
        "protocol": _protocol(want, site),
        "device_name": "",
        "global_segment_size": (want["memory_gib"] or _DEFAULT_GIB) * _GIB,
    }
    text = json.dumps(settings, indent=2, sort_keys=True) + "\n"
    name = f"{site.service}-mooncake-{hashlib.sha256(text.encode()).hexdigest()[:8]}.json"
    file = File(f"{site.config_dir}/{name}", text)
    address = site.addresses[member.host]
    return Wired(
        variables=(
            _HASHES,
            ("MOONCAKE_CONFIG_PATH", file.path, "the pool's master, protocol and size"),
            ("VLLM_HOST_IP", address, f"where the other engines reach {member.host}"),
        ),
        files=(file,),
    )


def _master(_want: Want, _address: str, ports: t.Mapping[str, int]) -> list[str]:
    return ["mooncake_master", f"--rpc_port={ports['mooncake']}", f"--metrics_port={ports['mooncake_metrics']}"]


STORE_SERVER = Server(
    "mooncake", "Mooncake's master", {"mooncake": 50051, "mooncake_metrics": 9003}, _master, listen="0.0.0.0"
)
MOONCAKE = Family(
    wire=_wire, check=_check, package=_PACKAGES, chosen=_CHOSEN, router="mooncake", owned=("mooncake_protocol",)
)
STORE = Family(
    roles={"prefill": "kv_both", "decode": "kv_consumer", "serve": "kv_both"},
    wire=_wire_store,
    package=_PACKAGES,
    chosen=_CHOSEN,
    server=STORE_SERVER,
)
