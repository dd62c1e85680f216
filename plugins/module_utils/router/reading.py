# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan's item -> Router. Values become lines of nginx.conf, so each is held to its form here."""

from __future__ import annotations

import dataclasses
import ipaddress
import re
import typing as t
from urllib.parse import urlsplit

from .settings import (
    CONNECTORS,
    KINDS,
    MODES,
    POLICIES,
    ApiKey,
    Health,
    Limits,
    Ports,
    Router,
    Timeouts,
    Tls,
    Worker,
)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*", re.ASCII)
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?", re.ASCII)
_FILE = re.compile(r"/[A-Za-z0-9._@+:,=/-]*", re.ASCII)
_PATH = re.compile(r"/[A-Za-z0-9._~/-]*", re.ASCII)
_USER = re.compile(r"[a-z_][a-z0-9_-]*", re.ASCII)
_LIMIT = 2**31 - 1

T = t.TypeVar("T")
Check = t.Callable[[str, t.Any], t.Any]


class RouterError(Exception):
    """A front door that cannot be. path: of the value, such as ``limits.body_bytes``."""

    def __init__(self, path: str, problem: str) -> None:
        self.path = path
        super().__init__(f"{path}: {problem}")


def parse(item: t.Any) -> Router:
    """The front door that an item of the plan describes. Raises RouterError naming the value's path."""
    router = _group("", Router, item, _ROUTER)
    _whole(router)
    return router


def _whole(router: Router) -> None:
    """What several values say together."""
    kinds = {worker.kind for worker in router.workers}
    wanted = {"serve"} if router.mode == "replicas" else {"prefill", "decode"}
    if kinds != wanted:
        raise RouterError("workers", f"mode {router.mode} is of workers of the kind {' and '.join(sorted(wanted))}")
    if (router.connector is None) != (router.mode == "replicas"):
        raise RouterError("connector", "mode pd needs one of " + ", ".join(CONNECTORS) + ", mode replicas none")
    for index, worker in enumerate(router.workers):
        if worker.bootstrap_port is not None and worker.kind != "prefill":
            raise RouterError(f"workers[{index}].bootstrap_port", "only prefill engines have one")
        if worker.bootstrap_port is None and worker.kind == "prefill" and router.connector == "mooncake":
            raise RouterError(f"workers[{index}].bootstrap_port", "mooncake needs that of each prefill engine")
    _once("workers", [worker.url for worker in router.workers])
    _once("api_keys", [key.name for key in router.api_keys])
    _once("ports", [router.port, router.ports.router, router.ports.metrics])
    if router.limits.queue_per_key and router.limits.rate_per_key is None:
        raise RouterError("limits.queue_per_key", "nobody waits for a turn without rate_per_key")


def _once(path: str, values: t.Sequence[t.Any]) -> None:
    twice = sorted({str(value) for value in values if values.count(value) > 1})
    if twice:
        raise RouterError(path, f"{twice[0]} stands there twice")


def _group(path: str, kind: t.Callable[..., T], value: t.Any, checks: t.Mapping[str, Check]) -> T:
    if not isinstance(value, t.Mapping):
        raise RouterError(path or "routers", "must be a mapping")
    prefix = f"{path}." if path else ""
    for key in value:
        if key not in checks:
            raise RouterError(f"{prefix}{key}", "no such key; one of " + ", ".join(checks))
    fields = t.cast("t.Any", kind)
    for field in dataclasses.fields(fields):
        if field.default is dataclasses.MISSING and field.name not in value:
            raise RouterError(f"{prefix}{field.name}", "missing")
    return kind(**{key: checks[key](f"{prefix}{key}", given) for key, given in value.items()})


def _of(kind: t.Callable[..., t.Any], checks: t.Mapping[str, Check]) -> Check:
    return lambda path, value: _group(path, kind, value, checks)


def _maybe(check: Check) -> Check:
    return lambda path, value: None if value is None else check(path, value)


def _list(check: Check, least: int = 0) -> Check:
    def checked(path: str, value: t.Any) -> tuple[t.Any, ...]:
        if not isinstance(value, (list, tuple)) or len(value) < least:
            raise RouterError(path, "must be a list" + (" that is not empty" if least else ""))
        return tuple(check(f"{path}[{index}]", item) for index, item in enumerate(value))

    return checked


