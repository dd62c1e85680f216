# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The judge of peer_check: what all members' reports say together. Pure."""

from __future__ import annotations

import dataclasses
import itertools
import statistics
import typing as t

from . import reach
from .findings import ERROR, WARNING, Finding, in_order
from .members import Member
from .own import CUT, own, unfit
from .reach import Report
from .way import OK


@dataclasses.dataclass(frozen=True)
class Limits:
    """clock_s: seconds by which clocks may differ. latency_ms: a slower median is a warning.

    loss: part of small datagrams that may be lost without a warning, and without an error. share: a warning below this
    part of the link's speed, of which no more than mbits counts: one connection of this check cannot fill a faster one.
    """

    clock_s: float = 5.0
    latency_ms: float = 5.0
    loss: tuple[float, float] = (0.0, 0.2)
    share: float = 0.1
    mbits: float = 3_000.0


_LIMITS = Limits()
#: One direction carries so many times less than the other: a duplex mismatch, or a bad cable.
_LOPSIDED = 20


def judge_peers(
    members: t.Sequence[Member],
    reports: t.Mapping[str, Report | None],
    limits: Limits = _LIMITS,
    complete: bool = True,
) -> list[Finding]:
    """Findings, errors first. reports: by member's name what exchange.take_part gives, with ``local`` beside it.

    A member without a report did not take part; with ``complete`` false nothing is known of it.
    """
    known: dict[str, Report] = {name: report for name, report in reports.items() if report is not None}
    found: list[Finding] = []
    if complete:
        found += _absent(members, known)
    absent = {member.name for member in members if complete and member.name not in known}
    deaf = {member.name for member in members if member.name in known and unfit(member, known[member.name])}
    cut: set[str] = set()
    for member in members:
        if member.name in known:
            mine = own(member, members, known[member.name])
            cut.update(member.name for finding in mine if finding.id in CUT)
            found += mine
    excused = absent | deaf | cut
    for source, target in itertools.permutations(members, 2):
        if source.name in known:
            if source.name not in cut:
                found += reach.closed(source, target, known, excused)
            found += reach.ports(source, target, known)
            found += _values(source, target, known[source.name], known.get(target.name), limits)
    for one, other in itertools.combinations(members, 2):
        found += _lopsided(one, other, known, limits)
    found += _clocks(members, known, limits.clock_s)
    return in_order(_once_a_pair(found))


def _absent(members: t.Sequence[Member], known: t.Mapping[str, Report]) -> list[Finding]:
    found = []
    for member in members:
        if member.name not in known:
            tried = [item.name for item in members if item.name in known]
            waited = f"; {', '.join(tried)} waited for it" if tried else ""
            fix = f"see why the task failed on {member.name}, or take it out of the engine's hosts"
            found.append(Finding("member-absent", member.name, None, f"{member.name} did not take part{waited}", fix))
    return found


def _once_a_pair(found: t.Iterable[Finding]) -> t.Iterator[Finding]:
    """A way that is dead in both directions is one fault."""
    dead: set[frozenset[str | None]] = set()
    for finding in found:
        pair = frozenset((finding.source, finding.target))
        if finding.id == "path-dead" and pair in dead:
            continue
        if finding.id == "path-dead":
            dead.add(pair)
        yield finding


def _values(source: Member, target: Member, report: Report, other: Report | None, limits: Limits) -> list[Finding]:
    """What the way from source to target is worth, where there is one."""
    way = report["peers"].get(target.name) or {}
    if way.get("state") != OK:
        return []
    pair = f"{source.name} -> {target.name}"
    found = []
    if way.get("broken"):
        what = f"{pair}: the connection broke during the check ({way['broken']})"
        found.append(Finding("path-broken", source.name, target.name, what, "check cables, and what drops connections"))
    packet = _packet(source, target, way, other)
    found += packet
    found += _loss(source, target, way, limits)
    median = (way.get("latency_ms") or {}).get("median")
    if median is not None and median > limits.latency_ms:
        what = f"{pair}: an answer takes {median:.1f} ms (median); every token waits for that many times"
        fix = "take members of one site and switch, or look for what slows this way down"
        found.append(Finding("latency", source.name, target.name, what, fix, WARNING))
    # A stream of packets that are too big stalls, of course.
    return found + ([] if packet else _throughput(source, target, way, report, limits))


def _loss(source: Member, target: Member, way: Report, limits: Limits) -> list[Finding]:
    sample = way.get("datagrams")
    if not sample:
        return []
    lost = sample["sent"] - sample["arrived"]
    if not sample["arrived"]:
        what = f"{source.name} -> {target.name}: no UDP datagram arrives, so the packet size is not checked"
        fix = f"allow UDP from {source.address} to {target.place} for the check, if that size matters"
        return [Finding("datagrams-blocked", source.name, target.name, what, fix, WARNING)]
    if lost <= sample["sent"] * limits.loss[0]:
        return []
    what = f"{source.name} -> {target.name}: {lost} of {sample['sent']} datagrams are lost"
    level = ERROR if lost > sample["sent"] * limits.loss[1] else WARNING
    fix = "check cable, port and error counters (ip -s link) on both hosts and the switch"
    return [Finding("loss", source.name, target.name, what, fix, level)]


