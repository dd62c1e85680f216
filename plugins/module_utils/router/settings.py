# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One front door as the plan holds it: an item of ``hosts.<host>.routers`` (docs/router.md, "The plan's item")."""

from __future__ import annotations

import dataclasses
import typing as t

MODES = ("replicas", "pd")
KINDS = ("serve", "prefill", "decode")
#: What --policy of vllm-router takes, less ``kv_aware``, which needs event sources that the plan does not have.
POLICIES = ("cache_aware", "consistent_hash", "power_of_two", "random", "round_robin", "sticky_least_loaded")
#: What --kv-connector takes. ``nixl`` also serves connectors that need nothing from the router (Example, LMCacheMP).
CONNECTORS = ("nixl", "mooncake", "moriio")


@dataclasses.dataclass(frozen=True)
class Tls:
    """Paths on the host, of PEM files: the certificate with its chain, and its key."""

    certificate: str
    key: str


@dataclasses.dataclass(frozen=True)
class ApiKey:
    """A key that clients may send. name: what logs call it. secret: its reference, never the value."""

    name: str
    secret: str


@dataclasses.dataclass(frozen=True)
class Worker:
    """An engine behind the door. bootstrap_port: Mooncake's, of a prefill engine."""

    url: str
    kind: str = "serve"
    engine: str = ""
    bootstrap_port: int | None = None


@dataclasses.dataclass(frozen=True)
class Limits:
    """What one client cannot exceed. The ``_per_key`` ones count per client address where there are no keys.

    body_bytes, header_bytes: of one request. connections: open at once, all clients together.
    concurrent_per_key: requests at once, those that wait in engines included.
    rate_per_key: requests a second, or None. queue_per_key: how many more wait for their turn at that rate.
    """

    body_bytes: int = 32 * 1024 * 1024
    header_bytes: int = 16 * 1024
    connections: int = 4096
    concurrent_per_key: int = 512
    rate_per_key: int | None = None
    queue_per_key: int = 0


@dataclasses.dataclass(frozen=True)
class Timeouts:
    """Seconds. connect: to a router or engine. answer: to an answer's first byte, and between any two of its bytes.

    request: the longest that an answer may take as a whole; vllm-router cuts it off then.
    header, body: for a request's header, and between two pieces of its body. send: between two pieces that the client
    takes of an answer. idle: a connection without a request. drain: how long a door that stops lets answers end.
    """

    connect: int = 2
    answer: int = 900
    request: int = 3600
    header: int = 10
    body: int = 15
    send: int = 60
    idle: int = 75
    drain: int = 30


@dataclasses.dataclass(frozen=True)
class Health:
    """How vllm-router looks after its workers: seconds, seconds, and looks in a row."""

    interval: int = 2
    timeout: int = 2
    failures: int = 1
    successes: int = 1


@dataclasses.dataclass(frozen=True)
class Ports:
    """What vllm-router listens on, on loopback alone: requests, and its own metrics."""

    router: int
    metrics: int


@dataclasses.dataclass(frozen=True)
class Router:
    """A front door.

    address, port: where clients reach it; the address is one of the host's, or ``0.0.0.0`` or ``::``.
    policy: of vllm-router; prefill_policy, decode_policy: of one side alone, or None.
    connector: what vllm-router speaks between the sides of mode ``pd``; None in mode ``replicas``.
    api_keys: () opens the door to everybody. engine_key: reference of the key that engines want, or None.
    paths: what clients may call; one that ends in ``/`` stands for all below it.
    networks: from where metrics and the list of workers can be read (with a key, where there are keys).
    fallback: whether decode engines answer alone where no prefill engine can (``pd``). Engines of mode ``replicas``
    always answer themselves while vllm-router is down.
    processes: of nginx. environment: the Python environment of vllm-router. user: whom both run as.
    """

    service: str
    mode: str
    address: str
    port: int
    ports: Ports
    workers: tuple[Worker, ...]
    environment: str
    policy: str = "cache_aware"
    prefill_policy: str | None = None
    decode_policy: str | None = None
    connector: str | None = None
    tls: Tls | None = None
    api_keys: tuple[ApiKey, ...] = ()
    engine_key: str | None = None
    paths: tuple[str, ...] = ("/v1/", "/health")
    networks: tuple[str, ...] = ()
    limits: Limits = Limits()
    timeouts: Timeouts = Timeouts()
    health: Health = Health()
    fallback: bool = True
    processes: int = 2
    user: str = "vllm-door"

    def document(self) -> dict[str, t.Any]:
        """The plan's item: what parse() reads."""
        document: dict[str, t.Any] = _plain(dataclasses.asdict(self))
        return document

    def of_kind(self, kind: str) -> tuple[Worker, ...]:
        return tuple(worker for worker in self.workers if worker.kind == kind)

    @property
    def answering(self) -> tuple[Worker, ...]:
        """The engines that can answer a client by themselves."""
        return self.of_kind("serve" if self.mode == "replicas" else "decode")


def _plain(value: t.Any) -> t.Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value
