# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small real HTTP servers that answer and count as prefill and decode engines of vLLM do, and a front door."""

from __future__ import annotations

import hashlib
import http.client
import http.server
import json
import threading
import typing as t

import pytest

BLOCK = 16
KEY, ENGINE_KEY = "sk-client-1234567890", "sk-engine-0987654321"
#: Where a release counts what: by source (0.16), by hits alone (0.11.1), or not at all.
BY_SOURCE, BY_HITS, NOWHERE = "0.32.0", "0.12.0", "0.10.0"


def tokens_of(prompt: str) -> list[str]:
    """A token for each five characters."""
    return [prompt[at : at + 5] for at in range(0, len(prompt), 5)]


def ids_of(prompt: str, count: int) -> list[int]:
    """What the model says."""
    return [hashlib.sha256(f"{prompt}{at}".encode()).digest()[0] for at in range(count)]


class Server(http.server.ThreadingHTTPServer):
    """seen: (path, Authorization, body) of every request. fault: path -> status."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[tuple[str, str | None, t.Any]] = []
        self.faults: dict[str, int] = {}
        self.key: str | None = None
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def answer(self, path: str, body: t.Any) -> tuple[int, t.Any]:
        raise NotImplementedError


class Handler(http.server.BaseHTTPRequestHandler):
    """Hands a request on to its server."""

    server: Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(None)

    def do_POST(self) -> None:
        self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _answer(self, body: t.Any) -> None:
        authorization = self.headers.get("Authorization")
        self.server.seen.append((self.path, authorization, body))
        status, document = self.server.faults.get(self.path, 0), {"error": {"message": "made to fail"}}
        if not status and self.server.key and self.path != "/metrics" and authorization != f"Bearer {self.server.key}":
            status, document = 401, {"error": "Unauthorized"}
        if not status:
            status, document = self.server.answer(self.path, body)
        data = document.encode() if isinstance(document, str) else json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: t.Any) -> None:
        """Keep pytest's output clean."""


class Engine(Server):
    """An engine with a connector as NIXL's: it fetches what a request's kv_transfer_params name.

    cache: whole prompts, while it remembers them. lost: whether it fetches nothing in spite of what it is told.
    store: what it shares with others, and looks into without being told (as LMCache and ExampleConnector do), by whole
    blocks.
    """

    def __init__(self, release: str) -> None:
        super().__init__()
        self.release = release
        self.lock = threading.Lock()
        self.counts: dict[str, float] = {}
        self.cache: set[str] = set()
        self.store: set[str] | None = None
        self.remembers = True
        self.lost = False
        self.wrong = False
        self.max_model_len = 4096
        self.transfers_counted = True

    def answer(self, path: str, body: t.Any) -> tuple[int, t.Any]:
        if path == "/metrics":
            return 200, self.page()
        if path == "/v1/models":
            return 200, {"data": [{"id": "tiny", "max_model_len": self.max_model_len}]}
        return self.complete(body)

    def complete(self, body: t.Any) -> tuple[int, t.Any]:
        prompt, count = body["prompt"], len(tokens_of(body["prompt"]))
        if count + body["max_tokens"] > self.max_model_len:
            return 400, {"error": {"message": "too long"}}
        params = body.get("kv_transfer_params") or {}
        with self.lock:
            cached = count if prompt in self.cache else 0
            external = self.fetched(prompt, count, params) if not cached else 0
            if self.remembers:
                self.cache.add(prompt)
            if self.store is not None:
                self.store.add(prompt)
            self.add(count, cached, external)
        ids = ids_of(prompt, body["max_tokens"])
        if external and self.wrong:
            ids[-1] += 1
        names = [f"token_id:{number}" for number in ids]
        said: dict[str, t.Any] = {
            "choices": [
                {
                    "text": "x" * len(ids),
                    "token_ids": ids,
                    "logprobs": {
                        "tokens": names,
                        "top_logprobs": [{name: -0.01, "token_id:999": -5.0} for name in names],
                    },
                }
            ],
            "usage": {"prompt_tokens": count, "completion_tokens": len(ids)},
        }
        if params.get("do_remote_decode"):
            said["kv_transfer_params"] = {"do_remote_prefill": True, "remote_prompt": prompt}
        return 200, said

    def fetched(self, prompt: str, count: int, params: dict[str, t.Any]) -> int:
        if self.lost:
            return 0
        if params.get("do_remote_prefill"):
            return count
        return (count - 1) // BLOCK * BLOCK if self.store is not None and prompt in self.store else 0

    def add(self, prompt: int, cached: int, external: int) -> None:
        more = {"prompt": prompt, "cached": cached, "external": external, "computed": prompt - cached - external}
        more["bytes"], more["transfers"] = 64 * external, 1 if external else 0
        for name, count in more.items():
            self.counts[name] = self.counts.get(name, 0) + count

    def page(self) -> str:
        """Two ranks of one engine, of which the second has done nothing."""
        with self.lock:
            told = {name: self.counts.get(name, 0) for name in ("prompt", "cached", "external", "computed")}
            lines = [
                f'vllm:cache_config_info{{block_size="{BLOCK}",engine="0"}} 1.0',
                f'vllm:prompt_tokens_total{{engine="0",model_name="tiny"}} {told["prompt"]}',
                'vllm:prompt_tokens_total{engine="1",model_name="tiny"} 0.0',
                f'vllm:prefix_cache_hits_total{{engine="0"}} {told["cached"]}',
                f'vllm:num_requests_running{{engine="0"}} {self.counts.get("running", 0)}',
            ]
            if self.release != NOWHERE:
                lines.append(f'vllm:external_prefix_cache_hits_total{{engine="0"}} {told["external"]}')
            if self.release == BY_SOURCE:
                sources = {"local_compute": "computed", "local_cache_hit": "cached", "external_kv_transfer": "external"}
                lines += [
                    f'vllm:prompt_tokens_by_source_total{{engine="0",source="{source}"}} {told[name]}'
                    for source, name in sources.items()
                ]
            if self.release != NOWHERE and self.transfers_counted:
                lines += [
                    f'vllm:nixl_bytes_transferred_sum{{engine="0"}} {self.counts.get("bytes", 0)}',
                    f'vllm:nixl_xfer_time_seconds_count{{engine="0"}} {self.counts.get("transfers", 0)}',
                    f'vllm:nixl_num_failed_transfers_total{{engine="0"}} {self.counts.get("failed", 0)}',
                    f'vllm:nixl_num_kv_expired_reqs_total{{engine="0"}} {self.counts.get("expired", 0)}',
                ]
        return "\n".join([*lines, ""])


