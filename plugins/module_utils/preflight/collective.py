# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The judge of collective_test: did the ranks meet, is the sum right, and which way did the data take. Pure."""

from __future__ import annotations

import re
import typing as t

from . import nccl
from .findings import ERROR, WARNING, Finding, in_order
from .judge import judge_peers
from .members import Member
from .reach import Report

#: Below this part of the link's speed the largest sum is called slow.
_SHARE = 0.1
#: A sum of fewer bytes measures latency.
_LARGE = 8 << 20
#: Part of what a member must have sent that its own interface has to show.
_MOVED = 0.5
_TAIL = 3
#: What Gloo and NCCL say of a peer that went away.
_GONE = re.compile(r"[Cc]onnection (?:closed|reset) by")
#: What ranks.py says of a rank that had to be ended.
_STALLED = "out of time"


def judge_collective(
    members: t.Sequence[Member], reports: t.Mapping[str, Report | None], complete: bool = True
) -> list[Finding]:
    """Findings, errors first. reports: by member's name what module collective_test returns, None without one.

    complete: whether a member without a report did not take part, rather than that nothing is known of it.
    """
    known: dict[str, Report] = {name: report for name, report in reports.items() if report is not None}
    found = _met(members, known, complete)
    if any(finding.level == ERROR for finding in found):
        return in_order(found)
    missing = _missing(members, known)
    found += missing + _stalled(members, known)
    for member in members:
        if member.name in known and known[member.name]["ran"]:
            if member.name not in [finding.source for finding in missing]:
                found += _ranks(member, known[member.name])
            found += _sums(member, known[member.name])
            found += _way(member, known[member.name])
    causes = [finding for finding in found if finding.level == ERROR and not _is_consequence(finding)]
    return in_order(finding for finding in found if not (causes and _is_consequence(finding)))


def _is_consequence(finding: Finding) -> bool:
    """A rank whose peer went away says so; where that peer's own end is known, it is no news."""
    return finding.id == "rank-failed" and _GONE.search(finding.what) is not None


def _met(members: t.Sequence[Member], known: t.Mapping[str, Report], complete: bool) -> list[Finding]:
    """What keeps the ranks from meeting: interfaces, absent members, closed directions."""
    found = []
    wrong = set()
    for member in members:
        choice = known[member.name]["choice"] if member.name in known else {"error": None}
        if choice["error"] is not None:
            what = f"{member.name}: {choice['error']}"
            fix = f"give {member.name} an interface that it has, with an address (vllm_services[].interface)"
            found.append(Finding("collective-interface", member.name, None, what, fix))
            wrong.add(member.name)
        elif member.name in known and choice["address"] != member.address:
            by = f"{choice['variable']}={choice['value']}" if choice["value"] else f"no {choice['variable']}"
            on = f"{choice['address']} of {choice['name'] or 'no interface'}"
            what = f"{member.name} would use {on} ({by}), and the members' network has it at {member.address}"
            fix = f"set {choice['variable']} of {member.name} to the interface that has {member.address}"
            found.append(Finding("collective-interface", member.name, None, what, fix))
            wrong.add(member.name)
    meetings = {name: report["met"] for name, report in known.items()}
    for finding in judge_peers(members, meetings, complete=complete):
        # A port on the wrong address is closed for that reason, which is a finding already.
        if not (finding.id == "side-closed" and finding.target in wrong):
            found.append(finding)
    return found


def _missing(members: t.Sequence[Member], known: t.Mapping[str, Report]) -> list[Finding]:
    """Ranks that others waited for in vain, by their members. They met before, so the members themselves are there."""
    owner = [member.name for member in members for _rank in range(member.ranks)]
    waited: dict[str, list[str]] = {}
    for name, report in known.items():
        for rank in {number for item in report["ranks"] for number in item.get("missing") or []}:
            if name not in waited.setdefault(owner[rank], []):
                waited[owner[rank]].append(name)
    found = []
    for name, by in waited.items():
        why = _why(known[name]) if name in known else ""
        what = f"ranks of {name} did not come to the collective; {', '.join(by)} waited for them. {why}"
        found.append(Finding("rank-missing", name, None, what.strip(), f"run the test's Python on {name} by hand"))
    return found


def _why(report: Report) -> str:
    if not report["ran"]:
        return f"They were not started: {report['why']}"
    errors = [rank["error"] for rank in report["ranks"] if rank["error"] and not rank.get("missing")]
    return errors[0] if errors else report["why"] or ""


def _stalled(members: t.Sequence[Member], known: t.Mapping[str, Report]) -> list[Finding]:
    """What ranks that ran out of time waited for: the members met again afterwards, so that a broken way is named."""
    late = [name for name, report in known.items() for rank in report["ranks"] if rank["error"] == _STALLED]
    again = {name: report["met_again"] for name, report in known.items() if report["met_again"]}
    found = []
    if len(again) == len(members):
        found = [finding for finding in judge_peers(members, again) if finding.level == ERROR]
    if late and not found:
        stage = next(rank["stage"] for rank in known[late[0]]["ranks"] if rank["error"] == _STALLED)
        what = f"ranks on {', '.join(dict.fromkeys(late))} did not end in time, at stage {stage}"
        fix = "give timeout more seconds if the network is slow; else see what the ranks printed, in the reports"
        found.append(Finding("collective-timeout", None, None, what, fix))
    return found


