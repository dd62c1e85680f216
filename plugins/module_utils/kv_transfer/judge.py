# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one prompt proves: whether a prefill engine read it, and its KV cache came to a decode engine.

Counters of engines count the requests of everyone. So nothing is concluded from what they count too much: other
requests can only add. A prompt is proved by what they cannot hide: decode engines together computed fewer tokens than
the prompt has, so that the rest of it came from elsewhere, and no cache had it before.
"""

from __future__ import annotations

import dataclasses
import math
import typing as t

from .answers import UNKNOWN, Tokens
from .counts import Counts
from .knowledge import Expectation

SIDES = ("prefill", "decode")
#: Kinds of verdicts.
MOVED, NOT_READ, NOT_BROUGHT, UNCLEAR, UNCOUNTED, NO_ANSWER = (
    "moved",
    "not_read",
    "not_brought",
    "unclear",
    "not_counted",
    "no_answer",
)
#: Whose requests: fewer tokens than these beside a prompt's own are no other request.
_STRAY = 1.0


@dataclasses.dataclass(frozen=True)
class Engine:
    """An engine of a service: its servers' addresses, and its side, one of SIDES."""

    name: str
    side: str
    urls: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Trial:
    """One prompt. counted: what each engine added meanwhile, by its name. answer: None where problem tells why.

    compared: one of answers, with by: the engine that was asked by itself, or why_not.
    """

    counted: t.Mapping[str, Counts]
    answer: Tokens | None
    problem: str | None = None
    compared: str = UNKNOWN
    by: str | None = None
    why_not: str | None = None


@dataclasses.dataclass(frozen=True)
class Verdict:
    """kind: of the above. tokens: of the prompt. needed: how many of them must come from elsewhere.

    read: computed by all prefill engines; brought: counted as external by all decode engines; again: computed by them.
    alone: whether decode engines served nobody else meanwhile. engines: by side, those that took part.
    """

    kind: str
    tokens: int = 0
    needed: int = 0
    read: float | None = None
    brought: float | None = None
    again: float | None = None
    alone: bool = False
    engines: t.Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)


def needed(tokens: int, expected: Expectation, block: int) -> int:
    """How many of a prompt's tokens must come by the connector."""
    if expected.whole:
        return tokens - expected.remainder(block)
    step = expected.remainder(block)
    return (tokens - 1) // step * step


def judge(trial: Trial, engines: t.Sequence[Engine], expected: Expectation, block: int) -> Verdict:
    """What the prompt proves. block: tokens of the engines' largest block."""
    if trial.answer is None:
        return Verdict(NO_ANSWER, engines=_part(trial, engines, 1))
    tokens = trial.answer.prompt_tokens
    want = needed(tokens, expected, block)
    took = _part(trial, engines, tokens)
    sums = {
        side: [trial.counted.get(engine.name, Counts()) for engine in engines if engine.side == side] for side in SIDES
    }
    asked = math.fsum(counts.prompt or 0 for counts in sums["decode"])
    whole = all(counts.complete for side in SIDES for counts in sums[side])
    if not whole or asked < tokens:  # an engine that does not tell may have done it
        return Verdict(UNCOUNTED, tokens, want, engines=took)
    read = math.fsum(counts.computed or 0 for counts in sums["prefill"])
    brought = math.fsum(counts.external or 0 for counts in sums["decode"])
    again = math.fsum(counts.computed or 0 for counts in sums["decode"])
    alone = asked < tokens + _STRAY
    kind = _kind(tokens, want, read, brought, again, alone)
    if kind == MOVED and any(counts.derived and counts.active for counts in sums["decode"]):
        # What came for a request that is not done is counted, and its prompt not yet: it would hide this prompt's.
        kind = UNCLEAR
    if kind == MOVED and expected.sure and not _transferred(trial):
        kind = NOT_BROUGHT
    return Verdict(kind, tokens, want, read, brought, again, alone, took)


def _kind(tokens: int, want: int, read: float, brought: float, again: float, alone: bool) -> str:
    if read < want:
        return NOT_READ
    if brought < want:
        return NOT_BROUGHT
    # Of this prompt at most ``again`` tokens were computed by decode engines, however many others they served.
    surely = tokens - again
    if surely >= want or (not alone and surely >= tokens / 2):
        return MOVED
    return NOT_BROUGHT if alone else UNCLEAR


def _transferred(trial: Trial) -> bool:
    """Whether a transfer is counted, where any engine counts them."""
    known = [counts.transfers for counts in trial.counted.values() if counts.transfers is not None]
    return not known or any(known)


def _part(trial: Trial, engines: t.Sequence[Engine], tokens: int) -> dict[str, tuple[str, ...]]:
    """The engines that were given that many tokens of prompts, by side."""
    return {
        side: tuple(
            engine.name
            for engine in engines
            if engine.side == side and (trial.counted.get(engine.name, Counts()).prompt or 0) >= tokens
        )
        for side in SIDES
    }
