# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small real HTTP server in a thread that answers as vLLM does, or as a broken vLLM does."""

from __future__ import annotations

import http.server
import json
import sys
import threading
import time
import typing as t

import pytest


class FakeVllm(http.server.ThreadingHTTPServer):
    """``key``: the API key it wants. ``faults``: path -> fault. ``seen``: (method, path, Authorization, body)."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.key: str | None = None
        self.model = "tiny"
        self.faults: dict[str, str] = {}
        self.seen: list[tuple[str, str, str | None, t.Any]] = []
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def handle_error(self, *args: t.Any) -> None:
        """A client that waits no longer is what some tests are about; other errors are told as usual."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(*args)

    @property
    def port(self) -> int:
        return self.server_address[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: FakeVllm
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(None)

    def do_POST(self) -> None:
        self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _answer(self, body: t.Any) -> None:
        authorization = self.headers.get("Authorization")
        self.server.seen.append((self.command, self.path, authorization, body))
        fault = self.server.faults.get(self.path, "")
        if fault == "hang":
            time.sleep(30)
        if fault == "drip":  # a byte now and then, never a whole answer
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            for _byte in range(100):
                self.wfile.write(b"x")
                self.wfile.flush()
                time.sleep(0.1)
        if fault == "close":
            self.close_connection = True
            return
        if fault.isdigit():
            self._send(int(fault), {"error": {"message": f"made to say {fault}"}})
        elif self.path.startswith("/v1/") and self.server.key and authorization != f"Bearer {self.server.key}":
            self._send(401, {"error": "Unauthorized"})
        elif self.path == "/health":
            self._send(200, None)
        elif self.path == "/v1/models":
            self._send(200, {"data": [] if fault == "empty" else [{"id": self.server.model}]})
        elif body and body["model"] != self.server.model:
            self._send(404, {"error": {"message": f"The model `{body['model']}` does not exist."}})
        elif body and body.get("stream"):
            self._stream(fault)
        elif self.path in ("/v1/completions", "/v1/chat/completions"):
            self._send(200, self._completion(body, fault))
        else:
            self._send(404, {"detail": "Not Found"})

    def _completion(self, body: t.Any, fault: str) -> t.Any:
        if fault == "error in 200":
            return {"error": "Unauthorized"}
        tokens = 0 if fault == "no token" else body["max_tokens"]
        said = {"message": {"content": None, "reasoning": "so"}} if "messages" in body else {"text": " fox" * tokens}
        if "messages" in body and fault != "reasoning":
            said = {"message": {"content": "hi"}}
        return {"choices": [said], "usage": {"completion_tokens": tokens}}

    def _stream(self, fault: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for word in ("a", "b"):
            self.wfile.write(f'data: {{"choices":[{{"text":"{word}"}}]}}\n\n'.encode())
        if fault != "cut":
            self.wfile.write(b"data: [DONE]\n\n")
        self.close_connection = True

    def _send(self, status: int, document: t.Any) -> None:
        data = b"" if document is None else json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: t.Any) -> None:
        """Keep pytest's output clean."""


@pytest.fixture
def fake_vllm() -> t.Iterator[FakeVllm]:
    server = FakeVllm()
    yield server
    server.shutdown()
    server.server_close()
