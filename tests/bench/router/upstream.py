# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for an engine, for load only: it answers at once, so that what is measured is what stands before it.

Usage: python upstream.py PORT

Answers with 64 tokens, or as a prefill engine with what Nixl's would say; streams one token a turn of its loop.
"""

from __future__ import annotations

import asyncio
import json
import sys

TOKENS = 64
_TRANSFER = {
    "do_remote_prefill": True,
    "do_remote_decode": False,
    "remote_block_ids": [[1, 2, 3]],
    "remote_engine_id": "engine",
    "remote_request_id": "request",
    "remote_host": "127.0.0.1",
    "remote_port": 1,
    "tp_size": 1,
}


def _completion(text: str) -> dict[str, object]:
    choice = {"index": 0, "text": text, "logprobs": None, "finish_reason": None}
    return {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m", "choices": [choice]}


def _page(value: object) -> bytes:
    body = json.dumps(value).encode()
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)


def _chunk(text: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(text), text)


_WHOLE = _page({**_completion(" word" * TOKENS), "usage": {"completion_tokens": TOKENS}})
_PREFILLED = _page({**_completion(" word"), "kv_transfer_params": _TRANSFER})
_PAGES = {
    b"/health": _page({}),
    b"/metrics": _page({}),
    b"/v1/models": _page({"object": "list", "data": [{"id": "m", "object": "model"}]}),
}
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n"
_TOKEN = _chunk(b"data: %s\n\n" % json.dumps(_completion(" word")).encode())
_END = _chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n"


class Engine(asyncio.Protocol):
    """One connection; requests have a Content-Length."""

    def __init__(self) -> None:
        self._data = b""
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, _exc: Exception | None) -> None:
        for task in self._tasks:
            task.cancel()

    def data_received(self, data: bytes) -> None:
        self._data += data
        head, found, rest = self._data.partition(b"\r\n\r\n")
        if not found:
            return
        size = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
        if len(rest) < size:
            return
        self._data = rest[size:]
        path = head.split(b" ", 2)[1].partition(b"?")[0]
        if path in _PAGES:
            self._transport.write(_PAGES[path])
        else:
            self._answer(json.loads(rest[:size] or b"{}"))

    def _answer(self, asked: dict[str, object]) -> None:
        transfer = asked.get("kv_transfer_params")
        if isinstance(transfer, dict) and transfer.get("do_remote_decode"):
            self._transport.write(_PREFILLED)
        elif asked.get("stream"):
            task = asyncio.ensure_future(self._stream())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            self._transport.write(_WHOLE)

    async def _stream(self) -> None:
        self._transport.write(_HEAD)
        for _token in range(TOKENS):
            self._transport.write(_TOKEN)
            await asyncio.sleep(0)
        self._transport.write(_END)


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Engine, "127.0.0.1", port, backlog=2048)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
