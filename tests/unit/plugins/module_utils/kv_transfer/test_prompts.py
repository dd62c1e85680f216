# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prompts of a wanted length."""

from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.kv_transfer import prompts
from hypothesis import given
from hypothesis import strategies as st


@given(st.integers(1, 60), st.integers(1, 80), st.integers(100, 4000))
def test_lengths_are_foretold(fixed, each, wanted):
    """A tokenizer that makes as many tokens of each phrase."""
    found = prompts.rule((2, fixed + 2 * each), (6, fixed + 6 * each))
    phrases = found.phrases(wanted)
    tokens = fixed + phrases * each
    assert tokens <= wanted or phrases == 1
    assert tokens > wanted - each - 1 or phrases == 1


@pytest.mark.parametrize(
    ("step", "wanted", "longest", "found"),
    [
        (16, None, None, (192, 18)),
        (128, None, None, (320, 130)),
        (256, None, 1024, (640, 258)),
        (128, None, 256, (232, 130)),
        (128, 500, None, (500, 130)),
        (128, 500, 256, (232, 130)),
    ],
)
def test_two_steps_and_a_half_where_there_is_room(step, wanted, longest, found):
    assert prompts.length(step, wanted, longest, 16) == found


def test_no_two_begin_alike():
    first = {prompts.prompt(3)[:8] for _number in range(50)}
    assert len(first) == 50
