# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two prefill and two decode engines with NIXL: parts are killed under a steady stream, and no request fails."""

from __future__ import annotations

import time

import pytest

from tests.testinfra.lab import main_pid

#: Until a restarted engine answers, besides its own start; CI's machines have few cores, and other work on them.
MARGIN_S = 60


@pytest.fixture
def nixl(deployed):
    return deployed("nixl")


@pytest.mark.parametrize("kind", ["prefill", "decode"])
def test_a_killed_engine_costs_no_request_and_works_again(nixl, kind):
    victim = nixl.sides[kind][0]
    with nixl.door.stream() as stream:
        stream.wait(8)
        victim.kill()
        killed = time.monotonic()
        stream.wait(20)
        victim.wait()
        gone_s = time.monotonic() - killed
        victim.wait_for_requests()
        computed = nixl.counts()
        stream.wait(12)
        later = nixl.counts()
    stream.assert_none_failed()
    print(f"{victim.unit}: answers again after {gone_s:.0f} s")
    assert gone_s < MARGIN_S + start_s(victim)
    assert later["decode brought"] > computed["decode brought"]


def start_s(engine):
    """What the engine's own start took, as its journal tells."""
    since = engine.host.check_output(
        "systemctl show --property=ExecMainStartTimestampMonotonic --value %s", engine.unit
    )
    shown = engine.host.check_output(
        "journalctl --no-pager --output=short-monotonic --unit=%s | grep 'Application startup complete' | tail -n 1",
        engine.unit,
    )
    return float(shown.strip().lstrip("[").split("]")[0]) - int(since) / 1e6


def test_a_killed_vllm_router_costs_no_request(nixl):
    before = main_pid(nixl.door.host, nixl.door.router_unit)
    with nixl.door.stream() as stream:
        stream.wait(8)
        nixl.door.host.check_output("systemctl kill --signal=KILL %s", nixl.door.router_unit)
        stream.wait(12)
        nixl.door.wait_for_router("/readiness")
        brought = nixl.counts()["decode brought"]
        stream.wait(12)
        assert nixl.counts()["decode brought"] > brought, "prompts are not read by prefill engines any more"
    stream.assert_none_failed()
    assert main_pid(nixl.door.host, nixl.door.router_unit) not in (0, before)


def test_a_killed_nginx_is_back_in_seconds(nixl):
    with nixl.door.stream() as stream:
        stream.wait(8)
        killed = time.monotonic()
        nixl.door.host.check_output("systemctl kill --signal=KILL %s", nixl.door.unit)
        stream.wait(12)
    stream.assert_only_failed_before(killed + 5)
