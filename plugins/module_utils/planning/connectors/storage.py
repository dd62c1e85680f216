# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connectors that keep KV cache in a folder that engines share, or in the memory of the engine's own host."""

from __future__ import annotations

import typing as t

from ...releases import versions
from ..errors import Refusals
from ..wording import groups, some
from .family import ALL_BOTH, Family, Site
from .wanted import Want

#: Before, OffloadingConnector counted in blocks.
_BYTES_SINCE = "0.14.0"
_GIB = 2**30


def folder(want: Want, default: str) -> str:
    """Where ExampleConnector and SharedStorageConnector write."""
    return str(want["path"] or default)


def _extra_shared(want: Want, _kind: str, default: str) -> dict[str, t.Any]:
    return {"shared_storage_path": folder(want, default)}


def _check_shared(want: Want, site: Site, refusals: Refusals) -> None:
    path = f"{want.path}.path"
    if not want["testing"]:
        rule = "is made for debugging: it never cleans its folder, and both engines end where one reads too early"
        fix = f"write nixl, or consent to it: {want.path}.testing: true"
        refusals.add("kv-connector-debugging", f"{want.path}.connector", want.connector, rule, fix)
    if len(site.hosts) < 2:
        return
    if not want["path"]:
        rule = f"engines on {some(site.hosts)} share a folder, and none is written"
        refusals.add("kv-shared-path", path, None, rule, "name a folder of a file system that all of them mount")
        return
    seen = {host: ((site.probes.get(host) or {}).get("paths") or {}).get(want["path"]) for host in site.hosts}
    known = {host: str(item["origin"]) for host, item in seen.items() if item and item.get("origin")}
    different = groups(known)
    if len(different) > 1 and all(origin.startswith("network ") for origin in different):
        told = "; ".join(f"{origin[8:]} on {some(hosts)}" for origin, hosts in sorted(different.items()))
        message = f"{want['path']} has several names, which may be one: {told}"
        refusals.warn("kv-shared-path-unknown", path, message, "mount it by one name on all hosts")
    elif len(different) > 1:
        told = "; ".join(f"{origin} on {some(hosts)}" for origin, hosts in sorted(different.items()))
        rule = f"is not one file system for all engines: {told}"
        refusals.add("kv-shared-path", path, want["path"], rule, "mount one there on all hosts (NFS, for example)")
    elif len(known) < len(seen):
        unknown = [host for host in site.hosts if host not in known]
        message = f"whether {want['path']} is one file system is not known: {some(unknown)} did not tell"
        refusals.warn("kv-shared-path-unknown", path, message, "probe all hosts, or see that they mount the same")


def _extra_memory(want: Want, _kind: str, _default: str) -> dict[str, t.Any]:
    if want["memory_gib"] is None or versions.parse(want.version) < versions.parse(_BYTES_SINCE):
        return {}
    return {"cpu_bytes_to_use": want["memory_gib"] * _GIB}


SHARED = Family(ALL_BOTH, fixed=_extra_shared, check=_check_shared, owned=("shared_storage_path",))
OFFLOADING = Family(ALL_BOTH, fixed=_extra_memory, router=None)
OTHER = Family()
