# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The outcome of a check as plain values, and as lines for a person."""

from __future__ import annotations

import collections
import typing as t

from . import judge
from .answers import DIFFERENT, EQUAL, NEAR
from .check import Outcome
from .counts import Counts
from .findings import ERROR, Finding
from .judge import Engine, Trial, Verdict


def words(name: str, url: str, outcome: Outcome) -> dict[str, t.Any]:
    """One of the module's ``services``."""
    case = outcome.case
    kinds = collections.Counter(verdict.kind for verdict in case.verdicts)
    compared = collections.Counter(trial.compared for trial in case.trials)
    return {
        "name": name,
        "url": url,
        "connector": case.expected.connector,
        "ok": outcome.ok,
        "block_size": outcome.block,
        "moved": kinds[judge.MOVED],
        "sent": len(case.trials),
        "prompts": [_prompt(*pair) for pair in zip(case.trials, case.verdicts)],
        "answers": {"equal": compared[EQUAL], "near": compared[NEAR], "different": compared[DIFFERENT]},
        "engines": [_engine(engine, outcome) for engine in case.engines],
        "findings": [finding.words() for finding in outcome.findings],
        "seconds": round(outcome.seconds, 2),
    }


def not_done(name: str, url: str | None, connector: str, why: str) -> dict[str, t.Any]:
    """An item of a service that cannot be asked."""
    return {
        "name": name,
        "url": url,
        "connector": connector,
        "ok": None,
        "block_size": None,
        "moved": 0,
        "sent": 0,
        "prompts": [],
        "answers": {"equal": 0, "near": 0, "different": 0},
        "engines": [],
        "findings": [Finding("kv-not-done", None, None, why, "", "warning").words()],
        "seconds": 0.0,
    }


def failure(service: t.Mapping[str, t.Any]) -> str:
    """One line about a service (of ``words``) that is not well."""
    wrong = [f"{_line(item)}. Fix: {item['fix']}" for item in service["findings"] if item["level"] == ERROR]
    told = "; ".join(wrong) or "no prompt could be proved"
    return f"service {service['name']}: its KV cache does not move as it should: {told}"


def summary(service: t.Mapping[str, t.Any]) -> list[str]:
    """What moved, by engine; whether answers are the same; what is wrong."""
    sides = collections.Counter(engine["side"] for engine in service["engines"])
    head = f"KV transfer of service {service['name']}: {service['connector']}"
    if service["ok"] is None:
        return [f"{head}: not done: {service['findings'][0]['what']}"]
    lines = [f"{head}, {sides['prefill']} prefill and {sides['decode']} decode engines ({service['seconds']:.1f} s)"]
    mark = "ok" if service["ok"] else "FAILED"
    sizes = sorted({prompt["tokens"] for prompt in service["prompts"] if prompt["tokens"]})
    size = f" of {sizes[0]} tokens" if len(sizes) == 1 else f" of {sizes[0]} to {sizes[-1]} tokens" if sizes else ""
    moved = f"{service['moved']} of {service['sent']} prompts{size} were read by prefill and brought to decode engines"
    lines.append(f"  {mark}: {moved if service['sent'] else 'no prompt was sent'}")
    lines += [_engine_line(engine) for engine in service["engines"]]
    told = service["answers"]
    if any(told.values()):
        near = f", {told['near']} but for a tie" if told["near"] else ""
        lines.append(f"  answers: {told['equal']} equal{near}, {told['different']} different, to a prefill engine's")
    return lines + [f"  {item['level'].upper()} {_line(item)}. Fix: {item['fix']}" for item in service["findings"]]


def _line(finding: t.Mapping[str, t.Any]) -> str:
    where = Finding(**finding).where
    return f"{where}: {finding['what']}"


def _engine_line(engine: t.Mapping[str, t.Any]) -> str:
    if engine["computed"] is None:
        return f"  {engine['side']:<7} {engine['name']}: not known"
    parts = [f"computed {engine['computed']} tokens", f"{engine['external']} came from outside"]
    if engine["bytes"] is not None:
        parts.append(f"{_bytes(engine['bytes'])} moved")
    if engine["transfers"] is not None:
        parts.append(f"{engine['transfers']} transfers")
    parts += [f"{name} +{count}" for name, count in {**engine["failed"], **engine["expired"]}.items() if count]
    return f"  {engine['side']:<7} {engine['name']}: {', '.join(parts)}"


def _bytes(count: int) -> str:
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.2f} {unit}"
    return f"{count} B"


def _prompt(trial: Trial, verdict: Verdict) -> dict[str, t.Any]:
    return {
        "verdict": verdict.kind,
        "tokens": verdict.tokens,
        "needed": verdict.needed,
        "computed_by_prefill": _whole(verdict.read),
        "brought_to_decode": _whole(verdict.brought),
        "computed_by_decode": _whole(verdict.again),
        "alone": verdict.alone,
        "prefill": list(verdict.engines.get("prefill", ())),
        "decode": list(verdict.engines.get("decode", ())),
        "answer": trial.compared,
        "problem": trial.problem or trial.why_not,
    }


def _engine(engine: Engine, outcome: Outcome) -> dict[str, t.Any]:
    """What it added while prompts went through the door, and failures over the whole check."""
    mine = [trial.counted[engine.name] for trial in outcome.case.trials if engine.name in trial.counted]
    total = outcome.case.totals.get(engine.name, Counts())
    return {
        "name": engine.name,
        "side": engine.side,
        "computed": _added(mine, "computed"),
        "external": _added(mine, "external"),
        "bytes": _added(mine, "moved"),
        "transfers": _added(mine, "transfers"),
        "failed": {name: _whole(count) for name, count in total.failed.items()},
        "expired": {name: _whole(count) for name, count in total.expired.items()},
    }


def _added(counts: t.Sequence[Counts], name: str) -> int | None:
    values = [getattr(item, name) for item in counts]
    known = [value for value in values if value is not None]
    return _whole(sum(known)) if known else None


def _whole(number: float | None) -> int | None:
    return None if number is None else round(number)
