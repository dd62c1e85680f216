# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all the hubs of the tests share: a real web server, and the ways in which it can fail."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import http.server
import re
import threading
import time
import typing as t
import urllib.parse
from pathlib import Path

_BLOCK = 2**16
_HELD_S = 120  # a test that forgets an answer does not keep its thread


@dataclasses.dataclass
class Fault:
    """What goes wrong with a file: times over, then no more.

    cut: bytes of an answer, after which the connection is closed. status: answers that and no file. spoil: another
    content of the same length.
    """

    times: int = 1
    cut: int | None = None
    status: int | None = None
    spoil: bool = False


class Hub(http.server.ThreadingHTTPServer):
    """Serves root/<owner>/<name>/. faults, told_sizes (lies): by file path. rate: bytes a second of each answer.

    seen: (method, path with query, Range, Authorization) of each request. down: the status of every answer. held: the
    bytes of a file after which an answer waits for release(): what a test does meanwhile, it does in the middle.
    """

    daemon_threads = True

    def __init__(self, root: Path, handler: type[Handler], address: tuple[str, int] = ("127.0.0.1", 0)) -> None:
        super().__init__(address, handler)
        self.root = root
        self.faults: dict[str, Fault] = {}
        self.told_sizes: dict[str, int] = {}
        self.rate: float | None = None
        self.held: int | None = None
        self._released = threading.Event()
        self.down: int | None = None
        self.token: str | None = None
        self.seen: list[tuple[str, str, str | None, str | None]] = []
        self.lock = threading.Lock()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: t.Any, client_address: t.Any) -> None:
        """A client that went away is no news."""

    def release(self) -> None:
        """Hold no answer any more."""
        self.held = None
        self._released.set()

    def wait(self, sent: int) -> None:
        """Return once an answer that has sent so much may go on."""
        if self.held is not None and sent >= self.held:
            self._released.wait(_HELD_S)

    def data(self, path: str = "") -> list[tuple[str, str, str | None, str | None]]:
        """Requests for the content of files."""
        return [item for item in self.seen if item[0] == "GET" and path in urllib.parse.unquote(item[1])]

    def fault(self, path: str) -> Fault | None:
        with self.lock:
            found = self.faults.get(path)
            if found is None or found.times <= 0:
                return None
            found.times -= 1
            return found


class Handler(http.server.BaseHTTPRequestHandler):
    """A subclass answers with json(), text() or file() in route()."""

    protocol_version = "HTTP/1.1"
    server: Hub

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        authorization = self.headers.get("Authorization")
        self.server.seen.append((self.command, self.path, self.headers.get("Range"), authorization))
        parts = urllib.parse.urlsplit(self.path)
        query = {name: values[0] for name, values in urllib.parse.parse_qs(parts.query).items()}
        if self.server.down is not None:
            self.text("down", self.server.down)
        elif self.server.token and authorization != f"Bearer {self.server.token}":
            self.text("who are you", 401)
        else:
            self.route(urllib.parse.unquote(parts.path), query)

    def route(self, path: str, query: dict[str, str]) -> None:
        raise NotImplementedError

    def text(self, content: str, status: int = 200, headers: t.Mapping[str, str] | None = None) -> None:
        body = content.encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def file(self, folder: Path, path: str, headers: t.Mapping[str, str]) -> None:
        """The content of a file, or the rest of it, with whatever fault is set for it."""
        source = folder / path
        fault = self.server.fault(path) if self.command == "GET" else None
        if fault is not None and fault.status is not None:
            self.text("no", fault.status)
            return
        size = source.stat().st_size
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        first = int(wanted[1]) if wanted else 0
        last = min(int(wanted[2]), size - 1) if wanted and wanted[2] else size - 1
        if wanted and first >= size:
            self.text("", 416, {"Content-Range": f"bytes */{size}"})
            return
        self.send_response(206 if wanted else 200)
        told = {"Accept-Ranges": "bytes", "Content-Length": str(last - first + 1), **headers}
        if wanted:
            told["Content-Range"] = f"bytes {first}-{last}/{size}"
        for name, value in told.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            with contextlib.suppress(ConnectionError):
                self._send(source, first, last - first + 1, fault)

    def _send(self, source: Path, first: int, left: int, fault: Fault | None) -> None:
        sent = 0
        with open(source, "rb") as handle:
            handle.seek(first)
            while left:
                block = handle.read(min(_BLOCK, left))
                left -= len(block)
                if fault is not None and fault.spoil:
                    block = bytes(255 - value for value in block)
                if fault is not None and fault.cut is not None and sent + len(block) > fault.cut:
                    self.wfile.write(block[: fault.cut - sent])
                    self.close_connection = True
                    return
                self.wfile.write(block)
                sent += len(block)
                if self.server.rate:
                    time.sleep(len(block) / self.server.rate)
                if left:
                    self.server.wait(sent)

    def log_message(self, *_arguments: t.Any) -> None:
        """Quiet."""


def paths(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def blob(path: Path) -> str:
    """git's name of the content."""
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@contextlib.contextmanager
def running(hub: Hub) -> t.Iterator[Hub]:
    threading.Thread(target=hub.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield hub
    finally:
        hub.shutdown()
        hub.server_close()
