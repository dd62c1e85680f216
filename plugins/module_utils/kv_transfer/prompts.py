# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prompts that no cache has seen, of a wanted number of tokens."""

from __future__ import annotations

import dataclasses
import secrets

#: What follows is easy to foretell, so that answers rarely hang on how an engine rounds.
_PHRASE = " one two three four five six seven eight"
#: Fewer prove little; more are longer than a block of most engines.
_LEAST = 192


def prompt(phrases: int) -> str:
    """A prompt whose first tokens are new, so that no block of it is in any cache."""
    return secrets.token_hex(12) + _PHRASE * phrases


@dataclasses.dataclass(frozen=True)
class Rule:
    """How many tokens prompts have: fixed, and for each phrase."""

    fixed: float
    each: float

    def phrases(self, tokens: int) -> int:
        """The most phrases that fit into that many tokens."""
        return max(1, int((tokens - self.fixed) // self.each))


def rule(few: tuple[int, int], many: tuple[int, int]) -> Rule:
    """From two measurements: (phrases, tokens) each, the second with more phrases."""
    each = max(0.1, (many[1] - few[1]) / (many[0] - few[0]))
    return Rule(max(0.0, few[1] - few[0] * each), each)


def length(step: int, wanted: int | None, longest: int | None, answer: int) -> tuple[int, int]:
    """(tokens that a prompt should have, tokens that it must have).

    step: tokens of the largest block or chunk. wanted: what a person asked for. longest: max_model_len. answer: how
    many tokens are to be made. Both steps are whole, with half a step beyond, so that a remainder is tried, too.
    """
    least = step + 2
    goal = wanted if wanted is not None else max(_LEAST, step * 5 // 2)
    # Lengths are foretold, not counted: a few tokens are kept free.
    room = None if longest is None else longest - answer - 8
    return (goal if room is None else min(goal, room)), least
