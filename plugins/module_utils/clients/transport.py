# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One HTTP exchange with a time limit for the whole of it, from the standard library alone."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from typing import Any, Callable, NamedTuple
from urllib.parse import urlsplit

BODY_LIMIT = 8 * 1024 * 1024


class NoAnswer(Exception):
    """The exchange ended without a whole HTTP answer after ``seconds``; the text says how."""

    def __init__(self, text: str, seconds: float) -> None:
        super().__init__(text)
        self.seconds = seconds


class Response(NamedTuple):
    """``status``: HTTP code; ``body``: at most BODY_LIMIT bytes; ``seconds``: the whole exchange."""

    status: int
    body: bytes
    seconds: float

    def json(self) -> Any:
        """The body as JSON, or None where it is none."""
        try:
            return json.loads(self.body.decode("utf-8"))
        except (UnicodeDecodeError, ValueError):
            return None


def tls_context(validate: bool = True, ca_path: str | None = None) -> ssl.SSLContext:
    """The TLS settings of an https address. Raises OSError or ssl.SSLError when ``ca_path`` cannot be used."""
    context = ssl.create_default_context(cafile=ca_path)
    if not validate:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def join(url: str, path: str) -> str:
    """``http://host:8000/base/`` and ``/health`` to ``http://host:8000/base/health``."""
    return url.rstrip("/") + path


def fault(url: str) -> str | None:
    """What is wrong with an address, or None. A user and password in it are refused: it would be printed."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  reading it is what checks it
    except ValueError as error:
        return str(error)
    if parts.scheme not in ("http", "https"):
        return "it must begin with http:// or https://"
    if not parts.hostname:
        return "it names no host"
    if parts.username is not None or parts.password is not None:
        return "it holds a user name or password"
    return None


def exchange(
    method: str,
    url: str,
    timeout: float,
    headers: Mapping[str, str] | None = None,
    payload: Mapping[str, Any] | None = None,
    tls: ssl.SSLContext | None = None,
    on_line: Callable[[bytes], None] | None = None,
) -> Response:
    """Send one request and read its whole answer within ``timeout`` seconds.

    The limit covers connecting, waiting and reading together: a server that sends one byte now and then does not
    stretch it. Proxies in the environment are not used: a proxy's answer says nothing about the server.
    ``on_line`` is called with each line of the body as it comes (server-sent events).
    Raises NoAnswer; an HTTP error status is an answer and is returned.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    started = time.monotonic()
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(host, parts.port, timeout=timeout, context=tls or tls_context())
    else:
        connection = http.client.HTTPConnection(host, parts.port, timeout=timeout)
    body = None if payload is None else json.dumps(payload).encode()
    sent = dict(headers or {})
    if body is not None:
        sent["Content-Type"] = "application/json"
    target = parts.path or "/"
    if parts.query:
        target += "?" + parts.query

    connected = False
    cut = threading.Event()
    try:
        connection.connect()
        connected = True
        timer = threading.Timer(max(0.0, timeout - (time.monotonic() - started)), _cut, (connection.sock, cut))
        timer.daemon = True
        timer.start()
        try:
            connection.request(method, target, body=body, headers=sent)
            answer = connection.getresponse()
            data = _read(answer, on_line)
        finally:
            timer.cancel()
        if cut.is_set():
            raise socket.timeout
        return Response(answer.status, data, time.monotonic() - started)
    except (OSError, http.client.HTTPException) as error:
        seconds = time.monotonic() - started
        if cut.is_set() or isinstance(error, socket.timeout):
            verb = "it took the connection but gave no whole answer" if connected else "it took no connection"
            raise NoAnswer(f"{verb} within {timeout:g} s", seconds) from None
        raise NoAnswer(_explain(error), seconds) from None
    finally:
        connection.close()


def _cut(sock: socket.socket, cut: threading.Event) -> None:
    cut.set()
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def _read(answer: http.client.HTTPResponse, on_line: Callable[[bytes], None] | None) -> bytes:
    if on_line is None:
        return answer.read(BODY_LIMIT)
    data = b""
    while len(data) < BODY_LIMIT:
        line = answer.readline(65536)
        if not line:
            break
        data += line
        on_line(line.strip())
    return data


def _explain(error: Exception) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "connection refused: nothing listens there"
    if isinstance(error, http.client.RemoteDisconnected):
        return "it closed the connection without an answer"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its TLS certificate is not accepted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return "TLS failed: %s" % (error.reason or error)
    if isinstance(error, socket.gaierror):
        return f"its host name is not known: {error.strerror}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return f"{type(error).__name__}: {error}"
