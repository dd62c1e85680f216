# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one prompt proves, whatever others do meanwhile."""

from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.kv_transfer import judge, knowledge
from ansible_collections.vllm.cluster.plugins.module_utils.kv_transfer.answers import Tokens
from ansible_collections.vllm.cluster.plugins.module_utils.kv_transfer.counts import Counts
from hypothesis import given
from hypothesis import strategies as st

ENGINES = (judge.Engine("p", "prefill", ("http://p",)), judge.Engine("d", "decode", ("http://d",)))
NIXL = knowledge.expect("NixlConnector", (), "0.32.0")
FILES = knowledge.expect("ExampleConnector", (), "0.32.0")
BLOCK = 128


def counts(computed=0, external=0, cached=0, **more):
    return Counts(computed + external + cached, computed, cached, external, **more)


def verdict(tokens, prefill, decode, expected=NIXL):
    trial = judge.Trial({"p": prefill, "d": decode}, Tokens((1,), tokens))
    return judge.judge(trial, ENGINES, expected, BLOCK)


@pytest.mark.parametrize(
    ("expected", "tokens", "prefill", "decode", "kind"),
    [
        (NIXL, 320, counts(320), counts(0, 320), judge.MOVED),
        (NIXL, 320, counts(320), counts(1, 319), judge.MOVED),
        (NIXL, 320, counts(320), counts(64, 256), judge.NOT_BROUGHT),
        (NIXL, 320, counts(320), counts(320), judge.NOT_BROUGHT),
        (NIXL, 320, counts(0), counts(320), judge.NOT_READ),
        (NIXL, 320, counts(0), counts(0, 320), judge.NOT_READ),
        (FILES, 320, counts(320), counts(64, 256), judge.MOVED),
        (FILES, 320, counts(320), counts(192, 128), judge.NOT_BROUGHT),
        (FILES, 257, counts(257), counts(1, 256), judge.MOVED),
        (FILES, 256, counts(256), counts(128, 128), judge.MOVED),  # the last token is made again, with its block
        (NIXL, 320, counts(640), counts(320, 320), judge.UNCLEAR),
        (NIXL, 320, counts(640), counts(420, 100), judge.NOT_BROUGHT),  # whosever these 100 are
        (NIXL, 320, counts(640), counts(2, 638), judge.MOVED),
        (NIXL, 320, counts(320), counts(0, 320, transfers=0), judge.NOT_BROUGHT),
        (NIXL, 320, counts(320), counts(0, 320, transfers=1), judge.MOVED),
        (NIXL, 320, counts(320), counts(0, 320, derived=True), judge.MOVED),
        (NIXL, 320, counts(320), counts(0, 320, derived=True, active=1), judge.UNCLEAR),
        (NIXL, 320, counts(320), Counts(320), judge.UNCOUNTED),
        (NIXL, 320, Counts(), counts(0, 320), judge.UNCOUNTED),
        (NIXL, 320, counts(320), counts(), judge.UNCOUNTED),
    ],
)
def test_verdicts(expected, tokens, prefill, decode, kind):
    assert verdict(tokens, prefill, decode, expected).kind == kind


def test_no_answer_is_no_verdict_on_either_side():
    trial = judge.Trial({"p": counts(10), "d": counts()}, None, "500: it failed")
    found = judge.judge(trial, ENGINES, NIXL, BLOCK)
    assert (found.kind, found.engines) == (judge.NO_ANSWER, {"prefill": ("p",), "decode": ()})


def test_an_engine_that_does_not_tell_may_have_done_it():
    engines = (*ENGINES, judge.Engine("d2", "decode", ("http://d2",)))
    trial = judge.Trial({"p": counts(300), "d": counts(0, 300)}, Tokens((1,), 300))
    assert judge.judge(trial, engines, NIXL, BLOCK).kind == judge.UNCOUNTED


def test_several_engines_are_taken_together_and_named():
    engines = (*ENGINES, judge.Engine("d2", "decode", ("http://d2",)))
    trial = judge.Trial({"p": counts(300), "d": counts(), "d2": counts(0, 300)}, Tokens((1,), 300))
    found = judge.judge(trial, engines, NIXL, BLOCK)
    assert (found.kind, found.engines) == (judge.MOVED, {"prefill": ("p",), "decode": ("d2",)})


_tokens = st.integers(0, 3000)


@given(
    st.integers(BLOCK + 2, 2000),
    st.floats(0, 1),
    _tokens,
    _tokens,
    _tokens,
    _tokens,
    _tokens,
    st.sampled_from([NIXL, FILES]),
)
def test_others_never_make_a_prompt_look_as_if_it_had_moved(
    tokens, share, there, here, brought, cached, busy, expected
):
    """Ours is computed by the decode engine but for a share; others add what they like to both engines."""
    mine = int(tokens * share)
    prefill = counts(tokens + there)
    decode = counts(tokens - mine + here, mine + brought, cached + busy)
    found = verdict(tokens, prefill, decode, expected)
    if found.kind == judge.MOVED:
        assert mine >= min(found.needed, tokens / 2)


@given(st.integers(BLOCK + 2, 2000), _tokens, _tokens, _tokens, st.sampled_from([NIXL, FILES]))
def test_others_never_make_a_prompt_that_moved_look_lost(tokens, there, here, brought, expected):
    rest = 0 if expected is NIXL else tokens - judge.needed(tokens, expected, BLOCK)
    found = verdict(tokens, counts(tokens + there), counts(rest + here, tokens - rest + brought), expected)
    assert found.kind in (judge.MOVED, judge.UNCLEAR)
    if not here and not brought:
        assert found.kind == judge.MOVED
