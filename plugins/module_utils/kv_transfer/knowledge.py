# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What KV connectors move and count, and why they may move nothing."""

from __future__ import annotations

import dataclasses
import typing as t

from ..releases import versions


class Series(t.NamedTuple):
    """A name on /metrics, and the first release that shows it."""

    name: str
    since: str


@dataclasses.dataclass(frozen=True)
class Knowledge:
    """One connector, through the releases.

    whole_since: from this release on it brings every token; before it, and where it is None, whole steps only.
    step: tokens that it brings together, where that is more than a block of the engine. bytes: what it counts moved.
    transfers: how often. failed, expired: what must stand still. hint: what to look at where nothing comes.
    """

    hint: str
    whole_since: str | None = None
    step: int = 0
    bytes: tuple[Series, ...] = ()
    transfers: tuple[Series, ...] = ()
    failed: tuple[Series, ...] = ()
    expired: tuple[Series, ...] = ()


_NIXL = Knowledge(
    "let the front door speak nixl (router.connector): a proxy that hands requests on unchanged moves nothing; see that"
    " decode engines reach the side channel of every prefill engine (VLLM_NIXL_SIDE_CHANNEL_HOST), and that both sides"
    " have one release, model path and dtype: their handshake compares them",
    # Early releases leave out what fills no block.
    whole_since="0.16.0",
    bytes=(Series("vllm:nixl_bytes_transferred_sum", "0.11.1"),),
    transfers=(Series("vllm:nixl_xfer_time_seconds_count", "0.11.1"),),
    failed=(
        Series("vllm:nixl_num_failed_transfers_total", "0.11.1"),
        Series("vllm:nixl_num_failed_notifications_total", "0.11.1"),
    ),
    expired=(
        Series("vllm:nixl_num_kv_expired_reqs_total", "0.15.0"),
        Series("vllm:nixl_num_notifications_after_expiry_total", "0.32.0"),
    ),
)
_MOONCAKE = Knowledge(
    "let the front door speak mooncake (router.connector), and start it anew after a prefill engine, which then has"
    " another id; see that engines reach one another over mooncake_protocol",
    whole_since="0.16.0",
    bytes=(Series("vllm:mooncake_bytes_transferred_sum", "0.33.0"),),
    transfers=(Series("vllm:mooncake_xfer_time_seconds_count", "0.33.0"),),
    failed=(
        Series("vllm:mooncake_num_failed_transfers_total", "0.33.0"),
        Series("vllm:mooncake_num_failed_recvs_total", "0.33.0"),
    ),
    expired=(Series("vllm:mooncake_num_kv_expired_reqs_total", "0.33.0"),),
)
_STORE = Knowledge(
    "see that all engines reach mooncake_master (MOONCAKE_CONFIG_PATH) and name blocks alike (the same PYTHONHASHSEED)",
    bytes=(Series("vllm:mooncake_store_operation_bytes_total", "0.22.0"),),
    failed=(Series("vllm:mooncake_store_operation_failed_keys_total", "0.22.0"),),
)
#: LMCache's own default, in tokens; its parts are not shared.
_CHUNK = 256
_LMCACHE = Knowledge(
    "look for 'degraded mode' in the journals: LMCacheConnectorV1 finds no way to engines on the CPU, and computes"
    " again without an error; see that its shared server answers and PYTHONHASHSEED is the same everywhere",
    step=_CHUNK,
)
_LMCACHE_MP = Knowledge(
    "see that LMCache's server runs and both sides reach it (lmcache.mp.host and .port), and that they name chunks"
    " alike (the same PYTHONHASHSEED)",
    step=_CHUNK,
)
_FILES = Knowledge("see that both sides read and write one folder (shared_storage_path), on one file system")
_HF3FS = Knowledge(
    "see that both sides mount the same 3FS and reach its metadata server",
    failed=(
        Series("vllm:hf3fs_num_failed_load_total", "0.20.0"),
        Series("vllm:hf3fs_num_failed_save_total", "0.20.0"),
    ),
)
_OTHER = Knowledge("see that both sides have the same connector, and reach what it needs")
#: MultiConnector is what its parts are.
MULTI = "MultiConnector"

CONNECTORS: t.Mapping[str, Knowledge] = {
    "NixlConnector": _NIXL,
    "NixlPullConnector": _NIXL,
    "NixlPushConnector": _NIXL,
    "MooncakeConnector": _MOONCAKE,
    "MooncakeStoreConnector": _STORE,
    "LMCacheConnectorV1": _LMCACHE,
    "LMCacheConnector": _LMCACHE,
    "LMCacheMPConnector": _LMCACHE_MP,
    "ExampleConnector": _FILES,
    "SharedStorageConnector": _FILES,
    "HF3FSKVConnector": _HF3FS,
}


@dataclasses.dataclass(frozen=True)
class Expectation:
    """What a service's connector must show.

    connector: as the plan names it. step: tokens that it brings together; 0: a block of the engines. whole: it brings
    every token. sure: its transfers must move, because nothing else can bring cache. series: what is read of it.
    """

    connector: str
    step: int
    whole: bool
    sure: bool
    hints: tuple[str, ...]
    bytes: tuple[Series, ...]
    transfers: tuple[Series, ...]
    failed: tuple[Series, ...]
    expired: tuple[Series, ...]

    def remainder(self, block: int) -> int:
        """How many of a prompt's tokens the decode engine may compute itself. block: tokens of an engine's block.

        One is always computed again, since its answer is the first new token.
        """
        return 1 if self.whole else max(block, self.step)


def expect(connector: str, parts: t.Sequence[str], version: str | None) -> Expectation:
    """What to expect of a connector in a release. parts: of MultiConnector. version: None is not known."""
    names = tuple(parts) if connector == MULTI and parts else (connector,)
    known = [CONNECTORS.get(name, _OTHER) for name in names]
    return Expectation(
        connector=connector,
        step=max(item.step for item in known),
        whole=all(_since(item.whole_since, version) for item in known),
        sure=len(known) == 1,
        hints=tuple(dict.fromkeys(item.hint for item in known)),
        bytes=_each(item.bytes for item in known),
        transfers=_each(item.transfers for item in known),
        failed=_each(item.failed for item in known),
        expired=_each(item.expired for item in known),
    )


def _each(groups: t.Iterable[tuple[Series, ...]]) -> tuple[Series, ...]:
    return tuple(dict.fromkeys(series for group in groups for series in group))


def _since(first: str | None, version: str | None) -> bool:
    return first is not None and version is not None and versions.parse(version) >= versions.parse(first)
