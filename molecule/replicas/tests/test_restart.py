# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Both replicas are restarted under a steady stream of requests, and no client notices."""

from __future__ import annotations

import json

from tests.testinfra.lab import main_pid


def known(door):
    command = door.host.check_output("systemctl show --property=ExecStart --value %s", door.router_unit)
    port = command.partition("--port ")[2].split()[0]
    workers = json.loads(door.host.check_output("curl -s http://127.0.0.1:%s/workers", port))["workers"]
    return sorted((worker["url"], worker["is_healthy"]) for worker in workers)


def test_a_rolling_restart_of_both_replicas_costs_no_request(lab, door, engines):
    before = [main_pid(engine.host, engine.unit) for engine in engines]
    router = main_pid(door.host, door.router_unit)
    workers = known(door)
    with door.stream(tokens=40, clients=3) as stream:
        stream.wait(6)
        run = lab.playbook("restart.yml")
        assert run.status == 0, run.output
        stream.wait(12)
    assert stream.count()["answered"] == len(stream.outcomes), stream.report()
    assert all(main_pid(engine.host, engine.unit) != pid for engine, pid in zip(engines, before))
    # One after the other, and vllm-router itself went on.
    done = [run.output.index(f"TASK [{words}") for words in ("Lead requests again to chat-0]", "Restart chat-1]")]
    assert done == sorted(done)
    assert main_pid(door.host, door.router_unit) == router
    assert known(door) == workers
    assert all(healthy for _url, healthy in workers)
