# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The asking half of a member: what one way to one peer is worth."""

from __future__ import annotations

import contextlib
import socket
import statistics
import struct
import time
import typing as t

from .members import Member
from .wire import HEADERS, Channel, WireError, datagram, family, reason

#: States of a way. REFUSED: the other side says no. SILENT: connected, and no answer. STRANGE: another program answers.
OK, REFUSED, TIMEOUT, UNREACHABLE, SILENT, STRANGE, FAILED = (
    "ok",
    "refused",
    "timeout",
    "unreachable",
    "silent",
    "strange",
    "failed",
)
_STATES = {
    "ECONNREFUSED": REFUSED,
    "ETIMEDOUT": TIMEOUT,
    "EHOSTUNREACH": UNREACHABLE,
    "ENETUNREACH": UNREACHABLE,
    "ENETDOWN": UNREACHABLE,
}
_ATTEMPT_S = 1.5
_PAUSE_S = 0.2
#: Hosts send few ICMP errors a second: a datagram each time would use up those that a connection waits for.
_KNOCK_EACH = 8
_ECHOES = 20
#: Small datagrams of the loss sample, and the pause between two.
_DATAGRAMS, _GAP_S = 40, 0.001
_SMALL = 64
#: How long the peer may take to read what arrived, and how often it is asked.
_LATE_S, _LOOK_S = 0.4, 0.02
#: IP packets to try below an interface's own MTU: jumbo frames, Ethernet, tunnels, the least of IPv6.
_STEPS = (9000, 4092, 1500, 1450, 1400, 1280, 576)
_CHUNK = bytes(1 << 17)
_SAMPLE_TIMEOUT_S = 2.0
# linux/in.h, linux/in6.h: set DF, ask no one how big a packet may be.
_DISCOVER = {socket.AF_INET: (socket.IPPROTO_IP, 10), socket.AF_INET6: (socket.IPPROTO_IPV6, 23)}
_PROBE = 3
#: tcpi_total_retrans in struct tcp_info (linux/tcp.h).
_RETRANSMITS_AT = 100


