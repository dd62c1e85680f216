# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs on hosts, joined with what the intent wants: services, engines, hosts, and what is wrong. Pure."""

from __future__ import annotations

import typing as t

from ..clients.ladder import RUNGS
from ..planning.show.columns import clip

#: Reasons may hold a stack of addresses; the journal has all of it.
_CAUSE = 160

Item = dict[str, t.Any]
Reports = t.Mapping[str, t.Optional[t.Mapping[str, t.Any]]]


def join(services: t.Sequence[t.Mapping[str, t.Any]], reports: Reports) -> Item:
    """The status document (docs/status.md).

    services: of the intent, each with ``name``, ``model``, ``replicas`` (None: not written), ``hosts`` and ``door``
    (whether it has a front door; None: where it has several engines).
    reports: by host what host_status told; None where nobody asked.
    """
    found = _Found()
    hosts = [_host(name, report, found) for name, report in reports.items()]
    answering = {name: report for name, report in reports.items() if report and _told(report)}
    engines = _engines(answering, found)
    doors = [{"host": host, **door} for host, report in answering.items() for door in report["doors"]]
    wanted = [_service(service, engines, doors, reports, found) for service in services]
    known = {service["name"] for service in services}
    for engine in engines:
        if engine["service"] not in known:
            found.note(engine["name"], "runs, and no service of the inventory wants it: site.yml would remove it")
    return {
        "ok": not found.problems,
        "services": wanted,
        "engines": engines,
        "hosts": hosts,
        "problems": found.problems,
        "notes": found.notes,
    }


class _Found:
    """What is wrong, and what a person should know: ``{where, what}`` each."""

    def __init__(self) -> None:
        self.problems: list[Item] = []
        self.notes: list[Item] = []

    def problem(self, where: str, what: str) -> None:
        self.problems.append({"where": where, "what": what})

    def note(self, where: str, what: str) -> None:
        self.notes.append({"where": where, "what": what})


def _told(report: t.Mapping[str, t.Any]) -> bool:
    return bool(report.get("reached")) and not report.get("failed")


def _host(name: str, report: t.Mapping[str, t.Any] | None, found: _Found) -> Item:
    if report is None:
        found.problem(name, "was not asked: it is outside this run (--limit, vllm_hosts)")
    elif not _told(report):
        verb = "could not be looked at" if report.get("reached") else "is not reached"
        found.problem(name, f"{verb}: {_line(report.get('msg'))}")
    if report is None or not _told(report):
        told = _line(report.get("msg")) if report else "not asked"
        return {"name": name, "reached": bool(report and report.get("reached")), "msg": told, "units": [], "gpus": []}
    for unit in report["units"]:
        if unit["kind"] is None:
            found.note(name, f"{unit['name']} is of an earlier release and does not say what it is: run site.yml")
        elif unit["kind"] not in ("engine", "guard", "door") and unit["active_state"] not in ("active", "reloading"):
            found.problem(name, f"{unit['name']} is {unit['active_state']} ({unit['sub_state']})")
    if report["gpu_error"]:
        found.note(name, f"GPUs: {_line(report['gpu_error'])}")
    return {"name": name, "reached": True, "msg": None, "units": report["units"], "gpus": report["gpus"]}


def _engines(reports: t.Mapping[str, t.Mapping[str, t.Any]], found: _Found) -> list[Item]:
    """Every engine of which a host tells, by name; heads first among its members."""
    shares: dict[str, list[Item]] = {}
    guards: dict[str, list[Item]] = {}
    for host, report in reports.items():
        for share in report["engines"]:
            shares.setdefault(share["engine"], []).append({"host": host, **share})
        for guard in report["guards"]:
            guards.setdefault(guard["engine"], []).append({"host": host, **guard})
    names = sorted(shares, key=lambda name: (name.rpartition("-")[0], _number(name), name))
    return [_engine(name, shares[name], guards.get(name, []), found) for name in names]


def _engine(name: str, shares: t.Sequence[Item], guards: t.Sequence[Item], found: _Found) -> Item:
    members = sorted(shares, key=lambda share: share["role"] != "head")
    head = members[0] if members[0]["role"] == "head" else None
    if head is None:
        found.problem(name, "its head is not among the hosts that answer")
    for member in members:
        if not member["ok"]:
            found.problem(name, _trouble(member))
    versions = sorted({member["version"] for member in members if member["version"]})
    if len(versions) > 1:
        found.note(name, f"its members have different releases of vLLM: {', '.join(versions)}")
    ups = [member["unit"]["uptime"] for member in members if member["unit"]["uptime"] is not None]
    return {
        "name": name,
        "service": members[0]["service"],
        "ok": head is not None and all(member["ok"] for member in members),
        "urls": [url for member in members for url in member["urls"]],
        "rungs": {rung: _rung(rung, head, members) for rung in RUNGS},
        "token_seconds": head["rungs"]["token"]["seconds"] if head else None,
        "version": versions[0] if versions else None,
        "uptime": min(ups) if len(ups) == len(members) else None,
        "restarts": sum(member["unit"]["restarts"] for member in members),
        "members": [
            {key: member[key] for key in ("host", "role", "ok", "failed_rung", "rungs", "unit", "version", "progress")}
            for member in members
        ],
        "guard": _guard(name, guards, found),
    }


