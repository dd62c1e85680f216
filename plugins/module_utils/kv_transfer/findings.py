# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a service's KV transfer, with the side and the engine."""

from __future__ import annotations

import dataclasses
import typing as t

from . import answers, judge
from .counts import COUNTED_SINCE, Counts
from .judge import Engine, Trial, Verdict
from .knowledge import Expectation

ERROR, WARNING = "error", "warning"


@dataclasses.dataclass(frozen=True)
class Finding:
    """id: stable (docs/disaggregation.md). side: prefill, decode, or None: the front door. engine: None for all."""

    id: str
    side: str | None
    engine: str | None
    what: str
    fix: str
    level: str = ERROR

    def words(self) -> dict[str, t.Any]:
        return dataclasses.asdict(self)

    @property
    def where(self) -> str:
        """Of whom it speaks, for a person."""
        if self.side is None:
            return "front door"
        return f"{self.side} side" if self.engine is None else f"{self.side} engine {self.engine}"


@dataclasses.dataclass(frozen=True)
class Case:
    """All that is known of one service.

    totals: what each engine added over the whole check. unread: why an engine could not be read, by its name.
    """

    engines: tuple[Engine, ...]
    expected: Expectation
    trials: tuple[Trial, ...]
    verdicts: tuple[Verdict, ...]
    totals: t.Mapping[str, Counts]
    unread: t.Mapping[str, str]

    def of(self, *kinds: str) -> list[Verdict]:
        return [verdict for verdict in self.verdicts if verdict.kind in kinds]


def findings(case: Case) -> list[Finding]:
    """Errors first, otherwise by the way that a prompt goes."""
    found = [
        *_unread(case),
        *_restarted(case),
        *_unanswered(case),
        *_uncounted(case),
        *_not_read(case),
        *_not_brought(case),
        *_failed(case),
        *_expired(case),
        *_different(case),
        *_unclear(case),
        *_idle_part(case),
        *_not_reached(case),
        *_not_compared(case),
    ]
    return sorted(found, key=lambda finding: finding.level != ERROR)


def _unread(case: Case) -> t.Iterator[Finding]:
    for engine in case.engines:
        if engine.name in case.unread:
            yield Finding(
                "kv-metrics-unread",
                engine.side,
                engine.name,
                f"its metrics cannot be read: {case.unread[engine.name]}",
                "start it, and let the front door's host reach its API",
            )


def _restarted(case: Case) -> t.Iterator[Finding]:
    for engine in case.engines:
        if engine.name in case.totals and case.totals[engine.name].restarted:
            what = "it started anew during the check"
            yield Finding(
                "kv-engine-restarted", engine.side, engine.name, what, "see its journal for why, and check again"
            )


def _unanswered(case: Case) -> t.Iterator[Finding]:
    problems = [trial.problem for trial in case.trials if trial.answer is None]
    if problems:
        what = f"{len(problems)} of {len(case.trials)} prompts got no answer: {problems[0]}"
        yield Finding("kv-no-answer", None, None, what, "see which engine fails with playbooks/status.yml")


def _uncounted(case: Case) -> t.Iterator[Finding]:
    bad = case.of(judge.UNCOUNTED)
    mute = [engine for engine, counts in _counted(case) if not counts.complete]
    for engine in mute if bad else ():
        what = "its metrics do not tell what came from outside, so that nothing is proved"
        fix = f"use vLLM {COUNTED_SINCE} or newer, or leave this check out (vllm_verify_kv_transfer: false)"
        yield Finding("kv-not-counted", engine.side, engine.name, what, fix)
    if bad and not mute and not case.unread:
        what = f"{len(bad)} of {len(case.trials)} prompts had answers, and no decode engine counted them"
        fix = "name the engines that stand behind the front door, all of them"
        yield Finding("kv-not-counted", "decode", None, what, fix)


def _not_read(case: Case) -> t.Iterator[Finding]:
    bad = case.of(judge.NOT_READ)
    if bad:
        worst = min(bad, key=lambda verdict: verdict.read or 0)
        alone = [verdict for verdict in bad if (verdict.again or 0) >= verdict.needed]
        by = _names(name for verdict in alone for name in verdict.engines["decode"])
        yield Finding(
            "kv-not-read",
            "prefill",
            _only(case, "prefill"),
            f"{len(bad)} of {len(case.trials)} prompts were not read by prefill engines: they computed"
            f" {worst.read:.0f} of {worst.tokens} tokens" + (f", and {by} did it all" if by else ""),
            "see whether the front door takes prefill engines for healthy: while none is, decode engines answer alone",
        )


