# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The link's protocol: both prove the secret, nothing can be forged, repeated, turned round or made too big."""

from __future__ import annotations

import json

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.guard import says, wire
from ansible_collections.vllm.cluster.plugins.module_utils.guard.model import UP, Beat, View
from hypothesis import given, settings
from hypothesis import strategies as st

SECRET = b"0123456789abcdef"


def ends(head_secret=SECRET, worker_secret=SECRET, engine="e", member="gpu2", members=("gpu2", "gpu3")):
    return wire.HeadEnd(head_secret, "e", members), wire.WorkerEnd(worker_secret, engine, member)


def shake(head, worker):
    _none, proof = worker.feed(head.greeting())
    _none, answer = head.feed(proof)
    assert worker.feed(answer) == ([], b"")
    return head, worker


def linked():
    return shake(*ends())


def test_both_ends_prove_themselves_and_talk():
    head, worker = linked()
    assert head.ready
    assert worker.ready
    assert head.member == "gpu2"
    for number in range(3):
        assert head.feed(worker.message({"beat": number})) == ([{"beat": number}], b"")
        assert worker.feed(head.message({"answer": number})) == ([{"answer": number}], b"")


def test_bytes_may_come_in_any_pieces():
    head, worker = linked()
    data = worker.message({"beat": 1}) + worker.message({"beat": 2})
    found = []
    for at in range(len(data)):
        found += head.feed(data[at : at + 1])[0]
    assert found == [{"beat": 1}, {"beat": 2}]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"worker_secret": b"another secret!!"}, "does not know the group's secret"),
        ({"engine": "other"}, "it guards the engine other"),
        ({"member": "gpu9"}, "gpu9 is no member of the group"),
    ],
)
def test_the_head_refuses(options, said):
    head, worker = ends(**options)
    with pytest.raises(wire.Refused, match=said):
        head.feed(worker.feed(head.greeting())[1])
    assert not head.ready


def test_the_worker_refuses_a_head_without_the_secret():
    head, worker = ends()
    worker.feed(head.greeting())
    with pytest.raises(wire.Refused, match="secret"):
        worker.feed(b'{"mac": "%s"}\n' % (b"0" * 64))
    assert not worker.ready


def test_a_proof_given_to_one_link_is_worth_nothing_on_another():
    head, worker = ends()
    proof = worker.feed(head.greeting())[1]
    with pytest.raises(wire.Refused, match="secret"):
        ends()[0].feed(proof)


def test_what_a_worker_says_cannot_be_sent_back_to_it_as_the_heads():
    head, worker = ends()
    proof = json.loads(worker.feed(head.greeting())[1])
    with pytest.raises(wire.Refused, match="secret"):
        worker.feed(json.dumps({"mac": proof["mac"]}).encode() + b"\n")
    head, worker = linked()
    with pytest.raises(wire.Refused, match="MAC"):
        worker.feed(worker.message({"beat": 1}))


def test_messages_cannot_be_repeated_dropped_or_changed():
    head, worker = linked()
    first = worker.message({"beat": 1})
    head.feed(first)
    with pytest.raises(wire.Refused, match="MAC"):
        head.feed(first)
    head, worker = linked()
    worker.message({"beat": 1})
    with pytest.raises(wire.Refused, match="MAC"):
        head.feed(worker.message({"beat": 2}))
    head, worker = linked()
    with pytest.raises(wire.Refused, match="MAC"):
        head.feed(worker.message({"beat": 1}).replace(b"1}", b"3}"))


@pytest.mark.parametrize("data", [b"x" * 5000, b"x" * 5000 + b"\n", b'{"a": "' + b"x" * 5000 + b'"}\n'])
def test_nothing_long_is_kept(data):
    head, _worker = ends()
    with pytest.raises(wire.Refused):
        head.feed(data)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.binary(max_size=60) | st.sampled_from([b"\n", b"{}\n", b"[]\n", b"null\n", b'{"mac": 1}\n']), max_size=8
    )
)
def test_garbage_is_refused_or_waited_for_and_nothing_else(pieces):
    for end in ends():
        try:
            for piece in pieces:
                messages, _answer = end.feed(piece)
                assert messages == []
        except wire.Refused:
            pass
        assert not end.ready


BEAT = Beat("e1", "u1", None, UP, True)
VIEW = View("e1", 3, 12.5, None, "loading", "u0", True)


def test_a_view_of_an_older_guard_is_one():
    older = says.of_view(VIEW, 7)
    del older["ordered"]
    assert says.to_view(older) == (7, VIEW._replace(ordered=False))


def test_beats_and_views_survive_the_way():
    assert says.to_beat(json.loads(json.dumps(says.of_beat(BEAT, 7)))) == (7, BEAT)
    assert says.to_view(json.loads(json.dumps(says.of_view(VIEW, 7)))) == (7, VIEW)


@pytest.mark.parametrize("key", ["beat", "units", "epoch", "served", "state"])
def test_a_beat_of_the_wrong_kind_is_none(key):
    assert says.to_beat({**says.of_beat(BEAT, 7), key: ["x"]}) is None


@pytest.mark.parametrize("key", ["answer", "epoch", "number", "age", "proved", "phase", "past"])
@pytest.mark.parametrize("value", [["x"], True, {}])
def test_a_view_of_the_wrong_kind_is_none(key, value):
    assert says.to_view({**says.of_view(VIEW, 7), key: value}) is None
    assert says.to_view({**says.of_view(VIEW, 7), "age": float("nan")}) is None
