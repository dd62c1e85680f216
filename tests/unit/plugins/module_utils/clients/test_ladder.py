# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The four rungs: each needs the one before it."""

from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.clients import ladder, vllm

RUNNING = vllm.Check(True, "active (running)")


def climb(fake_vllm, unit=RUNNING, taken=None, model="tiny", token_timeout=2):
    return ladder.climb(vllm.Server(fake_vllm.url, None, 2, token_timeout), model, "Hello", unit, taken)


def test_all_rungs(fake_vllm):
    rungs = climb(fake_vllm)
    assert [rungs[name].ok for name in ladder.RUNGS] == [True] * 4
    assert ladder.healthy(rungs)
    assert ladder.first_failure(rungs) is None


def test_no_unit_is_no_failure(fake_vllm):
    rungs = climb(fake_vllm, unit=None)
    assert rungs["unit"].ok is None
    assert ladder.healthy(rungs)


@pytest.mark.parametrize(
    ("faults", "failed", "asked"),
    [
        ({"/health": "503"}, "http", 1),
        ({"/v1/models": "empty"}, "model", 2),
        ({"/v1/completions": "hang"}, "token", 3),  # wedged: /health and /v1/models answer 200
        ({"/v1/completions": "no token"}, "token", 3),
    ],
)
def test_rungs_after_a_failed_one_are_not_asked(fake_vllm, faults, failed, asked):
    fake_vllm.faults.update(faults)
    rungs = climb(fake_vllm)
    place = ladder.RUNGS.index(failed)
    assert [rungs[name].ok for name in ladder.RUNGS] == [True] * place + [False] + [None] * (3 - place)
    assert ladder.first_failure(rungs) == failed
    assert not ladder.healthy(rungs)
    assert len(fake_vllm.seen) == asked


def test_a_stopped_unit_is_not_asked_over_http(fake_vllm):
    rungs = climb(fake_vllm, unit=vllm.Check(False, "it is failed"))
    assert ladder.first_failure(rungs) == "unit"
    assert fake_vllm.seen == []


def test_a_stranger_on_the_port_is_no_health(fake_vllm):
    rungs = climb(fake_vllm, taken="nginx holds the port")
    assert rungs["http"] == vllm.Check(False, "nginx holds the port")
    assert fake_vllm.seen == []


def test_a_unit_without_an_address():
    rungs = ladder.climb(None, None, "Hello", RUNNING)
    assert ladder.healthy(rungs)
    assert [rungs[name].ok for name in ladder.RUNGS] == [True, None, None, None]


def test_nothing_asked_is_not_healthy():
    assert not ladder.healthy(ladder.climb(None, None, "Hello", None))
