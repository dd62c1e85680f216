# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""KV connectors: which release has which, the keys they are told by, and what each needs."""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from . import tables, timelines, versions
from .standing import Standing, standing

_TABLE = "connectors"
#: Distributions of connectors that package indexes hold; what others need is a person's to bring.
INSTALLED = ("lmcache", "mooncake-transfer-engine", "nixl")


@dataclasses.dataclass(frozen=True)
class Port:
    """A port, or several in a row, that a connector opens.

    default: the first one, None where there is none and it must be set.
    set_by: what sets the first one: ``variable NAME``, ``transfer_key NAME`` or ``extra_key NAME``.
    per: how many: one per ``engine``, per ``data_parallel_rank``, per ``rank`` (tensor x pipeline x data size), or
    two of each rank (``rank_twice``).
    bind: what it listens on. roles: who opens it. only_with: an extra key without which it stays closed.
    """

    name: str
    default: int | None
    set_by: str
    per: str
    bind: str
    roles: tuple[str, ...]
    only_with: str | None


@dataclasses.dataclass(frozen=True)
class Needs:
    """What a connector needs in one release.

    purpose: prefill_decode, store, offload, composite, debugging or benchmark. engine: v1 or v0 (which needs
    VLLM_USE_V1=0 where V1 is the default). required: keys that kv_connector_extra_config must hold. transfer_required:
    keys that kv_transfer_config must hold besides kv_connector and kv_role. variables: environment variables to set,
    with what they say. packages: distributions beside vLLM. servers: what must run besides, name -> default port.
    shared_files: extra keys that name a folder which all engines share. platforms: empty for all. open_keys: further
    extra keys are handed on to another library. mixed_tensor_sizes: may both sides differ in tensor size; None where
    that is no question. one_pair_only: exactly one producer and one consumer.
    """

    name: str
    purpose: str
    engine: str
    roles: tuple[str, ...]
    required: tuple[str, ...]
    transfer_required: tuple[str, ...]
    variables: t.Mapping[str, str]
    packages: tuple[str, ...]
    ports: tuple[Port, ...]
    servers: t.Mapping[str, int]
    shared_files: tuple[str, ...]
    platforms: tuple[str, ...]
    open_keys: bool
    mixed_tensor_sizes: bool | None
    one_pair_only: bool


def names(version: str) -> list[str]:
    """The KV connectors that the release registers."""
    return sorted(name for name, line in timelines.timelines(_TABLE, "kv_connectors").items() if line.span(version))


def find(name: str, version: str) -> Standing:
    """How a KV connector stands in the release. One of a person's own (kv_connector_module_path) is not judged here."""
    known = ", ".join(names(version))
    return _find("kv_connectors", name, version, f"{version} has {known}")


def find_encoder(name: str, version: str) -> Standing:
    """How a connector of ec_transfer_config (encoder cache) stands in the release."""
    return _find("ec_connectors", name, version, "use one of the project's own, or name its module")


def transfer_key(key: str, version: str) -> Standing:
    """How a key of kv_transfer_config stands in the release."""
    return _find("transfer_keys", key, version, "leave it out: it may belong into kv_connector_extra_config")


def extra_key(connector: str, key: str, version: str) -> Standing:
    """How a key of kv_connector_extra_config stands for a connector in the release.

    vLLM ignores a key that it does not read, so one that no release knows is a likely slip and no fault. Keys of
    connectors that hand theirs on to another library are all valid.
    """
    lines = _extra_keys().get(connector, {})
    nowhere = f"leave it out: {connector} does not read it"
    found = standing(key, version, lines, "extra_keys", nowhere, advised_as=f"{connector} {key}")
    known = needs(connector, version)
    if not found.known and known is not None and known.open_keys:
        return Standing(key, True, False, None, None, "", {})
    return found


@functools.cache
def needs(name: str, version: str) -> Needs | None:
    """What the connector needs in the release; None where the release does not have it."""
    if not find(name, version).valid:
        return None
    wanted = versions.parse(version)
    rows = tables.load("connector_needs")["connectors"][name]
    held = [row for row in rows if versions.parse(row["since"]) <= wanted]
    return _needs(name, held[-1] if held else rows[0])


def packages(name: str, version: str) -> dict[str, str]:
    """Distribution -> version range, which the release's own images hold for this connector; empty: any version."""
    found = needs(name, version)
    lines = timelines.timelines("releases", "facts")
    wanted = found.packages if found else ()
    return {package: lines[package].at(version) or "" if package in lines else "" for package in wanted}


def _find(section: str, name: str, version: str, nowhere: str) -> Standing:
    return standing(name, version, timelines.timelines(_TABLE, section), section, nowhere)


@functools.cache
def _extra_keys() -> dict[str, dict[str, timelines.Timeline]]:
    """Connector -> key -> timeline."""
    result: dict[str, dict[str, timelines.Timeline]] = {}
    for name, line in timelines.timelines(_TABLE, "extra_keys").items():
        connector, _blank, key = name.partition(" ")
        result.setdefault(connector, {})[key] = line
    return result


def _needs(name: str, row: t.Mapping[str, t.Any]) -> Needs:
    texts = {
        key: tuple(row.get(key, ()))
        for key in ("roles", "required", "transfer_required", "packages", "shared_files", "platforms")
    }
    return Needs(
        name=name,
        purpose=row["purpose"],
        engine=row["engine"],
        variables=row.get("variables", {}),
        ports=tuple(_port(port) for port in row.get("ports", ())),
        servers={server["name"]: server["default"] for server in row.get("servers", ())},
        open_keys=row.get("open_keys", False),
        mixed_tensor_sizes=row.get("mixed_tensor_sizes"),
        one_pair_only=row.get("one_pair_only", False),
        **texts,
    )


def _port(row: t.Mapping[str, t.Any]) -> Port:
    setters = {"variable": "variable", "transfer_key": "transfer_key", "key": "extra_key"}
    set_by = next(f"{word} {row[key]}" for key, word in setters.items() if key in row)
    return Port(
        name=row["name"],
        default=row.get("default"),
        set_by=set_by,
        per=row["per"],
        bind=row["bind"],
        roles=tuple(row["roles"]),
        only_with=row.get("only_with"),
    )
