# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker's end of the link: one connection to the head, tried again for ever."""

from __future__ import annotations

import contextlib
import errno
import selectors
import socket
from typing import Any

from .wire import Refused, WorkerEnd

_CONNECT_S = 3.0
_AGAIN_S = 1.0
_SAY_AGAIN_S = 60.0


class WorkerLink:
    """The connection. messages: what the head said since it was last emptied; complaints: why there is no link."""

    def __init__(
        self, selector: selectors.BaseSelector, secret: bytes, engine: str, member: str, silent_s: float
    ) -> None:
        self._selector, self._secret, self._engine, self._member = selector, secret, engine, member
        self._silent_s = silent_s
        self._sock: socket.socket | None = None
        self._end: WorkerEnd | None = None
        self._connected = False
        self._heard = 0.0
        self._next = 0.0
        self._complained = float("-inf")
        self.messages: list[dict[str, Any]] = []
        self.complaints: list[str] = []

    @property
    def linked(self) -> bool:
        """Whether the head has proved who it is."""
        return self._end is not None and self._end.ready

    def tend(self, address: str, port: int, now: float) -> None:
        """Connect, or give up a connection that has been silent for too long."""
        if self._sock is None:
            if now >= self._next:
                self._connect(address, port, now)
        elif now - self._heard > (self._silent_s if self.linked else _CONNECT_S):
            self._lose(None if self.linked else "no answer", now)

    def send(self, document: dict[str, Any], now: float) -> None:
        """Send a message over a link."""
        if self._sock is None or self._end is None or not self._end.ready:
            return
        self._write(self._end.message(document), now)

    def close(self) -> None:
        """Close the connection."""
        if self._sock is not None:
            with contextlib.suppress(KeyError, ValueError):
                self._selector.unregister(self._sock)
            self._sock.close()
        self._sock = self._end = None

    def _connect(self, address: str, port: int, now: float) -> None:
        self._next = now + _AGAIN_S
        try:
            info = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
            sock = socket.socket(info[0], socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        except OSError as error:
            self._complain(error.strerror or str(error), now)
            return
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sock, self._connected, self._heard = sock, False, now
        self._end = WorkerEnd(self._secret, self._engine, self._member)
        failed = sock.connect_ex(info[4])
        if failed not in (0, errno.EINPROGRESS):
            self._lose(errno.errorcode.get(failed, str(failed)), now)
            return
        self._selector.register(sock, selectors.EVENT_WRITE, self._established)

    def _established(self, now: float) -> None:
        if self._sock is None:
            return
        failed = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if failed:
            self._lose("connection refused" if failed == errno.ECONNREFUSED else errno.errorcode.get(failed, "?"), now)
            return
        self._connected, self._heard = True, now
        self._selector.modify(self._sock, selectors.EVENT_READ, self._read)

    def _read(self, now: float) -> None:
        if self._sock is None or self._end is None:
            return
        try:
            data = self._sock.recv(4096)
        except BlockingIOError:
            return
        except OSError as error:
            self._lose(error.strerror, now)
            return
        if not data:
            self._lose(
                None if self._end.ready else "it closed the connection: another secret, engine or member list", now
            )
            return
        try:
            messages, answer = self._end.feed(data)
        except Refused as refusal:
            self._lose(str(refusal), now)
            return
        if self._end.ready:
            self._heard = now
        self.messages += messages
        if answer:
            self._write(answer, now)

    def _write(self, data: bytes, now: float) -> None:
        if self._sock is None:
            return
        try:
            if self._sock.send(data) == len(data):
                return
        except OSError as error:
            self._lose(error.strerror, now)
            return
        self._lose("nobody reads at the other end", now)

    def _lose(self, why: str | None, now: float) -> None:
        self.close()
        self._next = now + _AGAIN_S
        if why is not None:
            self._complain(why, now)

    def _complain(self, text: str, now: float) -> None:
        if now - self._complained >= _SAY_AGAIN_S:
            self._complained = now
            self.complaints.append(f"no link to the head's guard: {text}")