class Way:
    """The way from ``me`` to ``peer``. index: that of ``me`` among the members. mtu: of the own interface."""

    def __init__(
        self,
        me: Member,
        peer: Member,
        index: int,
        mtu: int | None,
        clock: t.Callable[[], float],
    ) -> None:
        self.me = me
        self.peer = peer
        self.index = index
        self.mtu = mtu
        self.clock = clock
        self.found: dict[str, t.Any] = {"state": None, "error": None, "attempts": 0, "send_error": None}
        self._channel: Channel | None = None
        self._seen = 0

    @property
    def met(self) -> bool:
        return bool(self.found["state"] == OK)

    def meet(self, until: float, deadline: float) -> None:
        """Connect and hear the peer's name; again until ``until``, since it may not have started yet."""
        while not self.met:
            if self.found["attempts"] % _KNOCK_EACH == 0:
                self._knock()
            self.found["attempts"] += 1
            self.found["state"], self.found["error"] = self._try(until, deadline)
            if not self.met:
                if time.monotonic() + _PAUSE_S >= until:
                    return
                time.sleep(_PAUSE_S)

    def _knock(self) -> None:
        """A datagram may arrive where no connection comes to be, and so tell which direction is open."""
        try:
            with socket.socket(family(self.peer.address), socket.SOCK_DGRAM) as sock:
                sock.bind((self.me.address, 0))
                sock.sendto(datagram(self.index, _SMALL), (self.peer.address, self.peer.port))
        except OSError as error:
            self.found["send_error"] = reason(error)

    def _connect(self, address: str, port: int, until: float) -> socket.socket:
        sock = socket.socket(family(address), socket.SOCK_STREAM)
        try:
            sock.settimeout(max(0.1, min(_ATTEMPT_S, until - time.monotonic())))
            sock.bind((self.me.address, 0))
            sock.connect((address, port))
        except OSError:
            sock.close()
            raise
        return sock

    def _try(self, until: float, deadline: float) -> tuple[str, str | None]:
        begin = time.monotonic()
        try:
            sock = self._connect(self.peer.address, self.peer.port, until)
        except OSError as error:
            return _STATES.get(reason(error), FAILED), reason(error)
        self.found["connect_ms"] = _ms(time.monotonic() - begin)
        channel = Channel(sock, min(deadline, time.monotonic() + _ATTEMPT_S))
        try:
            answer = channel.ask(kind="hello", name=self.me.name)
        except WireError as error:
            channel.drop()
            return STRANGE, str(error)
        except OSError as error:
            channel.drop()
            return SILENT if reason(error) == "ETIMEDOUT" else STRANGE, reason(error)
        if answer.get("name") != self.peer.name:
            channel.drop()
            return STRANGE, f"answers as {answer.get('name')}"
        self._channel = channel
        self.found["side"] = {"place": answer.get("side"), "error": answer.get("side_error")}
        return OK, None

    def measure(self, deadline: float) -> None:
        """Latency, clock, datagrams of every size, the peer's other ports. Needs a met peer."""
        channel = self._met_channel(deadline)
        try:
            self._echoes(channel)
            self._datagrams(channel)
        except (OSError, WireError) as error:
            self.found["broken"] = reason(error) if isinstance(error, OSError) else str(error)
        self.found["ports"] = {str(port): self._port(self.peer.address, port, deadline) for port in self.peer.ports[1:]}
        self.ask_side(deadline)

    def ask_side(self, deadline: float) -> None:
        """Whether the port is open that the peer's kernel chose, as those of the collectives are chosen."""
        side = self.found["side"]
        if side["place"] is not None:
            side["state"] = self._port(side["place"][0], side["place"][1], deadline)

    def _port(self, address: str, port: int, deadline: float) -> str:
        state = FAILED
        for _attempt in range(2):
            try:
                Channel(self._connect(address, port, deadline), deadline).drop()
                return OK
            except OSError as error:
                state = _STATES.get(reason(error), FAILED)
        return state

    def _echoes(self, channel: Channel) -> None:
        """The clock's offset is that of the fastest exchange, half its time being the error (as NTP, RFC 5905)."""
        times: list[float] = []
        best: tuple[float, float] | None = None
        for _number in range(_ECHOES):
            left, begin = self.clock(), time.monotonic()
            answer = channel.ask(kind="echo")
            took, back = time.monotonic() - begin, self.clock()
            offset = (float(answer["arrived"]) - left + float(answer["left"]) - back) / 2
            times.append(took)
            if best is None or took < best[0]:
                best = (took, offset)
        if best is not None:
            self.found["clock"] = {"offset_s": round(best[1], 6), "error_s": round(best[0] / 2, 6)}
        median = statistics.median(times)
        self.found["latency_ms"] = {"best": _ms(min(times)), "median": _ms(median), "worst": _ms(max(times))}

    def _datagrams(self, channel: Channel) -> None:
        """Loss of small datagrams, then the biggest that arrives uncut: the own MTU first, then what is usual below."""
        kind = family(self.peer.address)
        before = channel.ask(kind="datagrams")["count"]
        with socket.socket(kind, socket.SOCK_DGRAM) as sock:
            sock.bind((self.me.address, 0))
            sock.setsockopt(*_DISCOVER[kind], _PROBE)
            for _number in range(_DATAGRAMS):
                self._send(sock, _SMALL)
                time.sleep(_GAP_S)
            arrived = self._until(channel, "count", before + _DATAGRAMS) - before
            self.found["datagrams"] = {"sent": _DATAGRAMS, "arrived": arrived}
            if not arrived or self.mtu is None:
                return
            mtu = min(self.mtu, 65535)
            largest = 0
            for size in [mtu, *(step for step in _STEPS if step < mtu)]:
                for _copy in range(3):
                    self._send(sock, size - HEADERS[kind])
                largest = self._until(channel, "largest", size)
                if largest >= size:
                    break
            self.found["packet"] = {"mtu": self.mtu, "tried": mtu, "largest": largest}

    def _until(self, channel: Channel, key: str, wanted: int) -> int:
        """What the peer tells of the datagrams, when it is as wanted or they had time: a busy peer reads them late."""
        end = time.monotonic() + _LATE_S
        while True:
            time.sleep(_LOOK_S)
            told = int(channel.ask(kind="datagrams")[key])
            if told >= wanted or time.monotonic() > end:
                return told

    def _send(self, sock: socket.socket, size: int) -> None:
        try:
            sock.sendto(datagram(self.index, size), (self.peer.address, self.peer.port))
        except OSError as error:
            self.found["send_error"] = reason(error)

    def sample(self, seconds: float, deadline: float) -> None:
        """Throughput of one connection that sends for ``seconds``."""
        end = min(deadline, time.monotonic() + seconds + _SAMPLE_TIMEOUT_S)
        try:
            channel = Channel(self._connect(self.peer.address, self.peer.port, end), end)
        except OSError as error:
            self.found["throughput"] = {"mbits": None, "error": reason(error), "retransmits": None}
            return
        retransmits = None
        try:
            channel.ask(kind="bulk")
            stop = time.monotonic() + seconds
            while time.monotonic() < stop:
                channel.sock.sendall(_CHUNK)
            channel.sock.shutdown(socket.SHUT_WR)
            answer = channel.receive()
            retransmits = _retransmits(channel.sock)
            mbits = round(answer["bytes"] * 8 / 1e6 / max(answer["seconds"], 1e-6), 1)
            self.found["throughput"] = {"mbits": mbits, "error": None, "retransmits": retransmits}
        except (OSError, WireError) as error:
            told = reason(error) if isinstance(error, OSError) else str(error)
            retransmits = _retransmits(channel.sock)
            self.found["throughput"] = {"mbits": None, "error": told, "retransmits": retransmits}
            channel.drop()
            return
        channel.sock.close()

    def tell(self, deadline: float, **message: t.Any) -> None:
        """Say something that needs no answer but that it arrived; a peer that is gone needs it no more."""
        with contextlib.suppress(OSError, WireError):
            self._met_channel(deadline).ask(**message)

    def close(self) -> None:
        if self._channel is not None:
            self._channel.drop()

    def _met_channel(self, deadline: float) -> Channel:
        if self._channel is None:
            raise WireError("not met")
        self._channel.deadline = deadline
        return self._channel


def _retransmits(sock: socket.socket) -> int | None:
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _RETRANSMITS_AT + 4)
    return struct.unpack_from("I", info, _RETRANSMITS_AT)[0] if len(info) >= _RETRANSMITS_AT + 4 else None


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
