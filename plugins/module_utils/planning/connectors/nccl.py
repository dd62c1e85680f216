# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connectors over NCCL of old releases: PyNcclConnector (one pair) and P2pNcclConnector."""

from __future__ import annotations

import typing as t

from ..errors import Refusals
from .family import Family, Site, Wired
from .nixl import different_sizes
from .wanted import Want

if t.TYPE_CHECKING:  # members know their connectors
    from ..members import Member

#: The place of an engine among the two of a connector of V0 (kv_pipe/pynccl_pipe.py).
RANKS = {"prefill": 0, "decode": 1}


def check_pair(want: Want, site: Site, refusals: Refusals) -> None:
    """Refuse several engines of a side: the connector numbers its two engines."""
    for kind in RANKS:
        count = len(site.of_kind(kind))
        if count > 1:
            path = f"{site.of_kind(kind)[0][0].engine.service.path}.replicas"
            rule = f"{want.connector} joins one prefill and one decode engine, and there are {count} for {kind}"
            refusals.add("kv-one-pair", path, count, rule, "write replicas: 1, or use release 0.9.0 or later with nixl")


def _check_py(want: Want, site: Site, refusals: Refusals) -> None:
    _check_gpus(want, site, refusals)
    check_pair(want, site, refusals)
    for members in site.engines:
        engine = members[0].engine
        if len(members) > 1:
            rule = (
                f"{want.connector} has one address for all ranks of both engines, and {engine.name} has several hosts"
            )
            refusals.add("kv-one-host", f"{engine.service.path}.hosts", list(engine.hosts), rule, "name one host")
    _check_sizes(want, site, refusals)


def _check_p2p(want: Want, site: Site, refusals: Refusals) -> None:
    _check_gpus(want, site, refusals)
    _check_sizes(want, site, refusals)


def _check_gpus(want: Want, site: Site, refusals: Refusals) -> None:
    if site.on_cpu:
        rule = "moves KV cache by NCCL, from GPU to GPU, and the engines run on the CPU"
        fix = "write nixl with release 0.9.0 or later"
        refusals.add("kv-connector-platform", f"{want.path}.connector", want.connector, rule, fix)


def _check_sizes(want: Want, site: Site, refusals: Refusals) -> None:
    """Rank n sends to rank n."""
    prefill, decode = site.of_kind("prefill"), site.of_kind("decode")
    sizes = [
        (members[0].engine.parallel["tensor"], members[0].engine.parallel["pipeline"])
        for members in (*prefill[:1], *decode[:1])
    ]
    if len(set(sizes)) > 1:
        key = "tensor" if different_sizes(site) else "pipeline"
        path = f"{decode[0][0].engine.service.path}.parallel.{key}"
        one, other = (members[0].engine.parallel[key] for members in (prefill[0], decode[0]))
        rule = f"prefill engines have {key} size {one}, and {want.connector} sends from each rank to its like"
        refusals.add("kv-tensor-sizes", path, other, rule, f"write {key}: {one} on both sides")


def _wire_py(_want: Want, member: Member, site: Site) -> Wired:
    """Rank 0 listens (StatelessProcessGroup), so both sides are told the prefill engine's address and port."""
    prefill = site.of_kind("prefill")
    if not prefill:
        return Wired()
    head = prefill[0][0]
    keys: dict[str, t.Any] = {"kv_ip": site.addresses[head.host]}
    if "kv_rendezvous" in head.ports:
        keys["kv_port"] = head.port("kv_rendezvous")
    return Wired(keys=keys, variables=_network(member, site))


def _network(member: Member, site: Site) -> tuple[tuple[str, str, str], ...]:
    """NCCL takes a bare name for the beginning of one: eth1 would be eth10 too."""
    name = (site.interfaces.get(member.host) or {}).get("name")
    return (("NCCL_SOCKET_IFNAME", f"={name}", f"the engines' common network on {member.host}"),) if name else ()


def _wire_p2p(_want: Want, member: Member, site: Site) -> Wired:
    """The engine's id among its peers is its address with the port of its API (p2p_nccl_engine.py)."""
    address = site.addresses[member.host]
    variables = (("VLLM_HOST_IP", address, f"where the other engines reach {member.host}"),)
    return Wired(extra={"http_port": str(member.head_port("api"))}, variables=variables + _network(member, site))


PY_NCCL = Family(wire=_wire_py, check=_check_py)
P2P_NCCL = Family(wire=_wire_p2p, check=_check_p2p, owned=("http_port",), router=None)
