# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of a service are killed under a steady stream of requests: none fails that another part could have answered."""

from __future__ import annotations

import json
import time

from tests.testinfra.lab import main_pid


def test_a_killed_replica_costs_no_request_and_comes_back(door, engines):
    with door.stream() as stream:
        stream.wait(8)
        engines[0].kill()
        stream.wait(20)
        assert engines[0].host.run("curl -sf http://%s:1/", engines[0].address).rc != 0
        engines[0].wait()
        engines[0].wait_for_requests()
    stream.assert_none_failed()


def test_a_killed_vllm_router_costs_no_request(door):
    before = main_pid(door.host, door.router_unit)
    with door.stream() as stream:
        stream.wait(8)
        door.host.check_output("systemctl kill --signal=KILL %s", door.router_unit)
        stream.wait(12)
        door.wait_for_router()
        stream.wait(12)
    assert main_pid(door.host, door.router_unit) not in (0, before)
    stream.assert_none_failed()


def test_vllm_router_starts_while_a_replica_is_down_and_the_other_is_not_restarted(lab, door, engines):
    with door.stream() as stream:
        stream.wait(4)
        engines[1].host.check_output("systemctl stop %s", engines[1].unit)
        before = main_pid(engines[0].host, engines[0].unit)
        run = lab.playbook("restart.yml")
        assert run.status != 0
        assert f"no other engine of {door.service} serves: {door.service}-1 on {engines[1].name}" in run.output, (
            run.output
        )
        assert run.recap(engines[0].name, "changed") == 0
        assert main_pid(engines[0].host, engines[0].unit) == before
        door.host.check_output("systemctl kill --signal=KILL %s", door.router_unit)
        stream.wait(20)
        door.wait_for_router("/workers", "is_healthy", times=2)
        engines[1].host.check_output("systemctl start %s", engines[1].unit)
        engines[1].wait()
        engines[1].wait_for_requests()
    stream.assert_none_failed()


def test_a_killed_nginx_is_back_in_seconds(door):
    with door.stream() as stream:
        stream.wait(8)
        killed = time.monotonic()
        door.host.check_output("systemctl kill --signal=KILL %s", door.unit)
        stream.wait(12)
    stream.assert_only_failed_before(killed + 5)


def test_a_host_without_power_costs_no_request(lab, door, engines):
    """No process is left to refuse a connection: packets go nowhere."""
    try:
        with door.stream(patience_s=120) as stream:
            stream.wait(8)
            assert (
                lab.playbook("lab_fault.yml", extra={"lab_fault": "kill", "lab_fault_hosts": engines[1].name}).status
                == 0
            )
            stream.wait(30)
        stream.assert_none_failed()
    finally:
        assert (
            lab.playbook("lab_fault.yml", extra={"lab_fault": "start", "lab_fault_hosts": engines[1].name}).status == 0
        )
        engines[1].wait()


def test_a_changed_key_is_taken_over_while_answers_go_on(lab, door):
    before = main_pid(door.host, door.unit)
    services = json.loads(json.dumps(lab.variables["vllm_services"]))
    services[0]["router"]["api_keys"]["jobs"] = "jobs-Key-3"
    try:
        with door.stream(tokens=100) as stream:
            stream.wait(4)
            run = lab.playbook("site.yml", extra={"vllm_services": services})
            assert run.status == 0
            stream.wait(4)
            assert door.send("GET", "/v1/models", key="jobs")[0] == 401
            told = door.send("GET", "/v1/models", key=None, headers={"Authorization": "Bearer jobs-Key-3"})
            assert told[0] == 200
        assert stream.count()["answered"] == len(stream.outcomes), stream.report()
        assert main_pid(door.host, door.unit) == before
    finally:
        assert lab.playbook("site.yml").status == 0
