# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the members' reports of one round say, and the report that a person gets of all. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from .collective import judge_collective
from .findings import ERROR, Finding
from .judge import judge_peers
from .members import Member
from .reach import Report

#: What a module returned on a host, None where nothing came back.
Result = t.Mapping[str, t.Any]
Round = t.Mapping[str, t.Any]


def judge_round(round_: Round, results: t.Mapping[str, Result | None]) -> dict[str, t.Any]:
    """``{findings, told, collective}`` of what peer_check returned, by host.

    findings: by engine. told: what was measured, a line an engine. collective: engines whose members may go on.
    """
    answer: dict[str, t.Any] = {"findings": {}, "told": [], "collective": []}
    for name, engine in round_["engines"].items():
        members = _members(engine["members"])
        reports = _reports(members, results)
        findings = _explained(judge_peers(members, reports), results)
        answer["findings"][name] = [finding.as_dict() for finding in findings]
        if any(finding.level == ERROR for finding in findings):
            why: str | None = "the network between its members is not fit"
        else:
            why = engine["why_no_collective"]
            answer["told"].append(f"{name}: {_network(members, reports)}.")
        if why is None:
            answer["collective"].append(name)
        else:
            answer["told"].append(f"{name}: no collective is run: {why}.")
    return answer


def judge_sums(round_: Round, engines: t.Sequence[str], results: t.Mapping[str, Result | None]) -> dict[str, t.Any]:
    """``{findings, told}`` of what collective_test returned on the hosts of these engines."""
    answer: dict[str, t.Any] = {"findings": {}, "told": []}
    for name in engines:
        members = _members(round_["engines"][name]["collective_members"])
        reports = _reports(members, results)
        findings = _explained(judge_collective(members, reports), results)
        answer["findings"][name] = [finding.as_dict() for finding in findings]
        if not any(finding.level == ERROR for finding in findings):
            answer["told"].append(f"{name}: {_sums(members, reports)}.")
    return answer


def _members(items: t.Sequence[t.Mapping[str, t.Any]]) -> list[Member]:
    return [
        Member(
            item["name"],
            item["address"],
            tuple(item["ports"]),
            item["interface"],
            item.get("hostname"),
            item.get("ranks", 1),
        )
        for item in items
    ]


def _reports(members: t.Sequence[Member], results: t.Mapping[str, Result | None]) -> dict[str, Report | None]:
    return {member.name: (results.get(member.name) or {}).get("report") for member in members}


def _explained(findings: t.Sequence[Finding], results: t.Mapping[str, Result | None]) -> list[Finding]:
    """Findings about hosts whose module failed with the reason that Ansible gave."""
    reasons = {host: str((result or {}).get("msg") or "").strip() for host, result in results.items()}
    return [
        dataclasses.replace(finding, what=f"{finding.what}: {reasons[finding.source or '']}")
        if reasons.get(finding.source or "")
        else finding
        for finding in findings
    ]


def _network(members: t.Sequence[Member], reports: t.Mapping[str, Report | None]) -> str:
    """The slowest way and the thinnest one of those that were measured."""
    ways = [
        (f"{member.name} -> {peer}", way)
        for member in members
        for peer, way in (reports[member.name] or {"peers": {}})["peers"].items()
    ]
    answers = [((way.get("latency_ms") or {}).get("median"), pair) for pair, way in ways]
    rates = [((way.get("throughput") or {}).get("mbits"), pair) for pair, way in ways]
    slow = max(((value, pair) for value, pair in answers if value is not None), default=None)
    thin = min(((value, pair) for value, pair in rates if value is not None), default=None)
    told = [f"{len(ways)} ways between {len(members)} members are open"]
    told += [f"the slowest answers in {slow[0]:.2f} ms ({slow[1]})"] if slow else []
    told += [f"the thinnest carries {thin[0]:.0f} Mb/s ({thin[1]})"] if thin else []
    return ", ".join(told)


def _sums(members: t.Sequence[Member], reports: t.Mapping[str, Report | None]) -> str:
    head = reports[members[0].name] or {}
    ranks = sum(member.ranks for member in members)
    best = max((size["busbw"] for size in head.get("sizes") or ()), default=0.0)
    transports = [(report or {}).get("transport") or {} for report in reports.values()]
    channels = sorted({way for transport in transports for way in transport.get("channels") or ()})
    names = dict.fromkeys(str((report or {}).get("choice", {}).get("name")) for report in reports.values())
    way = ", ".join(channels) or f"over {', '.join(names)}"
    return f"{ranks} ranks sum rightly by {head.get('backend')}, {best:g} GB/s of bus bandwidth, {way}"


def merge(results: t.Sequence[t.Mapping[str, t.Any]]) -> tuple[list[dict[str, t.Any]], list[str]]:
    """Findings of all steps, errors first, each once with the ``engines`` that it is about; and the lines told."""
    found: dict[str, dict[str, t.Any]] = {}
    told: list[str] = []
    for result in results:
        told += result["told"]
        for engine, findings in result["findings"].items():
            for finding in findings:
                item = found.setdefault(repr(sorted(finding.items(), key=str)), {**finding, "engines": []})
                if engine not in item["engines"]:
                    item["engines"].append(engine)
    return sorted(found.values(), key=lambda item: item["level"] != ERROR), told


def line(finding: t.Mapping[str, t.Any]) -> str:
    """A finding as a person reads it."""
    return f"{finding['id']} ({', '.join(finding['engines'])}): {finding['what']}. Fix: {finding['fix']}"


def failure(findings: t.Sequence[t.Mapping[str, t.Any]]) -> str:
    """The message of a preflight that found errors, all of them; empty without any."""
    errors = [line(finding) for finding in findings if finding["level"] == ERROR]
    if not errors:
        return ""
    count = f"{len(errors)} error{'s' if len(errors) > 1 else ''}"
    return "\n  ".join([f"Preflight found {count}; the engines would fail or hang:", *errors])
