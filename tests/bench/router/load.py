# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks for completions over connections that stay open, and prints one line of JSON.

Usage: python load.py PORT KEY CLIENTS REQUESTS STREAM(0|1)

{"per_second": …, "ttft_p50_ms": …, "ttft_p99_ms": …, "errors": …}: until the first byte of the answer's body.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

_PROMPT = "hello world " * 34


class Load:
    """One measurement."""

    def __init__(self, port: int, key: str, requests: int, stream: bool) -> None:
        body = json.dumps({"model": "m", "prompt": _PROMPT, "max_tokens": 64, "stream": stream}).encode()
        head = f"POST /v1/completions HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self._request = head.encode() + body
        self._port, self._left = port, requests
        self.first: list[float] = []
        self.errors = 0

    async def client(self) -> None:
        """Asks until nothing is left to ask."""
        pair = None
        while self._left > 0:
            self._left -= 1
            try:
                pair = pair or await asyncio.open_connection("127.0.0.1", self._port)
                await self._ask(*pair)
            except (OSError, EOFError, ValueError):
                self.errors += 1
                pair = None
        if pair:
            pair[1].close()

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        began = time.perf_counter()
        writer.write(self._request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        if b" 200 " not in head[:16]:
            raise ValueError(head)
        body = await reader.read(1)
        self.first.append(time.perf_counter() - began)
        _before, chunked, _after = head.partition(b"transfer-encoding: chunked")
        if chunked:
            while not body.endswith(b"0\r\n\r\n"):
                more = await reader.read(65536)
                if not more:
                    raise EOFError
                body = body[-8:] + more
        else:
            size = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
            await reader.readexactly(size - 1)


async def measure(port: int, key: str, clients: int, requests: int, stream: bool) -> dict[str, float]:
    """What the module prints."""
    load = Load(port, key, requests, stream)
    began = time.perf_counter()
    await asyncio.gather(*(load.client() for _client in range(clients)))
    seconds = time.perf_counter() - began
    first = sorted(load.first) or [0.0]
    return {
        "per_second": len(load.first) / seconds,
        "ttft_p50_ms": 1000 * first[len(first) // 2],
        "ttft_p99_ms": 1000 * first[len(first) * 99 // 100],
        "errors": load.errors,
    }


if __name__ == "__main__":
    _port, _key, _clients, _requests, _stream = sys.argv[1:]
    print(json.dumps(asyncio.run(measure(int(_port), _key, int(_clients), int(_requests), _stream == "1"))))