def _not_brought(case: Case) -> t.Iterator[Finding]:
    bad = case.of(judge.NOT_BROUGHT)
    groups: dict[tuple[str, ...], list[Verdict]] = {}
    for verdict in bad:
        groups.setdefault(verdict.engines["decode"], []).append(verdict)
    for names, mine in groups.items():
        worst = min(mine, key=lambda verdict: verdict.brought or 0)
        many, connector = f"{len(mine)} of {len(case.trials)} prompts", case.expected.connector
        if (worst.brought or 0) < worst.needed:
            what = f"{many} were computed again: {worst.brought:.0f} of {worst.tokens} tokens came by {connector}"
            what += f" ({worst.needed} should)" if worst.brought else ""
            what += f", and {worst.again:.0f} were computed here; the answers look right all the same"
        else:
            what = f"{many} are counted as brought by {connector}, and no transfer is counted"
        engine = names[0] if len(names) == 1 else _only(case, "decode")
        yield Finding("kv-not-brought", "decode", engine, what, "; ".join(case.expected.hints))


def _failed(case: Case) -> t.Iterator[Finding]:
    for engine, counts in _counted(case):
        told = _some(counts.failed)
        if told:
            what = f"transfers failed during the check: {told}"
            yield Finding("kv-transfer-failed", engine.side, engine.name, what, "; ".join(case.expected.hints))


def _expired(case: Case) -> t.Iterator[Finding]:
    """Cache that nobody fetched. Where each prompt of the check is proved it was another's, who went away perhaps."""
    ours = any(verdict.kind != judge.MOVED for verdict in case.verdicts) or not case.verdicts
    for engine, counts in _counted(case):
        told = _some(counts.expired)
        if told:
            what = f"KV cache expired before a decode engine fetched it: {told}"
            fix = "see whether decode engines are overloaded or gone; clients that leave in between count, too"
            yield Finding("kv-expired", engine.side, engine.name, what, fix, ERROR if ours else WARNING)


def _different(case: Case) -> t.Iterator[Finding]:
    bad = [
        (trial, verdict) for trial, verdict in zip(case.trials, case.verdicts) if trial.compared == answers.DIFFERENT
    ]
    if bad:
        names = tuple(dict.fromkeys(name for _trial, verdict in bad for name in verdict.engines["decode"]))
        by = _names(trial.by for trial, _verdict in bad if trial.by)
        yield Finding(
            "kv-answers-differ",
            "decode",
            names[0] if len(names) == 1 else None,
            f"{len(bad)} of {len(case.trials)} answers have other tokens than {by} gives by itself",
            "do not use the service: both sides must have one model, one dtype, one kv_cache_dtype and one release",
        )


def _unclear(case: Case) -> t.Iterator[Finding]:
    unclear, moved = case.of(judge.UNCLEAR), case.of(judge.MOVED)
    if unclear:
        what = f"{len(unclear)} of {len(case.trials)} prompts prove nothing, because other requests came meanwhile"
        fix = "check again in a quieter minute, or with longer prompts (prompt_tokens)"
        yield Finding("kv-unclear", None, None, what, fix, WARNING if moved else ERROR)


def _idle_part(case: Case) -> t.Iterator[Finding]:
    """Of several connectors the one that counts its transfers made none: another brought the cache."""
    moved = [trial for trial, verdict in zip(case.trials, case.verdicts) if verdict.kind == judge.MOVED]
    told = [counts.transfers for trial in moved for counts in trial.counted.values() if counts.transfers is not None]
    if told and not any(told):
        names = _names(series.name for series in case.expected.transfers)
        what = f"{names} stood still: the part of {case.expected.connector} that it counts moved nothing, another did"
        yield Finding("kv-part-idle", "decode", _only(case, "decode"), what, "; ".join(case.expected.hints), WARNING)


def _not_reached(case: Case) -> t.Iterator[Finding]:
    reached = {name for verdict in case.verdicts for side in judge.SIDES for name in verdict.engines.get(side, ())}
    for side in judge.SIDES:
        missed = [engine.name for engine in case.engines if engine.side == side and engine.name not in reached]
        if missed and any(verdict.kind == judge.MOVED for verdict in case.verdicts):
            what = f"no prompt was given to {_names(missed)}, of which nothing is proved"
            fix = "send more prompts, or see whether the front door takes them for healthy"
            yield Finding("kv-not-reached", side, missed[0] if len(missed) == 1 else None, what, fix, WARNING)


def _not_compared(case: Case) -> t.Iterator[Finding]:
    missed = [
        trial
        for trial, verdict in zip(case.trials, case.verdicts)
        if verdict.kind == judge.MOVED and trial.compared == answers.UNKNOWN
    ]
    if missed:
        what = f"{len(missed)} of {len(case.trials)} answers were not compared: {missed[0].why_not or 'not asked for'}"
        yield Finding("kv-not-compared", "prefill", missed[0].by, what, "compare answers by hand if in doubt", WARNING)


def _counted(case: Case) -> t.Iterator[tuple[Engine, Counts]]:
    return ((engine, case.totals[engine.name]) for engine in case.engines if engine.name in case.totals)


def _some(counters: t.Mapping[str, float]) -> str:
    return ", ".join(f"{name} +{value:.0f}" for name, value in counters.items() if value > 0)


def _only(case: Case, side: str) -> str | None:
    names = [engine.name for engine in case.engines if engine.side == side]
    return names[0] if len(names) == 1 else None


def _names(names: t.Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(names))
