# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast a download is and when it will end, by a made-up clock."""

from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.background import progress

MIB = 2**20


def fed(*marks):
    rate = progress.Rate()
    for now, done in marks:
        rate.feed(float(now), int(done))
    return rate


def steady(seconds, each, every=1):
    """Looks once a second; ``each`` bytes come every so many seconds."""
    return [(second, second // every * each) for second in range(seconds + 1)]


def item(**more):
    blank = {
        "source": "a/b",
        "phase": "downloads",
        "detail": "",
        "done": 2**29,
        "total": 2**31,
        "rate": 0.0,
        "quiet": 0.0,
        "attempt": 1,
    }
    return {**blank, **more}


@pytest.mark.parametrize(
    ("told", "line"),
    [
        (item(rate=2.0**24), "a/b: 512.0 MiB of 2.00 GiB (25%), 16.0 MiB/s, 1 min 36 s left"),
        (item(), "a/b: 512.0 MiB of 2.00 GiB (25%)"),
        (item(quiet=45.2), "a/b: 512.0 MiB of 2.00 GiB (25%), nothing came for 45 s"),
        (item(quiet=45.2, done=2**31), "a/b: 2.00 GiB of 2.00 GiB (100%)"),
        (item(phase="verifies"), "a/b: verifies 512.0 MiB of 2.00 GiB (25%)"),
        (item(phase="waits", detail="gpu2"), "a/b: waits for gpu2, which works on it"),
        (item(attempt=2, detail="HTTP 500"), "a/b: 512.0 MiB of 2.00 GiB (25%); try 2: HTTP 500"),
        (item(phase="complete"), "a/b: complete"),
    ],
)
def test_lines_of_progress(told, line):
    assert progress.line(told) == line


def test_durations():
    assert [progress.duration(seconds) for seconds in (4.9, 197, 7500)] == ["4 s", "3 min 17 s", "2 h 5 min"]


@pytest.mark.parametrize(
    "marks",
    [
        [],
        [(0, 0)],
        [(0, 0), (60, 44_000)],  # what was "509 h left" of 80 GiB: one look after a slow beginning
        [(0, 0), (1, 9 * MIB), (2, 9 * MIB + 10), (3, 9 * MIB + 20)],  # a burst of small files
        steady(20, 20_000),  # less than a MiB
        [(0, 0), (0.5, 4 * MIB), (1.0, 8 * MIB), (1.5, 12 * MIB), (2.0, 16 * MIB), (2.5, 20 * MIB)],  # too short
        [(0, 700 * MIB), (1, 701 * MIB), (2, 702 * MIB)],  # goes on where another ended
    ],
)
def test_too_little_tells_no_rate(marks):
    rate = fed(*marks)
    assert (rate.value, rate.quiet) == (0.0, 0.0)


def test_what_was_there_before_is_no_growth():
    assert fed(*[(now, 50_000 * MIB + done) for now, done in steady(6, 4 * MIB)]).value == pytest.approx(4 * MIB)


def test_waiting_before_the_first_byte_slows_nothing():
    assert fed((0, 0), *[(25 + now, done) for now, done in steady(6, 4 * MIB)]).value == pytest.approx(4 * MIB)


def test_the_rate_is_that_of_the_last_half_minute():
    slow = steady(100, 1 * MIB)
    fast = [(100 + second, 100 * MIB + second * 50 * MIB) for second in range(1, 41)]
    assert fed(*slow).value == pytest.approx(1 * MIB)
    assert 1 * MIB < fed(*slow, *fast[:10]).value < 50 * MIB
    assert fed(*slow, *fast).value == pytest.approx(50 * MIB)


def test_a_slow_line_that_is_written_in_large_pieces_has_a_steady_rate():
    marks = steady(600, 10 * MIB, every=60)
    rate, seen = progress.Rate(), set()
    for now, done in marks:
        rate.feed(now, done)
        assert now < 120 or rate.quiet == 0.0, "pieces are known to be that rare"
        seen |= {round(rate.value)} if now >= 240 else set()
    assert seen == {round(10 * MIB / 60)}


def test_a_stall_is_told_instead_of_a_time():
    rate = fed(*steady(20, 4 * MIB))
    rate.feed(49.0, 80 * MIB)
    assert (rate.value, rate.quiet) == (4 * MIB, 0.0)
    rate.feed(50.0, 80 * MIB)
    assert (rate.value, rate.quiet) == (0.0, 30.0)
    rate.feed(500.0, 80 * MIB)
    assert (rate.value, rate.quiet) == (0.0, 480.0)
    rate.feed(501.0, 84 * MIB)
    assert 0 < rate.value < 1 * MIB
    assert rate.quiet == 0.0, "it goes on"


def test_a_beginning_that_never_comes_is_a_stall_too():
    assert fed(*[(second, 0) for second in range(31)]).quiet == 30.0


def test_what_is_begun_anew_is_measured_anew():
    again = [(21 + second, second * 2 * MIB) for second in range(3)]
    assert fed(*steady(20, 4 * MIB), *again).value == 0.0, "nothing below zero, and nothing of before"
    more = [(21 + second, second * 2 * MIB) for second in range(8)]
    assert fed(*steady(20, 4 * MIB), *more).value == pytest.approx(2 * MIB)
