# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which direction between two members is closed, and by whom, from what both of them met and heard."""

from __future__ import annotations

import typing as t

from .findings import Finding
from .members import Member, place
from .way import OK, REFUSED, SILENT, STRANGE, TIMEOUT, UNREACHABLE

Report = t.Mapping[str, t.Any]

_FENCE = "open TCP between members on the cluster's network in the firewalls of {to} (incoming) and {source} (outgoing)"
_CABLE = "check routes, cables, VLANs and firewalls between {source} and {to}"


def closed(source: Member, target: Member, reports: t.Mapping[str, Report], excused: t.Container[str]) -> list[Finding]:
    """Why ``source`` cannot connect to ``target``, empty where it can, or where the other direction is to blame.

    excused: members that cannot be reached for a reason of their own, which is a finding already.
    """
    way = reports[source.name]["peers"].get(target.name)
    if way is None or way["state"] in (OK, None) or target.name in excused:
        return []
    names = {"source": source.name, "to": target.name}
    at = f"{target.name} at {target.place}"
    if way["state"] == STRANGE:
        what = f"{source.name} reaches something else at {target.place}: {way['error']}, not {target.name}"
        fix = f"correct the address of {target.name}, look for a second host with it, or a proxy in between"
        return [Finding("peer-strange", source.name, target.name, what, fix)]
    if way["state"] == REFUSED:
        return [_refused(source, target, reports, at)]
    if way.get("send_error") in ("EPERM", "EACCES"):
        what = f"{source.name} may not send to {at}: its own firewall drops what goes out"
        fix = f"allow outgoing traffic to {target.address} in the firewall of {source.name}"
        return [Finding("path-blocked", source.name, target.name, what, fix)]
    if way["state"] not in (TIMEOUT, UNREACHABLE, SILENT):
        what = f"{source.name} cannot connect to {at}: {way['error']}"
        return [Finding("path-failed", source.name, target.name, what, _CABLE.format(**names))]
    how = {
        TIMEOUT: "get no answer",
        UNREACHABLE: f"fail ({way['error']})",
        SILENT: "are made, and nothing more comes",
    }[way["state"]]
    told = f"connections of {source.name} to {at} {how}"
    if target.name not in reports:
        return [Finding("path-unanswered", source.name, target.name, told, _CABLE.format(**names))]
    return _unanswered(source, target, reports, told)


def _refused(source: Member, target: Member, reports: t.Mapping[str, Report], at: str) -> Finding:
    fix = _FENCE.format(source=source.name, to=target.name)
    if target.name in reports and reports[target.name]["listening"].get(str(target.port)) is None:
        if _apart(reports[source.name], reports[target.name]) and not _heard_any(source, target, reports):
            return _not_together(source, target, reports)
        what = f"{source.name} is refused by {at}, where {target.name} does listen: a firewall rejects it"
        return Finding("path-rejected", source.name, target.name, what, fix)
    what = f"{source.name} is refused by {at}: nothing listens there, or a firewall rejects it"
    return Finding("path-refused", source.name, target.name, what, f"run the check on {target.name} at the same time")


def _unanswered(source: Member, target: Member, reports: t.Mapping[str, Report], told: str) -> list[Finding]:
    """Packets vanish. What each side heard of the other tells in which direction."""
    names = {"source": source.name, "to": target.name}
    there, here = reports[target.name], reports[source.name]
    back = there["peers"].get(source.name) or {}
    if back.get("state") == OK:
        what = f"{told}, while {target.name} reaches {source.name}: a firewall drops them"
        return [Finding("path-blocked", source.name, target.name, what, _FENCE.format(**names))]
    if _apart(here, there) and not _heard_any(source, target, reports):
        return [_not_together(source, target, reports)]
    if back.get("state") == REFUSED and here["listening"].get(str(source.port)) is None:
        return []  # what rejects the other direction rejects the answers to this one, too
    arrives, returns = _arrived(there, source.name), _arrived(here, target.name)
    if arrives == returns:  # connections tell nothing, so datagrams must
        arrives, returns = _datagrams(there, source.name), _datagrams(here, target.name)
    if arrives and not returns:
        return []  # the finding is that of the other direction
    if returns:
        if not arrives:
            what = f"nothing of {source.name} arrives at {target.name} ({told}); the other direction is open"
            return [Finding("path-blocked", source.name, target.name, what, _FENCE.format(**names))]
        what = f"{told}, though packets arrive both ways: connections are dropped on the way"
        return [Finding("path-blocked", source.name, target.name, what, _FENCE.format(**names))]
    what = f"{told}; nothing arrives in the other direction either"
    return [Finding("path-dead", source.name, target.name, what, _CABLE.format(**names))]


def _arrived(report: Report, name: str) -> bool:
    heard = report["heard"].get(name) or {}
    return bool(heard.get("half_open") or heard.get("connections"))


def _datagrams(report: Report, name: str) -> bool:
    return bool((report["heard"].get(name) or {}).get("datagrams"))


def _heard_any(one: Member, other: Member, reports: t.Mapping[str, Report]) -> bool:
    pairs = ((reports[one.name], other.name), (reports[other.name], one.name))
    return any(_arrived(report, name) or _datagrams(report, name) for report, name in pairs)


def _apart(one: Report, other: Report) -> bool:
    return bool(one["ended"] < other["started"] or other["ended"] < one["started"])


def _not_together(one: Member, other: Member, reports: t.Mapping[str, Report]) -> Finding:
    first, second = sorted((one, other), key=lambda member: float(reports[member.name]["started"]))
    gap = reports[second.name]["started"] - reports[first.name]["ended"]
    what = (
        f"{first.name} and {second.name} did not meet: by their clocks {second.name} began {gap:.0f} s after "
        f"{first.name} had ended"
    )
    fix = "run the check on all members at once (forks, async), set the clocks, or open the network between them"
    return Finding("not-together", first.name, second.name, what, fix)


def ports(source: Member, target: Member, reports: t.Mapping[str, Report]) -> list[Finding]:
    """Ports of ``target`` besides the first that are closed for ``source``, and the one that its kernel chose."""
    way = reports[source.name]["peers"].get(target.name) or {}
    if way.get("state") != OK:
        return []
    listening = reports[target.name]["listening"] if target.name in reports else {}
    shut = {port: state for port, state in (way.get("ports") or {}).items() if state != OK and not listening.get(port)}
    found = []
    fence = _FENCE.format(source=source.name, to=target.name)
    if shut:
        told = ", ".join(f"{port} ({_WORDS.get(state, state)})" for port, state in sorted(shut.items(), key=_number))
        what = f"{source.name} reaches {target.name} at port {target.port}, and not at {told}"
        found.append(Finding("port-closed", source.name, target.name, what, fence))
    side = way.get("side") or {}
    if side.get("state") not in (OK, None):
        where = place(*side["place"])
        what = (
            f"{source.name} reaches {target.name} at port {target.port}, and not at {where} "
            f"({_WORDS.get(side['state'], side['state'])}), a port that the kernel chose: Gloo and NCCL listen on such"
        )
        found.append(Finding("side-closed", source.name, target.name, what, fence))
    return found


def _number(item: tuple[str, str]) -> int:
    return int(item[0])


_WORDS = {REFUSED: "refused", TIMEOUT: "no answer", UNREACHABLE: "unreachable"}
