# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each connector: the tokens are those of one engine, and the KV cache of prompts came from the prefill engine."""

from __future__ import annotations

import contextlib
import re
import time

import pytest

from tests.testinfra.lab import main_pid
from tests.testinfra.reach import listening, reach
from tests.testinfra.split import BLOCK

#: Tokens that these bring together; others bring every token.
STEPS = {"shared_storage": BLOCK, "lmcache_mp": 2 * BLOCK}


def test_answers_are_those_of_one_engine_and_their_cache_was_brought(service, questions):
    before = service.counts()
    answers = [service.answer(*body) for body, _ids, _tokens in questions]
    counts = {name: count - before[name] for name, count in service.counts().items()}
    print(f"{service.connector}: {counts}")
    assert answers == [(ids, tokens) for _body, ids, tokens in questions]
    step, sizes = STEPS.get(service.connector, 1), [tokens for _body, _ids, tokens in questions]
    brought = sum(tokens // step * step for tokens in sizes)
    assert brought > 1000
    assert counts == {
        "prefill computed": sum(sizes),
        "decode computed": sum(sizes) - brought,
        "decode brought": brought,
    }


def test_strangers_reach_nothing_of_its_engines(lab, service):
    """pd4 is of no service. What listens on every interface, whatever it is told, is closed to it too."""
    for name in ("pd1", "pd2"):
        ports = listening(lab.host(name)) - {22, 8100}
        assert ports, "nothing listens, so this proves nothing"
        found = reach(lab.host("pd4"), lab.address(name), ports)
        assert {port: result for port, result in found.items() if result != "refused"} == {}
    assert reach(lab.host("pd4"), service.door.address, [service.door.port]) == {service.door.port: "open"}


@contextlib.contextmanager
def router_stopped(_lab, service):
    """The door asks decode engines by themselves, as a proxy that does not know the connector would."""
    service.door.host.check_output("systemctl stop %s", service.door.router_unit)
    try:
        yield
    finally:
        service.door.host.check_output("systemctl start %s", service.door.router_unit)
        service.door.wait_for_router("/readiness")


@contextlib.contextmanager
def folder_empty(lab, service):
    """What the decode engine sees of the folder is another one, and nobody else sees that: the probe would tell."""
    folder = lab.variables["pd_services"][service.connector]["kv_transfer"]["path"]
    engine = service.sides["decode"][0]
    inside = f"nsenter --mount --target={main_pid(engine.host, engine.unit)}"
    engine.host.check_output(f"{inside} mount -t tmpfs -o mode=1777 none %s", folder)
    try:
        yield
    finally:
        engine.host.check_output(f"{inside} umount --lazy %s", folder)


@contextlib.contextmanager
def way_closed(lab, _service):
    """Decode engines reach nothing on the host of prefill engines and servers; the door reaches both."""
    host = lab.host("pd2")
    host.check_output("nft 'add table inet broken; add chain inet broken out { type filter hook output priority 0; }'")
    host.check_output(
        "nft 'add rule inet broken out ip daddr %s tcp dport != 22 reject with tcp reset'", lab.address("pd1")
    )
    try:
        yield
    finally:
        host.check_output("nft delete table inet broken")


#: How each is broken, and the side that is at fault then.
BROKEN = {
    "nixl": (router_stopped, "prefill"),
    "shared_storage": (folder_empty, "decode"),
    "lmcache_mp": (way_closed, "decode"),
    "mooncake": (router_stopped, "prefill"),
    "multi": (router_stopped, "prefill"),
}


@pytest.mark.parametrize("service", ["mooncake"], indirect=True)
def test_the_router_follows_a_prefill_engine_that_restarts(service):
    """It has another id then, for which vllm-router asks at its own start alone."""
    door, engine = service.door, service.sides["prefill"][0]
    before = main_pid(door.host, door.router_unit)
    engine.host.check_output("systemctl restart %s", engine.unit)
    engine.wait()
    end = time.monotonic() + 60
    while main_pid(door.host, door.router_unit) in (0, before):
        assert time.monotonic() < end, "vllm-router was not started again"
        time.sleep(1)
    door.wait_for_router("/readiness")
    brought = service.counts()["decode brought"]
    answer = service.answer("/v1/completions", {"prompt": "The quick brown fox " * 20})
    assert service.counts()["decode brought"] == brought + answer[1]


def test_a_service_whose_cache_does_not_come_is_not_proved(lab, deployed, service):
    breaks, side = BROKEN[service.connector]
    with breaks(lab, service):
        run = deployed.playbook("verify.yml")
    assert run.status != 0
    told = run.output.partition(f"KV transfer of service {service.name}:")[2].partition("KV transfer of")[0]
    assert re.search(rf"(?m)^  ERROR {side}", told), run.output[-3000:]
