# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person wants of ``kv_transfer``: which connector of vLLM it is in the release, and why."""

from __future__ import annotations

import dataclasses
import difflib
import typing as t

from ...releases import connectors
from .. import schema
from ..errors import Refusals
from ..keys import KV_TRANSFER

#: Short names, each with vLLM's own, the newest first: the first that the release has is meant.
SHORT: dict[str, tuple[str, ...]] = {
    "nixl": ("NixlConnector",),
    "nixl_push": ("NixlPushConnector",),
    "mooncake": ("MooncakeConnector",),
    "mooncake_store": ("MooncakeStoreConnector",),
    "lmcache": ("LMCacheConnectorV1", "LMCacheConnector"),
    "lmcache_mp": ("LMCacheMPConnector",),
    "shared_storage": ("ExampleConnector", "SharedStorageConnector"),
    "p2p_nccl": ("P2pNcclConnector",),
    "py_nccl": ("PyNcclConnector",),
    "offloading": ("OffloadingConnector",),
    "multi": ("MultiConnector",),
}
#: NixlConnector is the first for several engines a side, in every release that has it (0.9.0).
_AUTOMATIC = ("NixlConnector", "PyNcclConnector")


@dataclasses.dataclass(frozen=True)
class Want:
    """``kv_transfer`` of one service, or an item of its ``connectors``.

    path: where it is written. connector: vLLM's own name. between: whether it stands between prefill and decode
    engines. keys: those of KV_TRANSFER. children: what MultiConnector joins. why: of a connector that was chosen.
    """

    path: str
    connector: str
    version: str
    between: bool
    keys: dict[str, t.Any]
    children: tuple[Want, ...] = ()
    why: str = ""

    def __getitem__(self, key: str) -> t.Any:
        return self.keys[key]

    @property
    def all(self) -> tuple[Want, ...]:
        """Itself without the joining, or what it joins."""
        return tuple(part for child in self.children for part in child.all) if self.children else (self,)

    @property
    def needs(self) -> connectors.Needs | None:
        return connectors.needs(self.connector, self.version)


def read(written: t.Any, path: str, version: str, between: bool, refusals: Refusals) -> Want | None:
    """None where nothing is written and nothing is to be chosen. between: for prefill and decode engines."""
    if written is None and not between:
        return None
    keys = schema.read(written if written is not None else {}, KV_TRANSFER, path, refusals)
    try:
        name, why = _named(str(keys["connector"]), path, version, between, refusals)
    except ValueError:  # a version that is none; refused elsewhere
        return None
    children = _children(keys, name, path, version, between, refusals)
    return Want(path, name, version, between, keys, children, why)


def _named(written: str, path: str, version: str, between: bool, refusals: Refusals) -> tuple[str, str]:
    if written == "auto":
        return _chosen(path, version, between, refusals)
    names = SHORT.get(written)
    if names is not None:
        return next((name for name in names if connectors.find(name, version).valid), names[0]), ""
    if not written.endswith(("Connector", "ConnectorV1")):
        close = difflib.get_close_matches(written, SHORT, n=1)
        fix = f"did you mean {close[0]}?" if close else f"write auto, {', '.join(SHORT)}, or a name of vLLM's own"
        refusals.add("kv-connector", f"{path}.connector", written, "is no connector's name", fix)
    return written, ""


def _chosen(path: str, version: str, between: bool, refusals: Refusals) -> tuple[str, str]:
    """Of ``auto``: what moves every token from engine to engine, without a store between."""
    if not between:
        rule = "is chosen for prefill and decode engines only, and the service has neither"
        fix = "write offloading, lmcache_mp or mooncake_store, or leave kv_transfer out"
        refusals.add("kv-connector-unfit", f"{path}.connector", "auto", rule, fix)
        return "OffloadingConnector", ""
    if connectors.find(_AUTOMATIC[0], version).valid:
        return _AUTOMATIC[
            0
        ], "moves every token straight from engine to engine, over RDMA or TCP, and runs on the CPU too"
    why = "what this release has between engines without a store; one prefill and one decode engine"
    return _AUTOMATIC[1], why


def _children(
    keys: t.Mapping[str, t.Any], name: str, path: str, version: str, between: bool, refusals: Refusals
) -> tuple[Want, ...]:
    written = keys["connectors"]
    if name != "MultiConnector":
        if written is not None:
            rule = "are what multi joins, and the connector is another"
            refusals.add(
                "kv-connector-key", f"{path}.connectors", None, rule, "write connector: multi, or leave it out"
            )
        return ()
    found = []
    for index, item in enumerate(written or ()):
        where = f"{path}.connectors[{index}]"
        if not isinstance(item, dict):
            continue  # told by the schema
        if item.get("connector") in (None, "auto", "multi", "MultiConnector"):
            rule = "each connector that multi joins is named"
            refusals.add(
                "kv-connector-key", f"{where}.connector", item.get("connector"), rule, "write nixl, for example"
            )
            continue
        child = read(item, where, version, between, refusals)
        found += [child] if child is not None else []
    if not found:
        rule = "joins connectors, and none is written"
        refusals.add("kv-connector-key", f"{path}.connectors", None, rule, "write connectors: [{connector: nixl}, …]")
    return tuple(found)
