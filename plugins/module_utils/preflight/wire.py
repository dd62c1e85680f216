# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What members say to each other: one JSON object a line over TCP, and small or padded datagrams."""

from __future__ import annotations

import errno
import json
import socket
import struct
import time
import typing as t

#: Longest line. What is longer is not ours.
LINE = 8192
_DATAGRAM = b"vllm-preflight"
#: Bytes of IP and UDP headers without options, by address family.
HEADERS = {socket.AF_INET: 28, socket.AF_INET6: 48}


class WireError(Exception):
    """The other end closed the connection, or says what no member would say."""


class Channel:
    """Lines over a connected socket. Whatever is done ends at ``deadline`` (time.monotonic) with TimeoutError."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self.sock = sock
        self.deadline = deadline
        self._rest = b""
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, **message: t.Any) -> None:
        self._limit()
        self.sock.sendall(json.dumps(message).encode() + b"\n")

    def receive(self) -> dict[str, t.Any]:
        """The next message. Raises WireError, OSError, TimeoutError."""
        while b"\n" not in self._rest:
            if len(self._rest) > LINE:
                raise WireError("a line without an end")
            self._limit()
            data = self.sock.recv(LINE)
            if not data:
                raise WireError("closed")
            self._rest += data
        line, _newline, self._rest = self._rest.partition(b"\n")
        try:
            message = json.loads(line.decode())
        except (UnicodeDecodeError, ValueError, RecursionError) as error:
            raise WireError("no JSON") from error
        if not isinstance(message, dict):
            raise WireError("no JSON object")
        return message

    def ask(self, **message: t.Any) -> dict[str, t.Any]:
        self.send(**message)
        return self.receive()

    def drop(self) -> None:
        """End the connection at once. Nothing waits in TIME_WAIT: the engine needs the port soon."""
        try:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        finally:
            self.sock.close()

    def _limit(self) -> None:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("out of time")
        self.sock.settimeout(left)


def family(address: str) -> socket.AddressFamily:
    """Of an IP address."""
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def reason(error: BaseException) -> str:
    """``ECONNREFUSED``, ``ETIMEDOUT`` …; a class's name for what has no number."""
    if isinstance(error, (TimeoutError, socket.timeout)):  # two classes before Python 3.10
        return "ETIMEDOUT"
    number = getattr(error, "errno", None)
    return errno.errorcode.get(number, str(number)) if number else type(error).__name__


def datagram(index: int, size: int) -> bytes:
    """A datagram of ``size`` bytes from the member with this index. size: 32 at least."""
    return (_DATAGRAM + b" %d " % index).ljust(size, b"\0")


def sender(data: bytes) -> int | None:
    """The index in a datagram, None for one that is not ours."""
    words = data[:32].split(b" ")
    return int(words[1]) if words[0] == _DATAGRAM and len(words) > 2 and words[1].isdigit() else None
