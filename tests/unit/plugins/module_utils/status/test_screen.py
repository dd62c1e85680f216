# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The screen: readable for one host and for a thousand, never wider than it says."""

from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.planning.show.amounts import TO
from ansible_collections.vllm.cluster.plugins.module_utils.status import screen
from ansible_collections.vllm.cluster.plugins.module_utils.status.join import join

from .reports import group, report, service, share

GIB = 2**30


def shown(services, reports):
    text = screen.screen(join(services, reports))
    assert max(map(len, text.splitlines())) <= screen.WIDTH
    return text


def test_one_host():
    lines = shown([service()], {"a": report(share())}).splitlines()
    assert lines[0] == "1 of 1 service serves; 1 of 1 engine serves; 1 of 1 host answers"
    assert lines[3].split() == ["chat", "1", "of", "1", "0.05", "s", "0.32.0", "http://192.0.2.1:8000"]
    assert lines[6].split() == ["chat-0", "a", "ok", "ok", "ok", "ok", "10", "min", "0"]
    assert "What is wrong" not in lines


def test_a_group_with_its_guard_s_last_act():
    text = shown([service("r1", ["a", "b"])], group())
    assert "\n  guard: serving, epoch 2, 1 restart; 5 min ago on a: group restart: member b lost\n" in text


def test_what_fails_stands_first_and_is_told_in_full():
    text = shown([service(), service("x")], {"a": report(share(), share("x-0", "x", failed="http"))})
    rows = [line.split() for line in text.splitlines()]
    assert rows.index(["x-0", "a", "ok", "FAILED", "-", "-", "10", "min", "0"]) < rows.index(
        ["chat-0", "a", "ok", "ok", "ok", "ok", "10", "min", "0"]
    )
    assert "  ! x-0: on a: http: http is bad\n" in text


def test_a_hundred_healthy_hosts_are_as_short_as_one():
    names = [f"gpu{index}" for index in range(1, 101)]
    gpus = [{"index": 0, "name": "NVIDIA H100", "memory_bytes": 80 * GIB, "memory_used_bytes": 70 * GIB}] * 8
    reports = {name: report(share(f"chat-{place}"), gpus=gpus) for place, name in enumerate(names)}
    text = shown([service(hosts=names)], reports)
    assert len(text.splitlines()) < 15
    assert f"chat-0{TO}chat-99 (100)" in text
    assert f"gpu1{TO}gpu100 (100)  8 x NVIDIA H100  70.0 of 80.0 GiB each" in text


@pytest.mark.parametrize("count", [1, 100, 1000])
def test_many_failures_stay_on_a_screen_and_count_all(count):
    names = [f"gpu{index}" for index in range(count)]
    reports = {name: report(share(f"chat-{place}", failed="token")) for place, name in enumerate(names)}
    reports["off"] = {"reached": False, "msg": "x" * 2000}
    text = shown([service(hosts=[*names, "off"])], reports)
    assert len(text.splitlines()) < 60
    assert f"0 of {count:,} engine" in text
    assert "! off: is not reached: xxx" in text


def test_long_names_do_not_break_it():
    long = "n" * 48
    shown([service(long, [long * 2])], {long * 2: report(share(f"{long}-0", long, failed="unit"))})


@pytest.mark.parametrize(
    ("seconds", "told"), [(None, ""), (0.4, "0 s"), (59, "59 s"), (60, "1 min"), (7199, "1 h"), (90000, "1 d")]
)
def test_ages(seconds, told):
    assert screen.age(seconds) == told


def test_the_verdict_is_one_line():
    found = join([service()], {"a": report(share(failed="token", reason=None)), "b": None})
    told = screen.verdict(found)
    assert "\n" not in told
    assert told.startswith("0 of 1 service serve; ")
    assert "b: was not asked" in told
    assert "1 more problem" in told
