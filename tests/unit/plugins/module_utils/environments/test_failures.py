# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.environments.failures import (
    TAIL_LINES,
    credentials,
    explain,
    without_credentials,
)


def test_a_long_answer_is_cut_to_its_end():
    text = explain("".join(f"line {number}\n" for number in range(100)), 2, 60, ())
    assert "line 99" in text
    assert f"line {99 - TAIL_LINES}" not in text


def test_a_time_out_is_said_as_such():
    assert "60 s" in explain("", 124, 60, ())


def test_a_silent_failure_shows_its_status():
    assert "exit status 137" in explain("", 137, 60, ())


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("see https://user:secret@mirror.example/simple/six/.", "see https://***@mirror.example/simple/six/."),
        ("https://token@mirror.example", "https://***@mirror.example"),
        ("https://mirror.example/@scope/x", "https://mirror.example/@scope/x"),
        ("a@b and c", "a@b and c"),
        ("https://conda.example/t/to-ken/channel", "https://conda.example/t/***/channel"),
    ],
)
def test_credentials_are_masked(text, masked):
    assert without_credentials(text) == masked
    assert masked in explain(text, 2, 60, ())


def test_credentials_are_found():
    assert credentials("x @ https://user:se:cr%40t@a.example/x and https://token@b.example") == [
        "user",
        "se:cr%40t",
        "token",
    ]
    assert credentials("https://conda.example/t/to-ken/channel") == ["to-ken"]
    assert credentials("https://a.example/@scope, a@b") == []
