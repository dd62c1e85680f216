# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers token by token, and whether two of them are the same."""

from __future__ import annotations

import dataclasses
import typing as t

EQUAL, NEAR, DIFFERENT, UNKNOWN = "equal", "near", "different", "not_compared"
#: Logarithms of probabilities closer than this are no choice: engines of other sizes, or other work beside, round
#: otherwise (a bf16 logit of 16 to 32 has steps of 0.125).
_TIE = 0.5


@dataclasses.dataclass(frozen=True)
class Tokens:
    """The tokens of an answer.

    ids: or names, or characters, where the release tells no better. names: of the tokens in ``likely``, which holds by
    place the most likely tokens with the logarithm of their probability; () where it is not told.
    """

    ids: tuple[t.Any, ...]
    prompt_tokens: int
    likely: tuple[t.Mapping[str, float], ...] = ()
    names: tuple[str, ...] = ()


def request(model: str, prompt: str, max_tokens: int, likely: int = 5) -> dict[str, t.Any]:
    """The body of a completion that tells its tokens, and for each the most likely ones.

    Releases before 0.10.2 tell ids in the names of ``logprobs`` alone.
    """
    body: dict[str, t.Any] = {
        "model": model,
        "prompt": prompt,
        "max_tokens": max_tokens,
        "temperature": 0,
        "return_token_ids": True,
    }
    if likely:
        body.update(logprobs=likely, return_tokens_as_token_ids=True)
    return body


def read(document: t.Mapping[str, t.Any]) -> Tokens | None:
    """The tokens of a completion's document; None where it tells none or does not count its prompt."""
    choice = document["choices"][0]
    usage = document.get("usage")
    count = usage.get("prompt_tokens") if isinstance(usage, dict) else None
    if not isinstance(count, int):
        return None
    told = choice.get("logprobs") if isinstance(choice.get("logprobs"), dict) else {}
    names = tuple(str(name) for name in told.get("tokens") or ())
    likely = tuple(dict(item) if isinstance(item, dict) else {} for item in told.get("top_logprobs") or ())
    ids = choice.get("token_ids")
    found = tuple(ids) if isinstance(ids, list) and ids else names or tuple(str(choice.get("text") or ""))
    return Tokens(found, count, likely, names) if found else None


def compare(answer: Tokens, reference: Tokens) -> str:
    """EQUAL; NEAR: equal up to a place where the reference held both tokens for equally likely; or DIFFERENT."""
    if answer.ids == reference.ids:
        return EQUAL
    length = min(len(answer.ids), len(reference.ids))
    place = next((at for at in range(length) if answer.ids[at] != reference.ids[at]), None)
    if place is None:
        return DIFFERENT
    return NEAR if _tie(answer, reference, place) else DIFFERENT


def _tie(answer: Tokens, reference: Tokens, place: int) -> bool:
    if place >= min(len(answer.names), len(reference.names), len(reference.likely)):
        return False
    likely = reference.likely[place]
    mine, theirs = likely.get(answer.names[place]), likely.get(reference.names[place])
    return mine is not None and theirs is not None and abs(theirs - mine) <= _TIE
