# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host's engines by their rungs, and of those that are not healthy how far they are and why."""

from __future__ import annotations

import concurrent.futures
import time
import typing as t
from urllib.parse import urlsplit

from ..clients import ladder, transport, vllm
from ..diagnosis import journal, listeners, phases, report, systemd
from ..probes.commands import Commands
from . import guards

_JOURNAL_LINES = 2000
_LOOPBACK = ("127.0.0.1", "localhost", "::1")

#: An item of vllm_health's option ``engines``: all its keys.
Question = t.Mapping[str, t.Any]
States = t.Mapping[str, systemd.UnitState]


class NoStates(Exception):
    """systemd did not tell of all units that were asked for; the text says how."""


def states(commands: Commands, names: t.Sequence[str]) -> dict[str, systemd.UnitState]:
    """The states of all named units, by one command. Raises NoStates."""
    if not names:
        return {}
    answer = commands.run(
        str(commands.module.get_bin_path("systemctl", required=True)),
        "show",
        "--property=" + ",".join(systemd.PROPERTIES),
        "--",
        *names,
    )
    found = systemd.unit_states(answer.out) if answer.ok else []
    if len(found) != len(names):
        why = f"no answer in {commands.timeout} s" if answer.stopped else answer.err.strip() or f"{len(found)} answers"
        raise NoStates(f"systemctl show did not tell of {', '.join(names)}: {why}")
    return dict(zip(names, found))


def look(
    commands: Commands, questions: t.Sequence[Question], keys: t.Mapping[str, str | None], known: States
) -> list[dict[str, t.Any]]:
    """The items of vllm_health's result ``engines``, in the order of ``questions``; all are asked at the same time.

    keys: API keys by engine. known: the states of the questions' units.
    Raises OSError when a ``ca_path`` cannot be used.
    """
    found = [known.get(question["unit"] or "") for question in questions]
    holders = [_stranger(question, state) for question, state in zip(questions, found)]
    asked = [keys.get(question["name"]) for question in questions]
    with concurrent.futures.ThreadPoolExecutor(max_workers=max(1, min(16, len(questions)))) as pool:
        ladders = list(pool.map(_climb, questions, asked, found, holders))
    return [_result(commands, *item) for item in zip(questions, found, holders, ladders)]


def _unit_check(state: systemd.UnitState) -> vllm.Check:
    if state.running:
        return vllm.Check(True, f"{state.active} ({state.sub})")
    return vllm.Check(False, state.explain())


def _stranger(question: Question, state: systemd.UnitState | None) -> listeners.Holder | None:
    """The process that holds a loopback address's port and is not the unit's, or None (also when nobody can tell)."""
    parts = urlsplit(question["url"] or "")
    if state is None or parts.hostname not in _LOOPBACK or not parts.port:
        return None
    pids = listeners.group_pids(state.control_group)
    if not pids or listeners.listens(parts.port, pids):
        return None
    holder = listeners.holder(parts.port)
    return None if holder is None or holder.container else holder


def _climb(
    question: Question, api_key: str | None, state: systemd.UnitState | None, holder: listeners.Holder | None
) -> dict[str, vllm.Check]:
    url = question["url"]
    server = None
    if url is not None:
        https = url.startswith("https:")
        tls = transport.tls_context(question["validate_certs"], question["ca_path"]) if https else None
        server = vllm.Server(url, api_key, question["timeout"], question["token_timeout"], tls)
    unit = None if state is None else _unit_check(state)
    taken = None if holder is None else f"{holder} holds the port, not this unit"
    rungs = ladder.climb(server, question["model"], question["prompt"], unit, taken)
    if server is None and question["guard"] and rungs["unit"].ok:
        rungs["token"] = guards.token_check(guards.read(question["guard"]), time.time())
    return rungs


def _explain(commands: Commands, question: Question, state: systemd.UnitState) -> dict[str, t.Any]:
    """Progress, reason and hint of an engine that is not healthy; who holds a port that is in use is added here."""
    port = urlsplit(question["url"] or "").port
    words = report.findings(attempts(commands, question["unit"]), state, port, time.time())
    reason = words["reason"]
    if reason and reason["code"] == "port_in_use" and port and str(port) in reason["summary"]:
        holder = listeners.holder(port)
        if holder is not None:
            reason["summary"] += f", by {holder}"
    return words


def attempts(commands: Commands, unit: str) -> list[journal.Attempt]:
    """The unit's last lines as start attempts ([] when the journal cannot be read)."""
    journalctl = commands.find("journalctl")
    if journalctl is None:
        return []
    words = ["--unit=" + unit, "--output=json", "--output-fields=" + ",".join(journal.FIELDS)]
    answer = commands.run(journalctl, *words, f"--lines={_JOURNAL_LINES}", "--no-pager", "--quiet", "--all")
    return journal.attempts(journal.from_json(answer.out)) if answer.ok else []


def _result(
    commands: Commands,
    question: Question,
    state: systemd.UnitState | None,
    holder: listeners.Holder | None,
    rungs: dict[str, vllm.Check],
) -> dict[str, t.Any]:
    ok = ladder.healthy(rungs)
    words: dict[str, t.Any] = {
        "name": question["name"],
        "ok": ok,
        "failed_rung": ladder.first_failure(rungs),
        "rungs": {name: check.as_dict() for name, check in rungs.items()},
        "unit": None if state is None else report.unit_words(state, time.monotonic()),
        "port_holder": None if holder is None else holder._asdict(),
        "progress": None,
        "reason": None,
        "hint": None,
    }
    if state is not None:
        words.update({"progress": {"phase": phases.SERVING}} if ok else _explain(commands, question, state))
    return words
