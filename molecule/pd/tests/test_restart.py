# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One side of a service is restarted under a steady stream of requests, and no client notices."""

from __future__ import annotations

from tests.testinfra.lab import main_pid


def test_a_rolling_restart_of_the_decode_engines_costs_no_request(deployed):
    nixl = deployed("nixl")
    before = {engine.unit: main_pid(engine.host, engine.unit) for engine in nixl.engines}
    with nixl.door.stream(tokens=40, clients=3) as stream:
        stream.wait(6)
        chosen = {"vllm_restart_services": ["nixl"], "vllm_restart_sides": ["decode"]}
        run = deployed.playbook("restart.yml", extra=chosen)
        assert run.status == 0, run.output[-3000:]
        brought = nixl.counts()["decode brought"]
        stream.wait(12)
        assert nixl.counts()["decode brought"] > brought, "prompts are not read by prefill engines any more"
    assert stream.count()["answered"] == len(stream.outcomes), stream.report()
    after = {engine.unit: main_pid(engine.host, engine.unit) for engine in nixl.engines}
    restarted = {unit for unit, pid in after.items() if pid != before[unit]}
    assert restarted == {engine.unit for engine in nixl.sides["decode"]}