class Door(Server):
    """The front door. mode: pd (speaks NIXL's protocol), plain (hands requests on as they are), alone (decode only).

    beside: called for each request, as what other clients do meanwhile.
    """

    def __init__(self, prefill: list[Engine], decode: list[Engine]) -> None:
        super().__init__()
        self.prefill, self.decode = prefill, decode
        self.mode = "pd"
        self.turn = 0
        self.beside: t.Callable[[], None] = lambda: None

    def answer(self, path: str, body: t.Any) -> tuple[int, t.Any]:
        if path != "/v1/completions":
            return 404, {"error": {"message": "not a path of clients"}}
        self.turn += 1
        reader, writer = self.prefill[self.turn % len(self.prefill)], self.decode[self.turn % len(self.decode)]
        params: dict[str, t.Any] = {}
        if self.mode != "alone":
            asked = {**body, "max_tokens": 1}
            if self.mode == "pd":
                asked["kv_transfer_params"] = {"do_remote_decode": True}
            params = post(reader, asked)[1].get("kv_transfer_params") or {}
        self.beside()
        return post(writer, {**body, "kv_transfer_params": params} if params else body)


def post(engine: Engine, body: t.Any) -> tuple[int, t.Any]:
    connection = http.client.HTTPConnection("127.0.0.1", engine.server_address[1], timeout=10)
    connection.request("POST", "/v1/completions", json.dumps(body), {"Authorization": f"Bearer {engine.key}"})
    response = connection.getresponse()
    document = json.loads(response.read())
    connection.close()
    return response.status, document


class Pd:
    """A service with two engines on each side."""

    def __init__(self, release: str = BY_SOURCE) -> None:
        self.prefill = [Engine(release) for _number in range(2)]
        self.decode = [Engine(release) for _number in range(2)]
        self.door = Door(self.prefill, self.decode)
        self.door.key = KEY
        for engine in self.engines:
            engine.key = ENGINE_KEY

    @property
    def engines(self) -> list[Engine]:
        return [*self.prefill, *self.decode]

    def share(self) -> None:
        """One store for all engines, in place of NIXL."""
        store: set[str] = set()
        for engine in self.engines:
            engine.store, engine.transfers_counted = store, False
        self.door.mode = "plain"

    def item(self, connector: str = "NixlConnector", **changes: t.Any) -> dict[str, t.Any]:
        """The module's item of it."""
        sides = {"prefill": self.prefill, "decode": self.decode}
        engines = [
            {"name": f"chat-{side}-{number}", "side": side, "urls": [engine.url]}
            for side, mine in sides.items()
            for number, engine in enumerate(mine)
        ]
        item = {"name": "chat", "url": self.door.url, "model": "tiny", "connector": connector, "engines": engines}
        return {**item, "version": self.prefill[0].release, **changes}

    def close(self) -> None:
        for server in (self.door, *self.engines):
            server.shutdown()
            server.server_close()


@pytest.fixture
def fake_pd() -> t.Iterator[t.Callable[..., Pd]]:
    made: list[Pd] = []

    def make(release: str = BY_SOURCE) -> Pd:
        made.append(Pd(release))
        return made[-1]

    yield make
    for service in made:
        service.close()