def _number(least: int, most: int = _LIMIT) -> Check:
    def checked(path: str, value: t.Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise RouterError(path, f"{value!r} is no whole number from {least} to {most}")
        return value

    return checked


def _form(pattern: t.Pattern[str], called: str) -> Check:
    def checked(path: str, value: t.Any) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise RouterError(path, f"{value!r} is no {called}")
        return value

    return checked


def _one_of(values: t.Sequence[str]) -> Check:
    def checked(path: str, value: t.Any) -> str:
        if value not in values:
            raise RouterError(path, f"{value!r} is none of {', '.join(values)}")
        return str(value)

    return checked


def _flag(path: str, value: t.Any) -> bool:
    if not isinstance(value, bool):
        raise RouterError(path, f"{value!r} is neither true nor false")
    return value


def _address(path: str, value: t.Any) -> str:
    try:
        return str(ipaddress.ip_address(value if isinstance(value, str) else ""))
    except ValueError:
        raise RouterError(path, f"{value!r} is no IP address") from None


def _network(path: str, value: t.Any) -> str:
    try:
        return str(ipaddress.ip_network(value if isinstance(value, str) else ""))
    except ValueError:
        raise RouterError(path, f"{value!r} is no network, such as 192.0.2.0/24") from None


def _url(path: str, value: t.Any) -> str:
    """``http://host:port`` and nothing more: it becomes a server of an nginx upstream."""
    wrong = RouterError(path, f"{value!r} is not of the form http://host:port")
    try:
        parts = urlsplit(value if isinstance(value, str) else "")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise wrong from None
    shown = f"[{host}]" if ":" in host else host
    if not port or value != f"http://{shown}:{port}":
        raise wrong
    if ":" in host:
        _address(path, host)
    elif not _HOST.fullmatch(host):
        raise wrong
    return str(value)


_PORT = _number(1, 65535)
_SECONDS = _number(1, 7 * 24 * 3600)
_REFERENCE = _form(re.compile(r"[^\s]+"), "reference of a secret")
_TLS = {name: _form(_FILE, "absolute path of plain letters") for name in ("certificate", "key")}
_KEY = {"name": _form(_NAME, "name"), "secret": _REFERENCE}
_WORKER = {
    "url": _url,
    "kind": _one_of(KINDS),
    "engine": _form(re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)?", re.ASCII), "engine's name"),
    "bootstrap_port": _maybe(_PORT),
}
_LIMITS = {
    "body_bytes": _number(1024),
    "header_bytes": _number(4096, 1024 * 1024),
    "connections": _number(16, 1_000_000),
    "concurrent_per_key": _number(1, 65535),
    "rate_per_key": _maybe(_number(1, 1_000_000)),
    "queue_per_key": _number(0, 1_000_000),
}
_ROUTER: dict[str, Check] = {
    "service": _form(_NAME, "service's name"),
    "mode": _one_of(MODES),
    "address": _address,
    "port": _PORT,
    "ports": _of(Ports, {"router": _PORT, "metrics": _PORT}),
    "workers": _list(_of(Worker, _WORKER), least=1),
    "environment": _form(_FILE, "absolute path of plain letters"),
    "policy": _one_of(POLICIES),
    "prefill_policy": _maybe(_one_of(POLICIES)),
    "decode_policy": _maybe(_one_of(POLICIES)),
    "connector": _maybe(_one_of(CONNECTORS)),
    "tls": _maybe(_of(Tls, _TLS)),
    "api_keys": _list(_of(ApiKey, _KEY)),
    "engine_key": _maybe(_REFERENCE),
    "paths": _list(_form(_PATH, "path of plain letters"), least=1),
    "networks": _list(_network),
    "limits": _of(Limits, _LIMITS),
    "timeouts": _of(Timeouts, {field.name: _SECONDS for field in dataclasses.fields(Timeouts)}),
    "health": _of(Health, {field.name: _SECONDS for field in dataclasses.fields(Health)}),
    "fallback": _flag,
    "processes": _number(1, 1024),
    "user": _form(_USER, "user's name"),
}