def _packet(source: Member, target: Member, way: Report, other: Report | None) -> list[Finding]:
    packet = way.get("packet")
    if not packet or packet["largest"] >= packet["tried"]:
        return []
    there = _mtu(other)
    beside = "" if there is None else f"; the MTU of {target.name} is {there}"
    largest = f"the largest that does has {packet['largest']}" if packet["largest"] > 100 else "smaller ones do"
    what = (
        f"{source.name} -> {target.name}: packets of its MTU, {packet['mtu']} bytes, do not arrive; {largest}{beside}"
    )
    fix = "give both interfaces, and every switch between them, the same MTU"
    return [Finding("mtu", source.name, target.name, what, fix)]


def _mtu(report: Report | None) -> int | None:
    found: int | None = ((((report or {}).get("local") or {}).get("interface")) or {}).get("mtu")
    return found


def _throughput(source: Member, target: Member, way: Report, report: Report, limits: Limits) -> list[Finding]:
    sample = way.get("throughput")
    if not sample:
        return []
    pair = f"{source.name} -> {target.name}"
    if sample["error"] is not None:
        what = f"{pair}: small messages pass, and a stream of data stalls ({sample['error']})"
        fix = "look for a smaller MTU on the way (switch, tunnel) and for firewalls that drop ICMP"
        return [Finding("stall", source.name, target.name, what, fix)]
    speed = (((report.get("local") or {}).get("interface")) or {}).get("speed_mbits")
    if speed and sample["mbits"] < min(speed, limits.mbits) * limits.share:
        what = f"{pair}: one connection carries {sample['mbits']:g} Mb/s on a link of {speed} Mb/s"
        fix = "see whether other traffic fills it; check its negotiated speed, cable and error counters"
        return [Finding("slow", source.name, target.name, what, fix, WARNING)]
    return []


def _lopsided(one: Member, other: Member, known: t.Mapping[str, Report], limits: Limits) -> list[Finding]:
    speeds: list[float] = []
    for source, target in ((one, other), (other, one)):
        way = (known.get(source.name) or {"peers": {}})["peers"].get(target.name) or {}
        speeds.append((way.get("throughput") or {}).get("mbits") or 0.0)
    if not 0 < min(speeds) < limits.mbits * limits.share or max(speeds) < _LOPSIDED * min(speeds):
        return []
    source, target = (one, other) if speeds[0] < speeds[1] else (other, one)
    what = f"{source.name} -> {target.name}: {min(speeds):g} Mb/s, and {max(speeds):g} Mb/s in the other direction"
    fix = "check duplex, cable and error counters (ethtool -S) of this direction"
    return [Finding("lopsided", source.name, target.name, what, fix, WARNING)]


def _clocks(members: t.Sequence[Member], known: t.Mapping[str, Report], limit: float) -> list[Finding]:
    """Members whose clock differs from those of most others; besides those the pairs that differ."""
    names = [member.name for member in members]
    apart: dict[tuple[str, str], float] = {}
    for one, other in itertools.combinations(names, 2):
        offset = _offset(known, one, other)
        if offset is not None and abs(offset) > limit:
            apart[one, other] = offset
    found = []
    for name in names:
        ahead = {one: offset for (one, other), offset in apart.items() if other == name}
        ahead.update({other: -offset for (one, other), offset in apart.items() if one == name})
        if len(ahead) > len(names) / 2:
            told = f"{_ahead(statistics.median(ahead.values()))} those of {', '.join(ahead)}"
            fix = f"synchronise it: chrony or systemd-timesyncd on {name}"
            found.append(Finding("clock", name, None, f"the clock of {name} is {told}", fix))
    odd = {finding.source for finding in found}
    return found + _pairs({pair: offset for pair, offset in apart.items() if not odd.intersection(pair)})


def _pairs(apart: t.Mapping[tuple[str, str], float]) -> list[Finding]:
    fix = "synchronise both with one source: chrony or systemd-timesyncd"
    return [
        Finding("clock", one, other, f"the clock of {other} is {_ahead(offset)} that of {one}", fix)
        for (one, other), offset in apart.items()
    ]


def _ahead(offset: float) -> str:
    return f"{abs(offset):.1f} s {'ahead of' if offset > 0 else 'behind'}"


def _offset(known: t.Mapping[str, Report], one: str, other: str) -> float | None:
    """Seconds by which the clock of ``other`` is ahead, as either of them measured it."""
    for source, target, sign in ((one, other, 1), (other, one, -1)):
        clock = ((known.get(source) or {"peers": {}})["peers"].get(target) or {}).get("clock")
        if clock is not None:
            return float(sign * clock["offset_s"])
    return None
