# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""NixlConnector, its pull and push forms: KV cache goes from engine to engine by UCX, over RDMA, TCP or NVLink."""

from __future__ import annotations

import typing as t

from ...releases import versions
from ..errors import Refusals
from .family import Family, Site, Wired
from .wanted import Want

if t.TYPE_CHECKING:  # members know their connectors
    from ..members import Member

#: nixl takes any release of what it consists of, so that these are held to its own range. On the CPU one of them
#: serves, and the other stays out (releases/packages.py); nixl itself is the module that vLLM imports.
_PACKAGES = {"cpu": ("nixl", "nixl-cu12"), "cuda": ("nixl", "nixl-cu12"), "cuda13": ("nixl", "nixl-cu12", "nixl-cu13")}
#: From this release on the buffer is on the engine's own device where nothing else is said.
_OWN_DEVICE = "0.18.0"
#: From this release on a decode engine with pipeline stages ends its start with NotImplementedError (base_worker.py).
_NO_STAGES = "0.26.0"


def _wire(want: Want, member: Member, site: Site) -> Wired:
    on_cpu = member.engine.accelerator == "cpu"
    keys = {}
    if on_cpu and versions.parse(want.version) < versions.parse(_OWN_DEVICE):
        keys["kv_buffer_device"] = "cpu"
    address = site.addresses[member.host]
    # The default is localhost: the other side would look for blocks on its own host, and make the prompt again.
    found = [("VLLM_NIXL_SIDE_CHANNEL_HOST", address, f"where the other engines reach {member.host}")]
    if on_cpu:
        found.append(("UCX_TLS", "tcp,self,sm", "what UCX has without a GPU"))
    interface = site.interfaces.get(member.host) or {}
    if interface.get("name") and not interface.get("rdma"):
        why = f"the engines' common network on {member.host}; UCX would try every interface"
        found.append(("UCX_NET_DEVICES", str(interface["name"]), why))
    return Wired(keys=keys, variables=tuple(found))


def _check(want: Want, site: Site, refusals: Refusals) -> None:
    _judge_sizes(want, site, refusals)
    for members in site.of_kind("decode"):
        engine = members[0].engine
        stages = engine.parallel["pipeline"]
        if stages > 1 and versions.parse(want.version) >= versions.parse(_NO_STAGES):
            rule = f"{want.connector} of vLLM {want.version} does not bring KV cache to {stages} pipeline stages"
            fix = "use tensor parallelism for decode engines, or another connector"
            refusals.add("kv-pipeline", f"{engine.service.path}.parallel.pipeline", stages, rule, fix)


def _judge_sizes(want: Want, site: Site, refusals: Refusals) -> None:
    """Ranks of one side read whole parts of the other side's ranks (divide() in the worker)."""
    for mine, theirs in different_sizes(site):
        path = f"{theirs[0].engine.service.path}.parallel.tensor"
        one, other = (members[0].engine.parallel["tensor"] for members in (mine, theirs))
        if max(one, other) % min(one, other):
            rule = f"prefill engines have tensor size {one}, and {want.connector} needs one size to divide the other"
            refusals.add("kv-tensor-sizes", path, other, rule, f"write tensor: {one} on both sides")
        else:
            message = f"prefill engines have tensor size {one} and decode engines {other}: fewer have tried it"
            refusals.warn("kv-tensor-sizes-differ", path, message, "keep them equal, or compare answers before use")


def different_sizes(site: Site) -> list[tuple[tuple[Member, ...], tuple[Member, ...]]]:
    """The first prefill and the first decode engine, where their tensor sizes differ. Engines of a side are alike."""
    mine, theirs = site.of_kind("prefill"), site.of_kind("decode")
    if not mine or not theirs:
        return []
    differ = mine[0][0].engine.parallel["tensor"] != theirs[0][0].engine.parallel["tensor"]
    return [(mine[0], theirs[0])] if differ else []


NIXL = Family(wire=_wire, check=_check, package=_PACKAGES)
