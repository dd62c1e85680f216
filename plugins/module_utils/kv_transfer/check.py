# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prompts through the front door, one after the other, and what the counters of both sides make of each."""

from __future__ import annotations

import dataclasses
import time
import typing as t

from ..clients import vllm
from . import answers, findings, judge, prompts
from .engines import Engines, Pages, complete
from .findings import Case, Finding
from .judge import Engine, Trial, Verdict
from .knowledge import Expectation

#: Where engines tell no block: the largest that is usual (on the CPU).
_BLOCK = 128
#: Prompts are sent until each engine had one, but no more than this many times the engines of the larger side.
_ROUNDS = 2
_MOST = 32
#: How many times the wanted number are sent where other requests hide what happens.
_PATIENCE = 3
#: After so many prompts without an answer the others are not sent: each may cost a time-out.
_SILENT = 2


@dataclasses.dataclass(frozen=True)
class Question:
    """One service. model: the name that clients use. prompts: how many to prove. prompt_tokens: of each, or None.

    max_tokens: of each answer. settle: seconds that counters may lag.
    """

    name: str
    door: vllm.Server
    model: str
    engines: tuple[Engine, ...]
    engine_server: t.Callable[[str], vllm.Server]
    expected: Expectation
    prompts: int = 4
    prompt_tokens: int | None = None
    max_tokens: int = 16
    settle: float = 5.0


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What was found. block: tokens of the largest block. found: findings besides those of the case."""

    case: Case
    block: int
    seconds: float
    found: tuple[Finding, ...]

    @property
    def findings(self) -> list[Finding]:
        return [*self.found, *findings.findings(self.case)]

    @property
    def ok(self) -> bool:
        wrong = any(finding.level == findings.ERROR for finding in self.findings)
        return not wrong and bool(self.case.of(judge.MOVED))


def check(question: Question) -> Outcome:
    """Send the prompts and judge them. Ends early where nothing more can be learnt."""
    started = time.monotonic()
    engines = Engines(question.engines, question.engine_server, question.expected, question.settle)
    first = engines.pages()
    blocks = [page.block for page in first.values() if page.block]
    block = max(blocks) if blocks else _BLOCK
    run = _Run(question, engines, block)
    made = run.prepare()
    if isinstance(made, int):
        run.send(made)
    totals = {name: page.since(first[name]) for name, page in engines.pages().items()}
    case = Case(
        engines=question.engines,
        expected=question.expected,
        trials=tuple(run.trials),
        verdicts=tuple(run.verdicts),
        totals=totals,
        unread=engines.unread,
    )
    return Outcome(case, block, time.monotonic() - started, (made,) if isinstance(made, Finding) else ())


class _Run:
    def __init__(self, question: Question, engines: Engines, block: int) -> None:
        self.trials: list[Trial] = []
        self.verdicts: list[Verdict] = []
        self._question = question
        self._engines = engines
        self._block = block

    def prepare(self) -> int | Finding | None:
        """How many phrases prompts have, or why none can be made; None where a side has no engine that answers."""
        question = self._question
        readers = {engine.side: engine for engine in reversed(self._engines.readable)}
        if len(readers) < len(judge.SIDES):
            return None
        reader = readers["prefill"]
        rule = self._engines.rule(reader, question.model)
        if isinstance(rule, str):
            what = f"it answers no prompt by itself: {rule}"
            return Finding("kv-no-answer", "prefill", reader.name, what, "see its journal")
        step = max(self._block, question.expected.step)
        longest = self._engines.longest(reader)
        tokens, least = prompts.length(step, question.prompt_tokens, longest, question.max_tokens)
        phrases = rule.phrases(tokens)
        if rule.fixed + phrases * rule.each < least:
            what = (
                f"prompts of {tokens} tokens fill no step of {step} tokens, which {question.expected.connector} brings"
                " together"
            )
            return Finding("kv-prompt-short", None, None, what, f"allow prompts of {least} tokens or more")
        return phrases

    def send(self, phrases: int) -> None:
        while self._goes_on():
            self._try(prompts.prompt(phrases))

    def _goes_on(self) -> bool:
        wanted, sent = self._question.prompts, len(self.trials)
        if sum(verdict.kind == judge.NO_ANSWER for verdict in self.verdicts) >= _SILENT:
            return False
        if sent < wanted:
            return True
        if any(verdict.kind not in (judge.MOVED, judge.UNCLEAR) for verdict in self.verdicts):
            return False
        if sum(verdict.kind == judge.MOVED for verdict in self.verdicts) < wanted:
            return sent < _PATIENCE * wanted
        sides = [[engine.name for engine in self._question.engines if engine.side == side] for side in judge.SIDES]
        reached = {name for verdict in self.verdicts for names in verdict.engines.values() for name in names}
        missed = any(name not in reached for names in sides for name in names)
        return missed and sent < min(_MOST, _ROUNDS * max(map(len, sides)))

    def _try(self, prompt: str) -> None:
        question = self._question
        before = self._engines.pages()
        answer, problem = complete(question.door, question.model, prompt, question.max_tokens)
        counted = self._engines.since(before, answer.prompt_tokens if answer else None)
        trial = Trial(counted, answer, problem)
        if answer is not None:
            trial = self._compared(trial, answer, prompt, counted)
        self.trials.append(trial)
        self.verdicts.append(judge.judge(trial, question.engines, question.expected, self._block))

    def _compared(self, trial: Trial, answer: answers.Tokens, prompt: str, counted: Pages) -> Trial:
        """Ask the prefill engine that read it: it answers from the cache that it made itself, and that went nowhere."""
        read = [
            engine
            for engine in self._question.engines
            if engine.side == "prefill" and engine.name in counted and (counted[engine.name].computed or 0) > 0
        ]
        if not read:
            return dataclasses.replace(trial, why_not="no prefill engine read the prompt")
        reader = max(read, key=lambda engine: counted[engine.name].computed or 0)
        asked = self._engines.ask(reader, self._question.model, prompt, self._question.max_tokens)
        if asked.answer is None:
            return dataclasses.replace(trial, by=reader.name, why_not=f"{reader.name} by itself: {asked.problem}")
        if asked.external:
            why = f"{reader.name} by itself took {asked.external:.0f} tokens from its connector"
            return dataclasses.replace(trial, by=reader.name, why_not=why)
        return dataclasses.replace(trial, compared=answers.compare(answer, asked.answer), by=reader.name)
