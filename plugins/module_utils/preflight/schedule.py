# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which engines are checked when, and with what: the steps of preflight on the controller. Pure."""

from __future__ import annotations

import math
import typing as t

from . import subjects
from .hosts import Probe, judge_hosts
from .subjects import Plan, Subject

#: Seconds of vllm.cluster.peer_check, and of the meeting of vllm.cluster.collective_test.
_MEET_S = 10
#: Seconds for the ranks: eight of them read torch from a cold disk.
_RANKS_S = 60
#: Seconds in which Ansible starts a module on as many hosts as it has forks, roughly.
_BATCH_S = 2
#: What a module takes besides its own time-outs, and the most that they may be.
_BESIDE_S, _MOST_S = 60, 300
_BACKENDS = {"cuda": "nccl", "cpu": "gloo"}


def choose(plan: Plan, probes: t.Mapping[str, Probe | None], when: str) -> dict[str, t.Any]:
    """``{engines, requests, told}``: engines to check; what to probe, by host; and lines about it.

    when: ``auto`` (before a start on a network that the engine does not run on yet), ``always``, ``never``.
    """
    several = subjects.subjects(plan)
    engines, told = [], []
    for subject in several:
        why = subjects.why_to_check(subject, probes)
        hosts = f"{subject.name} ({', '.join(subject.hosts)})"
        if when == "never" and why:
            told.append(f"{hosts} is not checked (vllm_preflight: never), though it {why}.")
        elif when == "always" or (why and when == "auto"):
            engines.append(subject.name)
            told.append(f"{hosts} is checked: it {why}." if why else f"{hosts} is checked.")
    if not several and when == "always":
        told.append("No engine of the plan spans several hosts: there is nothing to check.")
    requests: dict[str, dict[str, list[str]]] = {}
    for subject in several:
        for part in subject.parts if subject.name in engines else ():
            wanted = requests.setdefault(part.host, {"environments": [], "pythons": []})
            if part.environment and part.environment not in wanted["environments"]:
                wanted["environments"].append(part.environment)
                wanted["pythons"].append(str(part.python))
    return {"engines": engines, "requests": requests, "told": told}


def prepare(
    plan: Plan, engines: t.Sequence[str], probes: t.Mapping[str, Probe | None], forks: int, consent: bool
) -> dict[str, t.Any]:
    """``{rounds, findings, told}``: what the hosts do, what the probes tell already by engine, and lines about it.

    engines: names, of choose. probes: taken since; None where a host did not answer. forks: Ansible's. consent: whether
    a collective may run on engines that run.

    A round is ``{hosts: {host: engine}, engines: {engine: …}, async_s, …}``: its engines share no host, so that all run
    at once. Of an engine it has ``members``, and ``collective``: null, or the options of the collective by host.
    """
    chosen = [subject for subject in subjects.subjects(plan) if subject.name in engines]
    findings: dict[str, list[dict[str, t.Any]]] = {}
    told: list[str] = []
    rounds: list[list[Subject]] = []
    known: dict[str, Probe] = {host: _real(probe or {}) for host, probe in probes.items()}
    for subject in chosen:
        here = {part.host: known.get(part.host, {}) for part in subject.parts}
        told += _left_out(subject, here)
        needs = subjects.needs(subject, here)
        if _nowhere(subject, here):
            told.append(f"{subject.name}: its environment is on none of the hosts yet; versions are not compared.")
            here = {host: {**probe, "environments": {}} for host, probe in here.items()}
        findings[subject.name] = [finding.as_dict() for finding in judge_hosts(needs, here)]
        for members in rounds:
            if not any(set(subject.hosts) & set(other.hosts) for other in members):
                members.append(subject)
                break
        else:
            rounds.append([subject])
    return {
        "rounds": [_round(members, known, findings, forks, consent) for members in rounds],
        "findings": findings,
        "told": told,
    }


def _real(probe: Probe) -> Probe:
    """The probe with the Python that each environment really starts; its own file says what it was made from."""
    pythons, environments = probe.get("pythons") or {}, probe.get("environments") or {}
    real = {
        path: {**versions, "python": pythons.get(f"{path}/bin/python") or versions.get("python")}
        if versions is not None
        else None
        for path, versions in environments.items()
    }
    return {**probe, "environments": real}


def _nowhere(subject: Subject, probes: t.Mapping[str, Probe]) -> bool:
    """Whether the engine's environment is on no host. On some alone, it is a finding."""
    paths = {part.host: part.environment for part in subject.parts}
    there = [(probes[host].get("environments") or {}).get(path) for host, path in paths.items() if path]
    return bool(there) and not any(there)


def _left_out(subject: Subject, probes: t.Mapping[str, Probe]) -> list[str]:
    held = {part.host: part.left_out(probes[part.host]) for part in subject.parts}
    shown = "; ".join(f"{host} {', '.join(map(str, ports))}" for host, ports in held.items() if ports)
    return [f"{subject.name}: ports that units of ours hold are not tried: {shown}."] if shown else []


def _round(
    members: t.Sequence[Subject],
    probes: t.Mapping[str, Probe],
    findings: t.Mapping[str, t.Sequence[t.Mapping[str, t.Any]]],
    forks: int,
    consent: bool,
) -> dict[str, t.Any]:
    hosts = {host: subject.name for subject in members for host in subject.hosts}
    batches = math.ceil(len(hosts) / max(1, forks))
    meet = min(_MOST_S, _MEET_S + (_BATCH_S * batches if batches > 1 else 0))
    engines = {}
    for subject in members:
        here = {host: probes.get(host, {}) for host in subject.hosts}
        why_not = _why_no_collective(subject, here, findings[subject.name], consent)
        engines[subject.name] = {
            "members": subjects.members(subject, here),
            "collective_members": subjects.collective_members(subject, here),
            "backend": _BACKENDS[subject.accelerator],
            "python": {part.host: [part.python] for part in subject.parts},
            "environment": {part.host: part.variables for part in subject.parts},
            "why_no_collective": why_not,
        }
    return {
        "hosts": hosts,
        "engines": engines,
        "meet_s": meet,
        "ranks_s": _RANKS_S,
        # 0: all start at once, and Ansible waits for them.
        "peers_async_s": meet + _BESIDE_S if batches > 1 else 0,
        "collective_async_s": 2 * meet + _RANKS_S + _BESIDE_S if batches > 1 else 0,
    }


def _why_no_collective(
    subject: Subject, probes: t.Mapping[str, Probe], findings: t.Sequence[t.Mapping[str, t.Any]], consent: bool
) -> str | None:
    """Why no collective is run, in words; None where one is."""
    if any(part.environment is None for part in subject.parts):
        return "it runs in containers"
    if _nowhere(subject, probes):
        return "its environment is not there yet"
    if any(finding["id"] == "environment-lacks" for finding in findings):
        return "an environment lacks what it needs"
    if consent:
        return None
    up = [part.host for part in subject.parts if subjects.is_up(part, probes[part.host])]
    if up:
        return f"the engine runs on {', '.join(up)} (vllm_preflight_collective: true runs it beside)"
    for part in subject.parts:
        for gpu in probes[part.host].get("gpus") or ():
            users = [item.get("unit") or item.get("name") or "a process" for item in gpu.get("processes") or ()]
            if gpu.get("index") in part.devices and users:
                where = f"GPU {gpu['index']} of {part.host}"
                return f"{where} is used by {users[0]} (vllm_preflight_collective: true runs it beside)"
    return None
