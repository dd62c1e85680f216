# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx.conf of a front door, for nginx 1.18 and newer. Secrets are in the file it includes (keys.py).

Nothing of the answers is buffered, since they are streams; every request is, so that it can be sent a second time.
A request is sent on until an answer's first byte came: to vllm-router twice (its workers may just have died), then to
engines that answer by themselves. It is never sent twice after that.
"""

from __future__ import annotations

import json
import typing as t
from urllib.parse import urlsplit

from . import answers, places
from .settings import Router, Worker

#: How often a request is tried at engines when vllm-router has none to offer.
_ENGINE_TRIES = 2
#: Requests a second with wrong keys, of one address, and how many more at once.
_GUESSES, _MORE_GUESSES = 10, 100
#: An engine closes a connection that is idle for 5 s; one that is taken up again just then fails.
_ENGINE_IDLE_S = 4


def text(router: Router) -> str:
    """The file ``places.config(router.service)``; keys.text() stands beside it."""
    blocks = [*_main(router), "http {", *_indent(_http(router)), "}"]
    return "\n".join(blocks) + "\n"


def _main(router: Router) -> list[str]:
    # Each request to an engine is a second connection.
    each = 2 * router.limits.connections + 64
    return [
        "# Written by vllm.cluster; changes here are lost.",
        f"user {router.user};",
        f"worker_processes {router.processes};",
        f"worker_rlimit_nofile {2 * each};",
        f"worker_shutdown_timeout {router.timeouts.drain}s;",
        "pcre_jit on;",
        "error_log stderr warn;",
        "events {",
        f"    worker_connections {each};",
        "}",
    ]


def _http(router: Router) -> list[str]:
    return [
        f"include {places.KEYS};",
        *_variables(router),
        *_upstreams(router),
        *_log(),
        *_connection(router),
        *_sending(router),
        "server {",
        *_indent(_server(router)),
        "}",
    ]


def _variables(router: Router) -> list[str]:
    counted = "$vllm_key" if router.api_keys else "$binary_remote_addr"
    lines = [
        # A client's own request id is kept where it cannot harm a log.
        "map $http_x_request_id $vllm_request_id {",
        "    default $request_id;",
        '    "~^[A-Za-z0-9._-]{1,128}$" $http_x_request_id;',
        "}",
        # Whoever has a right key is not counted here, whatever others at the same address do.
        "map $vllm_key $vllm_stranger {",
        '    default "";',
        '    "" $binary_remote_addr;',
        "}",
        f"limit_req_zone $vllm_stranger zone=strangers:2m rate={_GUESSES}r/s;",
        f"limit_conn_zone {counted} zone=concurrent:8m;",
        "limit_conn_status 429;",
        "limit_req_status 429;",
    ]
    if router.limits.rate_per_key is not None:
        lines += [f"limit_req_zone {counted} zone=rate:8m rate={router.limits.rate_per_key}r/s;"]
    return lines


def _upstreams(router: Router) -> list[str]:
    door = f"server 127.0.0.1:{router.ports.router} max_fails=0;"
    spare = [f"{_server_of(worker)} backup;" for worker in router.answering] if _has_spare(router) else []
    engines = [f"{_server_of(worker)};" for worker in router.answering]
    return [
        *_upstream("router", [door, door, *spare]),
        *_upstream("engines", engines),
    ]


def _has_spare(router: Router) -> bool:
    return router.mode == "replicas" or router.fallback


def _server_of(worker: Worker) -> str:
    return f"server {urlsplit(worker.url).netloc} max_fails=3 fail_timeout=3s"


def _upstream(name: str, servers: t.Sequence[str]) -> list[str]:
    kept = ["keepalive 256;", f"keepalive_timeout {_ENGINE_IDLE_S}s;", "keepalive_requests 100000;"]
    return [f"upstream {name} {{", *_indent([f"zone {name} 256k;", "least_conn;", *servers, *kept]), "}"]


def _log() -> list[str]:
    """One line of JSON a request, without its body and its query."""
    fields = {
        "request_id": "$vllm_request_id",
        "client": "$remote_addr",
        "key": "$vllm_key",
        "method": "$request_method",
        "path": "$uri",
        "status": "$status",
        "bytes_in": "$request_length",
        "bytes_out": "$bytes_sent",
        "seconds": "$request_time",
        "first_byte": "$upstream_header_time",
        "tried": "$upstream_addr",
        "answers": "$upstream_status",
    }
    return [
        f"log_format line escape=json '{json.dumps(fields)}';",
        "access_log syslog:server=unix:/dev/log,nohostname,tag=vllm_door line;",
    ]


def _connection(router: Router) -> list[str]:
    limits, timeouts = router.limits, router.timeouts
    # Four buffers: one line of a header is at most a quarter of it.
    return [
        "server_tokens off;",
        "default_type application/json;",
        "tcp_nodelay on;",
        "reset_timedout_connection on;",
        f"client_max_body_size {limits.body_bytes};",
        f"client_body_buffer_size {min(limits.body_bytes, 1024 * 1024)};",
        f"large_client_header_buffers 4 {limits.header_bytes // 4};",
        f"client_header_timeout {timeouts.header}s;",
        f"client_body_timeout {timeouts.body}s;",
        f"send_timeout {timeouts.send}s;",
        f"keepalive_timeout {timeouts.idle}s;",
        "keepalive_requests 100000;",
        *(f"{name}_temp_path {name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")),
    ]


def _sending(router: Router) -> list[str]:
    timeouts = router.timeouts
    return [
        "proxy_http_version 1.1;",
        "proxy_buffering off;",
        "proxy_buffer_size 16k;",
        "proxy_buffers 4 16k;",
        "proxy_socket_keepalive on;",
        f"proxy_connect_timeout {timeouts.connect}s;",
        f"proxy_read_timeout {timeouts.answer}s;",
        f"proxy_send_timeout {timeouts.send}s;",
        "proxy_next_upstream error timeout http_500 http_502 http_503 http_504 non_idempotent;",
        f"proxy_next_upstream_tries {2 + (_ENGINE_TRIES if _has_spare(router) else 0)};",
        'proxy_set_header Connection "";',
        "proxy_set_header Host $host;",
        "proxy_set_header Authorization $vllm_engine_authorization;",
        "proxy_set_header X-Request-Id $vllm_request_id;",
        'proxy_set_header Accept-Encoding "";',
        *(f"proxy_hide_header {name};" for name in _HIDDEN),
    ]


#: Of engines and router: who they are, and that any page of the web may read their answers.
_HIDDEN = (
    "X-Request-Id",
    "Vary",
    "Access-Control-Allow-Origin",
    "Access-Control-Expose-Headers",
    "Access-Control-Allow-Credentials",
)


def _server(router: Router) -> list[str]:
    address = f"[{router.address}]" if ":" in router.address else router.address
    return [
        f"listen {address}:{router.port}{' ssl http2' if router.tls else ''} backlog=4096;",
        *_tls(router),
        "add_header X-Request-Id $vllm_request_id always;",
        *answers.pages(answers.OWN),
        "error_page 401 = @stranger;",
        # @stranger and @again end with an error of their own.
        "recursive_error_pages on;",
        'if ($vllm_key = "") {',
        "    return 401;",
        "}",
        *answers.locations(),
        *_strangers(),
        *_again(),
        *_operators(router),
        *_clients(router),
        "location / {",
        "    return 404;",
        "}",
    ]


def _strangers() -> list[str]:
    """No right key: 401, and after some of them 429. A return would come before the limit, so the door denies."""
    return [
        "location @stranger {",
        "    error_log stderr crit;",
        f"    limit_req zone=strangers burst={_MORE_GUESSES} nodelay;",
        "    recursive_error_pages on;",
        *_indent(answers.pages({401: (403,), 429: (429,)})),
        "    deny all;",
        "}",
    ]


def _again() -> list[str]:
    """A request that vllm-router or an engine could not read: an engine says why, in vLLM's form."""
    return [
        "location @again {",
        "    recursive_error_pages on;",
        "    error_page 418 = @malformed;",
        *_indent(answers.pages(answers.REPLACED)),
        # nginx's own refusal, of a body that cannot be sent on.
        '    if ($upstream_status = "") {',
        "        return 418;",
        "    }",
        # So that engines see the path as it was compared.
        "    rewrite ^ $uri break;",
        "    proxy_pass http://engines;",
        "    proxy_intercept_errors on;",
        "}",
    ]


