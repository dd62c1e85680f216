# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sizes, names and bars in the words that persons read."""

from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.planning.show import amounts, bars
from hypothesis import given
from hypothesis import strategies as some


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        (["gpu1"], ["gpu1"]),
        (["gpu1", "gpu2"], ["gpu1", "gpu2"]),
        (["gpu8", "gpu9", "gpu10"], [f"gpu8{amounts.TO}gpu10"]),
        (["gpu08", "gpu09", "gpu10"], [f"gpu08{amounts.TO}gpu10"]),
        (["gpu09", "gpu1", "gpu2"], ["gpu09", "gpu1", "gpu2"]),
        (["gpu1", "gpu3", "gpu5"], ["gpu1", "gpu3", "gpu5"]),
        (["gpu08", "gpu09", "gpu010"], ["gpu08", "gpu09", "gpu010"]),
        (["a1b1", "a1b2", "a1b3", "a2b3", "a3b3"], [f"a1b1{amounts.TO}a1b3", "a2b3", "a3b3"]),
        (["gpu1.rack2", "gpu2.rack2", "gpu3.rack2", "db"], [f"gpu1.rack2{amounts.TO}gpu3.rack2", "db"]),
        (["x", "x", "y"], ["x", "y"]),
        ([], []),
    ],
)
def test_names_that_count_up_are_one_run(names, shown):
    assert amounts.runs(names) == shown


@given(some.lists(some.integers(0, 3000), unique=True, max_size=40))
def test_a_run_names_its_ends_and_holds_every_name(numbers):
    names = [f"gpu{number}" for number in numbers]
    told = []
    for item in amounts.runs(names):
        first, _to, last = item.partition(amounts.TO)
        low, high = int(first[3:]), int((last or first)[3:])
        told += [f"gpu{number}" for number in range(low, high + 1)]
    assert told == names


@given(some.lists(some.integers(0, 300), unique=True, max_size=40))
def test_indexes_can_be_read_back(numbers):
    told = []
    for item in filter(None, amounts.indexes(numbers).split(",")):
        low, _to, high = item.partition("-")
        told += range(int(low), int(high or low) + 1)
    assert told == sorted(numbers)


def test_a_long_list_says_how_much_it_leaves_out():
    assert amounts.listing(["a", "c", "e", "g"], most=3) == "a, c, … and 2 more"
    assert amounts.listing(["a", "c", "e"], most=3) == "a, c, e"


@pytest.mark.parametrize(
    ("function", "value", "shown"),
    [
        (amounts.size, 131072, "128 KiB"),
        (amounts.size, 70656, "69 KiB"),
        (amounts.size, 500, "500 bytes"),
        (amounts.size, 65527752704, "61.0 GiB"),
        (amounts.parameters, 32763876352, "32.8 B"),
        (amounts.parameters, 494032768, "494 M"),
        (amounts.parameters, 1026408232448, "1.03 T"),
        (amounts.number, 9.24, "9.2"),
        (amounts.number, 1204.7, "1,205"),
        (amounts.number, 32768, "32,768"),
        (amounts.speed, 400000, "400 Gb/s"),
        (amounts.speed, 2500, "2.5 Gb/s"),
        (amounts.speed, 100, "100 Mb/s"),
        (amounts.speed, None, ""),
        (amounts.port, [29600, 29615], "29600-29615"),
        (amounts.link, {"type": "NV", "count": 18}, "NV18"),
        (amounts.link, {"type": "PIX", "count": 0}, "PIX"),
        (amounts.link, None, ""),
    ],
)
def test_amounts_in_words(function, value, shown):
    assert function(value) == shown


@given(some.lists(some.integers(0, 2**40), min_size=4, max_size=4), some.integers(8, 120))
def test_a_bar_is_as_long_as_it_must_be_and_hides_nothing(sizes, width):
    taken = bars.cells(sizes, width)
    assert sum(taken) == (width if sum(sizes) else 0)
    assert [bool(cell) for cell in taken] == [bool(size) for size in sizes]
    for size, cell in zip(sizes, taken):
        assert abs(cell - size * width / (sum(sizes) or 1)) < 4


def test_a_caption_adds_up():
    stage = {"weights": 39 * 2**30, "overhead": 4 * 2**30, "kv": 30 * 2**30, "free": 7 * 2**30}
    assert bars.caption(stage) == "39.0 weights + 4.0 overhead + 30.0 KV + 7.0 free = 80.0 GiB"
    assert bars.drawn(stage, 80) == "[" + "W" * 39 + "O" * 4 + "K" * 30 + "." * 7 + "]"