def _ranks(member: Member, report: Report) -> list[Finding]:
    if report["ran"] and report["why"]:
        fix = "see the end of its output in the report"
        return [Finding("rank-failed", member.name, None, f"{member.name}: {report['why']}", fix)]
    found = []
    for rank in report["ranks"]:
        if rank["error"] not in (None, _STALLED) and not rank.get("missing"):
            what = f"rank {rank['rank']} on {member.name} failed at stage {rank['stage']}: {rank['error']}"
            tail = [line for line in report["log"].splitlines() if "WARN" in line or "rror" in line][-_TAIL:]
            fix = "see what it printed: " + " | ".join(tail) if tail else "see what it printed, in the report"
            found.append(Finding("rank-failed", member.name, None, what, fix))
    return found


def _sums(member: Member, report: Report) -> list[Finding]:
    found = []
    wrong = [str(size["bytes"]) for size in report["sizes"] if not size["right"]]
    if wrong:
        what = f"{member.name} got wrong sums for {', '.join(wrong)} bytes: data changes on its way"
        fix = "check the memory and links of its GPUs (ECC, Xid), NCCL_P2P_DISABLE=1, ACS and IOMMU settings"
        found.append(Finding("collective-wrong", member.name, None, what, fix))
    speed = _interface(report).get("speed_mbits")
    large = [size for size in report["sizes"] if size["bytes"] >= _LARGE]
    if report["backend"] == "nccl" and speed and large:
        best = max(size["busbw"] for size in large)
        if best * 8000 < speed * _SHARE:
            what = f"{member.name}: bus bandwidth {best:g} GB/s on a link of {speed / 8000:g} GB/s"
            fix = "see the transport in the report: TCP, missing GPUDirect, or one NIC for many GPUs"
            found.append(Finding("collective-slow", member.name, None, what, fix, WARNING))
    return found


def _interface(report: Report) -> t.Mapping[str, t.Any]:
    found: t.Mapping[str, t.Any] = report["met"]["local"]["interface"]
    return found


def _way(member: Member, report: Report) -> list[Finding]:
    """TCP where RDMA is there, RDMA without the GPU's memory, or traffic on another interface than planned."""
    if not report["sizes"]:
        return []
    transport, rdma = report["transport"], _interface(report).get("rdma")
    found = []
    tcp = nccl.is_tcp(transport) if report["backend"] == "nccl" else True
    if report["backend"] == "nccl" and tcp and rdma:
        purpose = nccl.on_purpose(transport, report["environment"])
        why = f" ({'; '.join(transport['reasons'])})" if transport["reasons"] and not purpose else ""
        what = f"NCCL on {member.name} uses TCP, though {_interface(report)['name']} has RDMA device {rdma}"
        if purpose:
            fix = f"take {purpose} out, unless TCP is wanted"
            found.append(Finding("tcp-on-rdma", member.name, None, f"{what}: {purpose} is set", fix, WARNING))
        else:
            fix = "install rdma-core, hand /dev/infiniband to the container, check NCCL_IB_HCA and ibv_devinfo"
            found.append(Finding("tcp-on-rdma", member.name, None, what + why, fix))
    ways = [way for way in transport["channels"] if way.startswith("NET/") and not way.startswith("NET/Socket")]
    if ways and not any(way.endswith("/GDRDMA") for way in ways):
        what = f"NCCL on {member.name} uses RDMA without GPUDirect: data takes the way through the host's memory"
        fix = "load nvidia-peermem (or use DMA-BUF), and see NCCL_NET_GDR_LEVEL"
        found.append(Finding("no-gpudirect", member.name, None, what, fix, WARNING))
    if tcp:
        found += _elsewhere(member, report)
    return found


def _elsewhere(member: Member, report: Report) -> list[Finding]:
    """TCP traffic on an interface that nobody chose. A tunnel or bond counts its bytes on what is below it, too."""
    planned, moved = report["choice"]["name"], report["traffic"]["interfaces"]
    least = sum(size["bytes"] * size["times"] for size in report["sizes"]) * _MOVED
    if planned is None or moved.get(planned, 0) >= least:
        return []
    others = {name: count for name, count in moved.items() if name not in (planned, "lo") and count >= least}
    if not others:
        return []
    name = max(others, key=lambda item: others[item])
    what = f"the collective of {member.name} went over {name}, not over {planned}"
    fix = f"check {report['choice']['variable']} and the routes of {member.name}"
    return [Finding("collective-elsewhere", member.name, None, what, fix)]
