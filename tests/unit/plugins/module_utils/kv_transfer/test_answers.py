# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers of several releases, and what counts as the same."""

from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.kv_transfer import answers


def document(ids=None, names=None, likely=None, text="ab", usage=7):
    choice = {"text": text, "logprobs": None}
    if ids is not None:
        choice["token_ids"] = ids
    if names is not None:
        choice["logprobs"] = {"tokens": names, "top_logprobs": likely}
    return {"choices": [choice], "usage": {"prompt_tokens": usage}}


def test_ids_come_first_then_names_then_characters():
    assert answers.read(document([1, 2], ["token_id:1", "token_id:2"], [{}, {}])).ids == (1, 2)
    assert answers.read(document(None, ["token_id:1", "token_id:2"], [{}, None])).ids == ("token_id:1", "token_id:2")
    assert answers.read(document(text="ab")).ids == ("a", "b")


@pytest.mark.parametrize("found", [document(text=""), document([1], usage=None)])
def test_an_answer_that_tells_too_little(found):
    assert answers.read(found) is None


def answer(ids, likely=()):
    return answers.Tokens(tuple(ids), 7, tuple(likely), tuple(f"token_id:{number}" for number in ids))


LIKELY = [{"token_id:1": -0.1}, {"token_id:2": -0.6, "token_id:3": -0.9, "token_id:4": -2.0}]


@pytest.mark.parametrize(
    ("ids", "reference", "verdict"),
    [
        ([1, 2], [1, 2], answers.EQUAL),
        ([1, 3], [1, 2], answers.NEAR),
        ([1, 4], [1, 2], answers.DIFFERENT),
        ([1, 9], [1, 2], answers.DIFFERENT),
        ([9, 2], [1, 2], answers.DIFFERENT),
        ([1], [1, 2], answers.DIFFERENT),
    ],
)
def test_a_tie_is_no_difference(ids, reference, verdict):
    assert answers.compare(answer(ids), answer(reference, LIKELY)) == verdict


def test_without_probabilities_nothing_is_a_tie():
    assert answers.compare(answer([1, 3]), answer([1, 2])) == answers.DIFFERENT


def test_the_body_asks_for_tokens():
    body = answers.request("m", "p", 3)
    assert (body["temperature"], body["return_token_ids"], body["logprobs"]) == (0, True, 5)
    assert "logprobs" not in answers.request("m", "p", 3, 0)