def _trouble(member: Item) -> str:
    """What fails, how far the running start is, and why the one before it ended."""
    rung, progress, reason = member["failed_rung"], member["progress"], member["reason"]
    told = [f"on {member['host']}: {rung}: {member['rungs'][rung]['detail']}" if rung else f"on {member['host']}: ?"]
    if progress and member["rungs"]["unit"]["ok"]:
        told.append(f"It is at: {progress['phase']} {progress['detail']}".strip())
    if reason:
        told.append(f"Its last start failed: {clip(_line(reason['summary']), _CAUSE)}. Fix: {reason['fix']}")
    return _line(". ".join(told))


def _rung(rung: str, head: Item | None, members: t.Sequence[Item]) -> bool | None:
    """Whether the rung holds: on every member that tried it, and on the head. None: not tried."""
    told = [member["rungs"][rung]["ok"] for member in members]
    if False in told:
        return False
    return head["rungs"][rung]["ok"] if head else None


def _guard(engine: str, guards: t.Sequence[Item], found: _Found) -> Item | None:
    """The head's word where there is one; the last act of any member, and all their restarts by reason."""
    if not guards:
        return None
    for guard in guards:
        if not guard["running"]:
            found.note(engine, f"its guard on {guard['host']} does not run: nothing restarts the group by itself")
        elif guard["silent"] is not None:
            found.note(engine, f"its guard on {guard['host']} says nothing any more: journalctl -u {guard['unit']}")
        elif guard["suspect"]:
            found.note(engine, "something is owed and no token comes: its guard restarts it unless that changes")
    head = next((guard for guard in guards if guard["role"] == "head"), guards[0])
    acts = [{"host": guard["host"], **guard["last_action"]} for guard in guards if guard["last_action"]]
    # The head's line names the cause; workers follow it.
    acts.sort(key=lambda act: (act["host"] != head["host"], -act["at"]))
    return {
        "phase": head["phase"],
        "epoch": head["epoch"],
        "restarts": sum((head["restarts"] or {}).values()),
        "last_action": acts[0] if acts else None,
    }


def _service(
    service: t.Mapping[str, t.Any],
    engines: t.Sequence[Item],
    doors: t.Sequence[Item],
    reports: Reports,
    found: _Found,
) -> Item:
    name = service["name"]
    fronts = [door for door in doors if door["service"] == name]
    for door in fronts:
        if not door["ok"]:
            rung = door["failed_rung"]
            found.problem(name, f"its front door on {door['host']}: {rung}: {_line(door['rungs'][rung]['detail'])}")
    mine = [engine for engine in engines if engine["service"] == name]
    lacks = bool(mine) and not fronts and (len(mine) > 1 if service.get("door") is None else service["door"])
    if lacks:
        found.problem(name, "no host that answers has its front door: run site.yml")
    serving = sum(engine["ok"] for engine in mine)
    wanted = service["replicas"]
    if not mine:
        found.problem(name, "no host that answers has an engine of it: run site.yml")
    elif wanted and len(mine) < wanted:
        found.problem(name, f"{len(mine)} of {wanted} engines are there, on hosts that answer")
    silent = [host for host in service["hosts"] if not (reports.get(host) and _told(reports[host] or {}))]
    seconds = [engine["token_seconds"] for engine in mine if engine["token_seconds"] is not None]
    return {
        "name": name,
        "model": service["model"],
        "ok": bool(mine)
        and serving == len(mine)
        and len(mine) >= (wanted or 1)
        and not lacks
        and all(door["ok"] for door in fronts),
        "serving": serving,
        "engines": max(len(mine), wanted or 0),
        "urls": [door["url"] for door in fronts] or [url for engine in mine for url in engine["urls"]],
        "versions": sorted({engine["version"] for engine in mine if engine["version"]}),
        "token_seconds": [min(seconds), max(seconds)] if seconds else None,
        "silent_hosts": silent,
    }


def _number(name: str) -> int:
    tail = name.rpartition("-")[2]
    return int(tail) if tail.isdigit() else -1


def _line(text: t.Any) -> str:
    return " ".join(str(text or "no reason is known").split())
