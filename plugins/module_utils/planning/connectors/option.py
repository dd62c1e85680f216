# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option --kv-transfer-config that ``kv_transfer`` becomes, and what each member adds to it."""

from __future__ import annotations

import typing as t

from ...releases import connectors, runtimes
from ..errors import Refusals
from . import lmcache, mooncake, nccl, storage
from .family import Family, Site, Wired
from .nixl import NIXL
from .wanted import Want

if t.TYPE_CHECKING:  # members know their connectors
    from ..members import Member

FAMILIES: dict[str, Family] = {
    "NixlConnector": NIXL,
    "NixlPullConnector": NIXL,
    "NixlPushConnector": NIXL,
    "MooncakeConnector": mooncake.MOONCAKE,
    "MooncakeStoreConnector": mooncake.STORE,
    "PyNcclConnector": nccl.PY_NCCL,
    "P2pNcclConnector": nccl.P2P_NCCL,
    "LMCacheMPConnector": lmcache.MP,
    "LMCacheConnectorV1": lmcache.V1,
    "LMCacheConnector": lmcache.V1,
    "ExampleConnector": storage.SHARED,
    "SharedStorageConnector": storage.SHARED,
    "OffloadingConnector": storage.OFFLOADING,
    "SimpleCPUOffloadConnector": storage.OFFLOADING,
}
_EXTRA = "kv_connector_extra_config"


def family(want: Want) -> Family:
    """How the connector is told what it must know."""
    return FAMILIES.get(want.connector, storage.OTHER)


def config(want: Want, kind: str, folder: str, wired: t.Callable[[Want], Wired] | None = None) -> dict[str, t.Any]:
    """The whole of kv_transfer_config of engines of a kind. folder: a place for files that nobody named.

    wired: what the member adds; without it the option is as far as the intent alone tells it.
    """
    mine, told = family(want), (wired or _nothing)(want)
    found: dict[str, t.Any] = {"kv_connector": want.connector, "kv_role": mine.roles[kind]}
    if want["module_path"]:
        found["kv_connector_module_path"] = want["module_path"]
    if want["on_failure"]:
        found["kv_load_failure_policy"] = want["on_failure"]
    if want.needs is not None and "kv_rank" in want.needs.transfer_required and kind in nccl.RANKS:
        found.update(kv_rank=nccl.RANKS[kind], kv_parallel_size=len(nccl.RANKS))
    found.update(told.keys)
    extra: dict[str, t.Any] = {**mine.fixed(want, kind, folder), **told.extra, **want["extra"]}
    if want.children:
        extra["connectors"] = [config(child, kind, folder, wired) for child in want.children]
    if extra:
        found[_EXTRA] = extra
    return found


def _nothing(_want: Want) -> Wired:
    return Wired()


def variables(want: Want) -> dict[str, str]:
    """Variables that every engine must have, whatever its host: connectors of V0 in releases that start V1."""
    engines = {part.needs.engine for part in want.all if part.needs is not None}
    apart = runtimes.has_trait("v0_engine", want.version) and not runtimes.has_trait("v0_default", want.version)
    return {"VLLM_USE_V1": "0"} if apart and engines == {"v0"} else {}


def check_written(want: Want, refusals: Refusals) -> None:
    """Refuse keys that the plan sets itself, and connectors that are not for such engines."""
    for key in family(want).owned:
        if key in want["extra"]:
            instead = {"shared_storage_path": "path", "mooncake_protocol": "protocol"}.get(key)
            fix = f"use {want.path}.{instead}" if instead else "leave it out"
            refusals.add("argument-owned", f"{want.path}.extra.{key}", None, "is set by the plan", fix)
    for child in want.children:
        check_written(child, refusals)
    purposes = {part.needs.purpose for part in want.all if part.needs is not None}
    if not purposes:
        return
    path = f"{want.path}.connector"
    if want.between and not purposes & {"prefill_decode", "store", "debugging"}:
        rule = "keeps KV cache in its own host, and brings none from prefill to decode engines"
        refusals.add("kv-connector-unfit", path, want.connector, rule, "write nixl")
    elif not want.between and purposes & {"prefill_decode"}:
        rule = "moves KV cache from prefill to decode engines, and the service has neither"
        fix = "write prefill and decode, or a connector such as offloading"
        refusals.add("kv-connector-unfit", path, want.connector, rule, fix)


def check(want: Want, site: Site, refusals: Refusals) -> None:
    """Refuse what only hosts and engines tell."""
    for part in want.all:
        if part.needs is not None:
            family(part).check(part, site, refusals)


def wire(want: Want, member: Member, site: Site) -> Wired:
    """What a member's engine gets of all its connectors: variables and files, and the whole option as ``keys``."""
    told = {part.path: family(part).wire(part, member, site) for part in want.all if part.needs is not None}

    def wired(part: Want) -> Wired:
        return told.get(part.path, Wired())

    found: dict[str, tuple[str, str, str]] = {}
    for item in told.values():
        for variable in item.variables:
            found.setdefault(variable[0], variable)
    files = {file.path: file for item in told.values() for file in item.files}
    whole = config(want, member.engine.service.kind, site.state_dir + f"/kv/{site.service}", wired)
    return Wired(keys=whole, variables=tuple(found.values()), files=tuple(files.values()))


def router(want: Want) -> str | None:
    """What the front door speaks between the sides; None: nothing that it knows."""
    if want.connector == "MoRIIOConnector":
        return "moriio"
    spoken = [mooncake.router(part) if family(part) is mooncake.MOONCAKE else family(part).router for part in want.all]
    return next((word for word in spoken if word == "mooncake"), None if None in spoken[:1] else "nixl")


def chosen_ports(want: Want) -> list[tuple[int, int]]:
    """Ranges that libraries choose ports from, outside the kernel's."""
    ranges = [family(part).chosen for part in want.all]
    return sorted({range_ for range_ in ranges if range_ is not None})


def requirements(want: Want, accelerator: str) -> list[str]:
    """Requirement lines that environments need besides vLLM, in the versions that the release's own images have.

    accelerator: cpu or cuda.
    """
    build = (
        "cuda13" if accelerator == "cuda" and runtimes.cuda_builds(want.version)[0].startswith("13") else accelerator
    )
    found: dict[str, None] = {}
    for part in want.all:
        mine = family(part)
        for name, said in connectors.packages(part.connector, part.version).items():
            if name in connectors.INSTALLED:
                range_ = mine.newer(part.version) or said
                found.update(dict.fromkeys(each + range_ for each in mine.package.get(build, (name,))))
    return list(found)
