# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The listening half of a member: answers its peers, and keeps what it heard of each."""

from __future__ import annotations

import dataclasses
import ipaddress
import selectors
import socket
import threading
import time
import typing as t

from .members import Member
from .wire import HEADERS, Channel, WireError, family, reason, sender

_SYN_RECV = "03"
_BULK = 1 << 18
_STRANGERS = 8


@dataclasses.dataclass
class Heard:
    """What arrived from one peer.

    connections: accepted with its name. datagrams: how many. largest: biggest IP packet, in bytes. half_open: it began
    to connect and the answer to that did not reach it. unreached: peers that it cannot reach, None until it says so.
    gone: it needs this member no more.
    """

    connections: int = 0
    datagrams: int = 0
    largest: int = 0
    half_open: bool = False
    unreached: list[str] | None = None
    gone: bool = False


class Server:
    """Listens on a member's ports and one more that the kernel chooses, as Gloo's and NCCL's are chosen.

    files: gives the text of a /proc file. clock: seconds since 1970. side: address of the port that the kernel chooses,
    None where there is none.
    """

    def __init__(
        self,
        me: Member,
        members: t.Sequence[Member],
        deadline: float,
        side: str | None,
        files: t.Callable[[str], str],
        clock: t.Callable[[], float] = time.time,
    ) -> None:
        self.me = me
        self.members = list(members)
        self.heard = {member.name: Heard() for member in members if member.name != me.name}
        self.strangers: list[str] = []
        #: By port None, or why it cannot be listened on.
        self.listening: dict[str, str | None] = {}
        self.side: tuple[str, int] | None = None
        self.side_error: str | None = None
        self.changed = threading.Condition()
        self._names = {ipaddress.ip_address(member.address): member.name for member in members}
        self._deadline = deadline
        self._files = files
        self._clock = clock
        self._open = threading.BoundedSemaphore(8 * len(members) + 16)
        self._selector = selectors.DefaultSelector()
        self._stop = threading.Event()
        self._listen(side)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            t.cast(socket.socket, key.fileobj).close()
        self._selector.close()

    def _listen(self, side: str | None) -> None:
        for port in self.me.ports:
            try:
                self._tcp(self.me.address, port)
                self.listening[str(port)] = None
            except OSError as error:
                self.listening[str(port)] = reason(error)
        try:
            self.side = self._tcp(side, 0) if side else None
        except OSError as error:
            self.side_error = reason(error)
        try:
            sock = socket.socket(family(self.me.address), socket.SOCK_DGRAM)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
            sock.bind((self.me.address, self.me.port))
            self._selector.register(sock, selectors.EVENT_READ, self._datagram)
        except OSError:  # datagrams only say more than connections do
            pass

    def _tcp(self, address: str, port: int) -> tuple[str, int]:
        sock = socket.socket(family(address), socket.SOCK_STREAM)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((address, port))
            sock.listen(128)
        except OSError:
            sock.close()
            raise
        self._selector.register(sock, selectors.EVENT_READ, self._accept)
        return address, sock.getsockname()[1]

    def _serve(self) -> None:
        looked = 0.0
        while not self._stop.is_set():
            for key, _events in self._selector.select(0.1):
                key.data(key.fileobj)
            if time.monotonic() - looked > 0.3:
                looked = time.monotonic()
                self._half_open()

    def _half_open(self) -> None:
        """Connections of peers that wait for the last step of the handshake, from /proc/net/tcp and tcp6."""
        for line in (self._files("/proc/net/tcp") + self._files("/proc/net/tcp6")).splitlines():
            fields = line.split()
            if len(fields) > 3 and fields[3] == _SYN_RECV and int(fields[1].rpartition(":")[2], 16) in self.me.ports:
                words = fields[2].rpartition(":")[0]
                packed = b"".join(bytes.fromhex(words[at : at + 8])[::-1] for at in range(0, len(words), 8))
                name = self._names.get(_plain(ipaddress.ip_address(packed)))
                if name in self.heard:
                    self.heard[name].half_open = True

    def _datagram(self, sock: socket.socket) -> None:
        try:
            data, source = sock.recvfrom(1 << 16)
        except OSError:  # a packet that the kernel throws away after all
            return
        index = sender(data)
        name = self._names.get(ipaddress.ip_address(source[0]))
        if index is not None and index < len(self.members) and self.members[index].name == name and name in self.heard:
            heard = self.heard[name]
            heard.datagrams += 1
            heard.largest = max(heard.largest, len(data) + HEADERS[sock.family])

    def _accept(self, sock: socket.socket) -> None:
        try:
            connection, source = sock.accept()
        except OSError:  # it was given up meanwhile
            return
        name = self._names.get(_plain(ipaddress.ip_address(source[0].partition("%")[0])))
        if name not in self.heard or not self._open.acquire(blocking=False):
            if name is None and source[0] not in self.strangers and len(self.strangers) < _STRANGERS:
                self.strangers.append(source[0])
            connection.close()
            return
        threading.Thread(target=self._talk, args=(connection, name), daemon=True).start()

    def _talk(self, connection: socket.socket, name: str) -> None:
        channel = Channel(connection, self._deadline)
        try:
            while self._answer(channel, name):
                pass
        except (OSError, WireError):  # the peer's own report tells what it met
            pass
        finally:
            channel.drop()
            self._open.release()

    def _answer(self, channel: Channel, name: str) -> bool:
        """Answer one message. Whether more may come."""
        message = channel.receive()
        arrived = self._clock()
        kind, heard = message.get("kind"), self.heard[name]
        if kind == "hello":
            heard.connections += 1
            channel.send(name=self.me.name, side=self.side, side_error=self.side_error)
        elif kind == "echo":
            channel.send(arrived=arrived, left=self._clock())
        elif kind == "datagrams":
            channel.send(count=heard.datagrams, largest=heard.largest)
        elif kind == "bulk":
            self._bulk(channel)
        elif kind in ("met", "bye"):
            with self.changed:
                if kind == "met":
                    told = message.get("unreached")
                    heard.unreached = [str(item) for item in told] if isinstance(told, list) else []
                else:
                    heard.gone = True
                self.changed.notify_all()
            channel.send(ok=True)
        return kind in ("hello", "echo", "datagrams", "met")

    def _bulk(self, channel: Channel) -> None:
        """Count what comes until the peer ends its half, and say how much in how many seconds."""
        buffer, total, begin = bytearray(_BULK), 0, time.monotonic()
        channel.send(ok=True)
        while True:
            got = channel.sock.recv_into(buffer)
            if not got:
                break
            begin = begin if total else time.monotonic()
            total += got
        channel.send(bytes=total, seconds=time.monotonic() - begin)
        channel.sock.shutdown(socket.SHUT_WR)
        channel.sock.recv(1)  # the peer closes first, so that it keeps the TIME_WAIT, at a port that nobody needs


def _plain(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """An IPv4 address that came by an IPv6 socket, as IPv4."""
    return getattr(address, "ipv4_mapped", None) or address
