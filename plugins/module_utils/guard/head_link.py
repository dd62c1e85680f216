# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The head's end of the links: one port, authenticated members, and bounds on everybody else."""

from __future__ import annotations

import contextlib
import selectors
import socket
from typing import Any

from .wire import HeadEnd, Refused

#: Connections that have not proved who they are: so many at most, each for so long.
_STRANGERS = 32
_STRANGER_S = 3.0
_SAY_AGAIN_S = 60.0


class _Link:
    def __init__(self, sock: socket.socket, peer: str, end: HeadEnd, now: float) -> None:
        self.sock, self.peer, self.end, self.heard = sock, peer, end, now


class HeadLinks:
    """The listener and its connections.

    messages: what members said since it was last emptied, as (member, message). complaints: refused connections, at
    most one line a minute: whoever can reach the port must not be able to fill the journal.
    """

    def __init__(
        self,
        selector: selectors.BaseSelector,
        secret: bytes,
        engine: str,
        members: tuple[str, ...],
        silent_s: float,
    ) -> None:
        self._selector, self._secret, self._engine, self._members = selector, secret, engine, members
        self._silent_s = silent_s
        self._listener: socket.socket | None = None
        self._links: set[_Link] = set()
        self._complained = float("-inf")
        self.messages: list[tuple[str, dict[str, Any]]] = []
        self.complaints: list[str] = []

    def listen(self, address: str, port: int) -> None:
        """Listen on one address. Raises OSError: it is not this host's (yet), or the port is taken."""
        info = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.socket(info[0], socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(info[4])
            listener.listen(16)
        except OSError:
            listener.close()
            raise
        self._listener = listener
        self._selector.register(listener, selectors.EVENT_READ, self._accept)

    @property
    def listening(self) -> bool:
        """Whether the port is open."""
        return self._listener is not None

    @property
    def linked(self) -> frozenset[str]:
        """The members that have a link."""
        return frozenset(link.end.member for link in self._links if link.end.ready and link.end.member)

    def answer(self, member: str, document: dict[str, Any]) -> None:
        """Send a message to a member that has a link."""
        for link in [link for link in self._links if link.end.ready and link.end.member == member]:
            self._send(link, link.end.message(document))

    def tend(self, now: float) -> None:
        """Close what has been silent for too long."""
        for link in list(self._links):
            if now - link.heard > (self._silent_s if link.end.ready else _STRANGER_S):
                self._close(link)

    def close(self) -> None:
        """Close everything."""
        for link in list(self._links):
            self._close(link)
        if self._listener is not None:
            self._selector.unregister(self._listener)
            self._listener.close()
            self._listener = None

    def _accept(self, now: float) -> None:
        if self._listener is None:
            return
        try:
            sock, address = self._listener.accept()
        except OSError:
            return
        if sum(not link.end.ready for link in self._links) >= _STRANGERS:
            sock.close()
            self._complain(f"a connection from {address[0]} refused: {_STRANGERS} others prove nothing either", now)
            return
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link = _Link(sock, address[0], HeadEnd(self._secret, self._engine, self._members), now)
        self._links.add(link)
        self._selector.register(sock, selectors.EVENT_READ, lambda now: self._read(link, now))
        self._send(link, link.end.greeting())

    def _read(self, link: _Link, now: float) -> None:
        try:
            data = link.sock.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._close(link)
            return
        known = link.end.ready
        try:
            messages, answer = link.end.feed(data)
        except Refused as refusal:
            self._close(link)
            self._complain(f"a connection from {link.peer} refused: {refusal}", now)
            return
        if link.end.ready and not known:
            # The newest link of a member is the one that counts: the old one may be half open.
            for old in [old for old in self._links if old is not link and old.end.member == link.end.member]:
                self._close(old)
        if link.end.ready and link.end.member:
            link.heard = now
            self.messages += [(link.end.member, message) for message in messages]
        if answer:
            self._send(link, answer)

    def _send(self, link: _Link, data: bytes) -> None:
        try:
            if link.sock.send(data) == len(data):
                return
        except OSError:
            pass
        self._close(link)  # its buffer holds minutes of messages: nobody reads at the other end

    def _close(self, link: _Link) -> None:
        if link in self._links:
            self._links.discard(link)
            with contextlib.suppress(KeyError, ValueError):
                self._selector.unregister(link.sock)
            link.sock.close()

    def _complain(self, text: str, now: float) -> None:
        if now - self._complained >= _SAY_AGAIN_S:
            self._complained = now
            self.complaints.append(text)