def _tls(router: Router) -> list[str]:
    if router.tls is None:
        return []
    return [
        f"ssl_certificate {router.tls.certificate};",
        f"ssl_certificate_key {router.tls.key};",
        "ssl_protocols TLSv1.2 TLSv1.3;",
        "ssl_session_cache shared:tls:5m;",
        "ssl_session_tickets off;",
    ]


def _operators(router: Router) -> list[str]:
    allowed = [*(f"allow {network};" for network in router.networks), "deny all;"]
    pages = {
        "/-/metrics": f"proxy_pass http://127.0.0.1:{router.ports.metrics}/metrics;",
        "/-/workers": f"proxy_pass http://127.0.0.1:{router.ports.router}/workers;",
        "/-/door": "stub_status;",
    }
    lines = []
    for path, does in pages.items():
        lines += [f"location = {path} {{", *_indent(["limit_except GET { deny all; }", *allowed, does]), "}"]
    return lines


def _clients(router: Router) -> list[str]:
    """The paths of clients. What proxy_pass is given replaces the path, so that engines see it as it was compared."""
    lines = []
    # The router answers these for all its workers or for one side alone: an engine says it better.
    for path in ("/health", "/v1/models"):
        if any(path == allowed or (allowed.endswith("/") and path.startswith(allowed)) for allowed in router.paths):
            lines += _location(router, f"= {path}", f"proxy_pass http://engines{path};", limited=False)
    for path in router.paths:
        if path not in ("/health", "/v1/models"):
            match = path if path.endswith("/") else f"= {path}"
            lines += _location(router, match, f"proxy_pass http://router{path};", limited=True)
    return lines


def _location(router: Router, match: str, does: str, limited: bool) -> list[str]:
    lines = [does]
    if limited:
        lines += [f"limit_conn concurrent {router.limits.concurrent_per_key};"]
        if router.limits.rate_per_key is not None:
            wait = f" burst={router.limits.queue_per_key}" if router.limits.queue_per_key else ""
            lines += [f"limit_req zone=rate{wait};"]
        # vllm-router tells these in words of its own, and as plain text.
        lines += ["error_page 400 415 422 = @again;", *_without_addresses(router)]
    return [
        f"location {match} {{",
        *_indent([*lines, "proxy_intercept_errors on;", *answers.pages(answers.REPLACED)]),
        "}",
    ]


def _without_addresses(router: Router) -> list[str]:
    """vllm-router names both engines in the request's id, which they put into the id of their answer."""
    if router.mode != "pd":
        return []
    marks = [f"___prefill_addr_{urlsplit(worker.url).netloc}" for worker in router.of_kind("prefill")]
    marks += [f"___decode_addr_{urlsplit(worker.url).netloc}_" for worker in router.of_kind("decode")]
    return [
        "sub_filter_types application/json text/event-stream;",
        "sub_filter_once off;",
        *(f"sub_filter '{mark}' '';" for mark in marks),
    ]


def _indent(lines: t.Iterable[str]) -> list[str]:
    return [f"    {line}" for line in lines]
