# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One member's part of the check: server and client at once, ended by a deadline."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import time
import typing as t

from .members import Member
from .server import Server
from .way import OK, Way

_THREADS = 64
#: How many peers get a throughput sample: all of a usual engine, the next ones of a big one.
_SAMPLED = 8
_LEAST_SAMPLE_S = 0.1


@dataclasses.dataclass(frozen=True)
class Settings:
    """timeout: seconds from start to end, whatever happens. throughput: seconds of sending to all peers together.

    thorough: measure the ways; else only find out who is there. mtu: of the own interface, None where not known.
    side: address at which the kernel chooses a port; None for none, empty for the member's own.
    """

    timeout: float = 10.0
    throughput: float = 1.0
    thorough: bool = True
    mtu: int | None = None
    side: str | None = ""


def read_proc(path: str) -> str:
    """The text of a /proc file, empty without one."""
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def take_part(
    me: Member,
    members: t.Sequence[Member],
    settings: Settings,
    files: t.Callable[[str], str] = read_proc,
    clock: t.Callable[[], float] = time.time,
) -> dict[str, t.Any]:
    """Meet every peer, and be there for every peer. Ends early when nobody needs this member any more.

    The report: name, address, started and ended (seconds since 1970, by ``clock``), listening (by port None or the
    error's name), side (``[address, port]`` or None), side_error, peers (by name what way.Way found), heard (by name
    what server.Heard holds), strangers (addresses that belong to no member and connected).
    """
    begin, started = time.monotonic(), clock()
    deadline = begin + settings.timeout
    # Who is not there by then is missed; the rest of the time is for those who are.
    until = begin + max(settings.timeout * 0.6, settings.timeout - 4)
    server = Server(me, members, deadline, me.address if settings.side == "" else settings.side, files, clock)
    peers = _ring(me, members)
    ways = [Way(me, peer, list(members).index(me), settings.mtu, clock) for peer in peers]
    try:
        if any(error != "EADDRNOTAVAIL" for error in server.listening.values()):
            _meet(ways, until, deadline, settings.thorough)
            _finish(server, ways, until, deadline, settings)
    finally:
        for way in ways:
            way.close()
        server.close()
    return {
        "name": me.name,
        "address": me.address,
        "started": started,
        "ended": clock(),
        "listening": dict(server.listening),
        "side": list(server.side) if server.side else None,
        "side_error": server.side_error,
        "peers": {way.peer.name: way.found for way in ways},
        "heard": {name: dataclasses.asdict(heard) for name, heard in server.heard.items()},
        "strangers": server.strangers,
    }


def everyone_met(report: t.Mapping[str, t.Any]) -> bool:
    """Whether this member reaches all, all reach this one, and nobody misses anybody, as far as they told."""
    open_to = all(way["state"] == OK and way["side"].get("state") == OK for way in report["peers"].values())
    return bool(open_to and report["peers"] and all(heard["unreached"] == [] for heard in report["heard"].values()))


def _ring(me: Member, members: t.Sequence[Member]) -> list[Member]:
    """The peers, beginning with the next: so that samples of all members do not all go to the same one first."""
    at = list(members).index(me)
    return [*members[at + 1 :], *members[:at]]


def _meet(ways: t.Sequence[Way], until: float, deadline: float, thorough: bool) -> None:
    def one(way: Way) -> None:
        way.meet(until, deadline)
        if way.met:
            (way.measure if thorough else way.ask_side)(deadline)

    with concurrent.futures.ThreadPoolExecutor(max_workers=min(_THREADS, len(ways))) as pool:
        list(pool.map(one, ways))


def _finish(server: Server, ways: t.Sequence[Way], until: float, deadline: float, settings: Settings) -> None:
    """Tell the peers who cannot be reached, sample throughput when all are ready, stay while a peer needs this."""
    met = [way for way in ways if way.met]
    unreached = [way.peer.name for way in ways if not (way.met and _side_open(way))]
    for way in met:
        way.tell(deadline, kind="met", unreached=unreached)
    _wait(server, [way.peer.name for way in met], lambda heard: heard.unreached is not None, until)
    if settings.thorough and settings.throughput > 0:
        sampled = met[:_SAMPLED]
        for way in sampled:
            way.sample(max(_LEAST_SAMPLE_S, settings.throughput / len(sampled)), deadline)
    for way in met:
        way.tell(deadline, kind="bye")
    _wait(server, [way.peer.name for way in ways], lambda heard: heard.gone, until)
    _wait(
        server, [name for name, heard in server.heard.items() if heard.connections], lambda heard: heard.gone, deadline
    )


def _side_open(way: Way) -> bool:
    return bool(way.found["side"].get("state") == OK)


def _wait(server: Server, names: t.Sequence[str], ready: t.Callable[[t.Any], bool], until: float) -> None:
    with server.changed:
        server.changed.wait_for(
            lambda: all(ready(server.heard[name]) for name in names), max(0.0, until - time.monotonic())
        )
