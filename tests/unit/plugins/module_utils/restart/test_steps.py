# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Golden plans and reports of hosts -> steps of a rolling restart, and what forbids it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.restart.choice import RestartError, Wanted
from ansible_collections.vllm.cluster.plugins.module_utils.restart.steps import roll
from ansible_collections.vllm.cluster.plugins.module_utils.restart.text import as_text, stopped

from tests.unit.plugins.module_utils.status.reports import report, share, unit

GOLDEN = Path(__file__).resolve().parents[4] / "golden"


def planned(name):
    """A plan, of its first service alone."""
    plan = json.loads((GOLDEN / f"{name}.plan.json").read_text())
    del plan["services"][1:]
    plan["engines"] = [item for item in plan["engines"] if item["service"] == plan["services"][0]["name"]]
    return plan


def reports(plan, failed=(), stopped=(), absent=(), units=None):
    """What hosts would tell. failed, stopped, absent: engines. units: states of units of front doors."""
    told = {}
    for host, part in plan["hosts"].items():
        shares = []
        for engine in plan["engines"]:
            hosts = [member["host"] for member in engine["members"]]
            if host not in hosts or engine["name"] in absent:
                continue
            rung = "token" if engine["name"] in failed else "unit" if engine["name"] in stopped else None
            role = "head" if hosts[0] == host else "worker"
            item = share(engine["name"], engine["service"], role, rung)
            item["unit"]["active_state"] = "inactive" if engine["name"] in stopped else "active"
            shares.append(item)
        doors = [item["name"] for item in part["units"] if item["kind"] in ("router", "door", "kv_server")]
        told[host] = report(*shares, units=[unit(name, "door", (units or {}).get(name, "active")) for name in doors])
    return told


def names(found):
    return [step.engine for step in found.engines]


def refused(plan, told, **wanted):
    with pytest.raises(RestartError) as caught:
        roll(plan, told, Wanted(**wanted))
    return list(caught.value.problems)


def test_replicas_restart_one_after_the_other_each_past_its_door():
    plan = planned("replicas")
    found = roll(plan, reports(plan), Wanted())
    assert names(found) == ["qwen-0", "qwen-1", "qwen-2", "qwen-3"]
    step = found.engines[1]
    assert (step.head, step.unit, step.workers) == ("gpu2", "vllm-qwen-1.service", ("http://10.9.0.2:18000",))
    assert (step.door.host, step.door.port, step.door.router_unit) == ("gpu1", 8900, "vllm-qwen-router.service")
    assert step.meanwhile == ("qwen-0", "qwen-2", "qwen-3")
    assert len(step.door.workers) == 4
    document = json.loads(json.dumps(found.document()))
    assert (document["hosts"], document["engines"][1]["head"]) == (["gpu1", "gpu2"], "gpu2")


def test_sides_follow_one_another_and_each_keeps_an_engine():
    plan = planned("pd_nixl")
    found = roll(plan, reports(plan), Wanted())
    assert [step.kind for step in found.engines] == ["prefill"] * 4 + ["decode"] * 2
    assert found.engines[-1].meanwhile == ("qwen-decode-0",)
    assert names(roll(plan, reports(plan), Wanted(sides=("decode",)))) == ["qwen-decode-0", "qwen-decode-1"]
    assert len(names(roll(plan, reports(plan), Wanted(hosts=("gpu1",))))) == 4


def test_what_does_not_serve_goes_first():
    plan = planned("replicas")
    found = roll(plan, reports(plan, failed=["qwen-2"]), Wanted())
    assert names(found) == ["qwen-2", "qwen-0", "qwen-1", "qwen-3"]
    assert [step.serves for step in found.engines] == [False, True, True, True]
    assert "qwen-2" not in found.engines[1].meanwhile


def test_what_somebody_stopped_stays_so_and_is_told():
    plan = planned("replicas")
    found = roll(plan, reports(plan, stopped=["qwen-2"]), Wanted())
    assert names(found) == ["qwen-0", "qwen-1", "qwen-3"]
    assert found.left == ("qwen-2 was stopped: it stays so",)


def test_a_group_restarts_by_its_head_and_is_waited_for_on_all_members():
    for name, expected in (("mp_two_nodes", "vllm-r1-0.service"), ("ray_two_nodes", "vllm-r1-0-ray.service")):
        plan = planned(name)
        (step,) = roll(plan, reports(plan), Wanted(consent=True)).engines
        assert (step.head, step.unit, step.door, step.workers) == ("gpu1", expected, None, ())
        assert step.hosts == ("gpu1", "gpu2")
        assert {item["kind"] for item in step.units} >= {"guard", "engine"}


def test_the_last_engine_that_serves_is_not_restarted():
    plan = planned("replicas")
    told = reports(plan, failed=["qwen-0", "qwen-1"], stopped=["qwen-3"])
    (problem,) = refused(plan, told)
    assert problem.startswith("qwen-2: no other engine of qwen serves: qwen-0 on gpu1 does not serve (token: token is")
    assert "vllm_allow_restart=true" in problem
    assert "qwen-2" in names(roll(plan, told, Wanted(consent=True)))


def test_the_last_engine_of_a_side_is_not_restarted():
    plan = planned("pd_nixl")
    (problem,) = refused(plan, reports(plan, failed=["qwen-decode-1"]))
    assert problem.startswith("qwen-decode-0: no other decode engine of qwen serves: qwen-decode-1 on gpu2 does not")
    prefills = [f"qwen-prefill-{number}" for number in (0, 1, 2)]
    (problem,) = refused(plan, reports(plan, failed=prefills))
    assert problem.startswith("qwen-prefill-3: no other prefill engine of qwen serves")


def test_a_host_that_tells_nothing_serves_nothing():
    plan = planned("replicas")
    told = {**reports(plan), "gpu2": {"reached": False, "msg": "no route"}}
    assert all("qwen-1" not in step.meanwhile for step in roll(plan, told, Wanted(hosts=("gpu1",))).engines)


def test_a_service_of_one_engine_needs_consent():
    plan = planned("single_host")
    (problem,) = refused(plan, reports(plan))
    assert "has no front door, so its clients call this engine itself" in problem
    (step,) = roll(plan, reports(plan), Wanted(consent=True)).engines
    assert step.door is None


def test_without_fallback_a_restart_of_the_router_is_noticed():
    plan = planned("pd_nixl")
    plan["hosts"]["gpu1"]["routers"][0]["fallback"] = False
    (problem,) = refused(plan, reports(plan))
    assert "fallback: false" in problem
    (problem,) = refused(plan, reports(plan), parts=("doors",))
    assert "fallback: false" in problem


@pytest.mark.parametrize("name", ["vllm-qwen-router.service", "vllm-qwen-door.service"])
def test_a_door_that_cannot_lead_requests_past_an_engine_forbids_it_even_with_consent(name):
    plan = planned("replicas")
    (problem,) = refused(plan, reports(plan, units={name: "failed"}), consent=True)
    assert problem.startswith(f"qwen: its front door on gpu1 is not up: {name} is failed")


def test_an_engine_that_is_planned_and_not_there_forbids_it():
    plan = planned("replicas")
    problems = refused(plan, reports(plan, absent=["qwen-1"]), consent=True)
    assert problems == ["qwen-1: gpu2 has no unit of it, though the plan has one. Fix: run site.yml first"]


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ({"services": ("qwen", "nope")}, "vllm_restart_services[1] = 'nope': no such service. Fix: write one of qwen"),
        (
            {"hosts": ("gpu9",)},
            "vllm_restart_hosts[0] = 'gpu9': no such host of a service. Fix: write one of gpu1, gpu2",
        ),
        ({"sides": ("decode",)}, "nothing is chosen: vllm_restart_sides = ['decode']"),
    ],
)
def test_names_that_are_not_there_are_refused(wanted, told):
    plan = planned("replicas")
    (problem,) = refused(plan, reports(plan), **wanted)
    assert told in problem


def test_doors_are_renewed_when_asked_for():
    plan = planned("replicas")
    found = roll(plan, reports(plan), Wanted(parts=("doors",)))
    assert (names(found), [door.unit for door in found.doors]) == ([], ["vllm-qwen-door.service"])
    assert "vllm-qwen-router.service restarts when its answers have ended" in as_text(found)


SERVERS = {"parts": ("servers",), "consent": True}


def test_a_server_restarts_first_with_its_hosts_engines_and_the_others_follow():
    plan = planned("pd_mooncake")
    found = roll(plan, reports(plan), Wanted(**SERVERS))
    assert names(found) == ["vllm-qwen-mooncake", "qwen-decode-0", "qwen-decode-1"]
    step = found.engines[0]
    assert (step.head, step.unit, step.hosts) == ("gpu1", "vllm-qwen-mooncake.service", ("gpu1",))
    assert step.along == ("qwen-prefill-0", "qwen-prefill-1")
    assert [unit["name"] for unit in step.units] == ["vllm-qwen-prefill-0.service", "vllm-qwen-prefill-1.service"]
    assert step.meanwhile == (), "no other prefill engine serves: nothing is led past them"
    assert names(roll(plan, reports(plan), Wanted(parts=("engines", "servers"), consent=True))) == [
        "vllm-qwen-mooncake",
        "qwen-decode-0",
        "qwen-decode-1",
    ]
    assert all(not step.along for step in roll(plan, reports(plan), Wanted()).engines), "engines alone, as ever"


def test_requests_are_led_past_a_servers_engines_where_others_of_every_kind_serve():
    plan = planned("pd_nixl")
    (server,) = (unit for unit in planned("pd_mooncake")["hosts"]["gpu1"]["units"] if unit["kind"] == "kv_server")
    server["name"] = "vllm-qwen-shared.service"
    plan["hosts"]["gpu2"]["units"].append(server)
    (follower,) = (item for item in plan["hosts"]["gpu2"]["units"] if item["engine"] == "qwen-decode-1")
    follower["restart_with"] = [server["name"]]
    workers = plan["hosts"]["gpu1"]["routers"][0]["workers"]
    step = roll(plan, reports(plan), Wanted(**SERVERS)).engines[0]
    assert (step.along, step.meanwhile) == (("qwen-decode-1",), ("qwen-decode-0",))
    assert step.workers == tuple(worker["url"] for worker in workers if worker["engine"] == "qwen-decode-1")
    assert (step.serves, step.settle_s, step.door.host) == (True, 5, "gpu1")
    sole = [item for item in plan["hosts"]["gpu1"]["units"] if item["kind"] == "engine"]
    alike = {**plan["hosts"], "gpu2": {**plan["hosts"]["gpu2"], "units": [*plan["hosts"]["gpu2"]["units"]]}}
    alike["gpu2"]["units"] += [{**item, "restart_with": [server["name"]]} for item in sole]
    step = roll({**plan, "hosts": alike}, reports(plan), Wanted(**SERVERS)).engines[0]
    assert (len(step.along), step.meanwhile) == (5, ()), "decode-0 alone serves nobody"
    down = roll(plan, reports(plan, failed=["qwen-decode-0"]), Wanted(**SERVERS)).engines[0]
    assert down.meanwhile == ()


def test_an_engine_whose_head_is_elsewhere_is_waited_for_in_a_step_of_its_own():
    plan = planned("pd_mooncake")
    (engine,) = (item for item in plan["engines"] if item["name"] == "qwen-decode-0")
    (own,) = (item for item in plan["hosts"]["gpu2"]["units"] if item["engine"] == "qwen-decode-0")
    engine["members"].append({"host": "gpu1"})
    plan["hosts"]["gpu1"]["units"].append({**own, "restart_with": ["vllm-qwen-mooncake.service"]})
    found = roll(plan, reports(plan), Wanted(**SERVERS))
    assert "qwen-decode-0" in found.engines[0].along
    assert names(found) == ["vllm-qwen-mooncake", "qwen-decode-0", "qwen-decode-1"]


def test_servers_need_consent():
    plan = planned("pd_lmcache")
    (problem,) = refused(plan, reports(plan), parts=("servers",))
    assert problem.startswith("vllm-qwen-lmcache: its engines have never been seen without it, and those of gpu1")
    assert "vllm_allow_restart=true" in problem


def test_a_server_that_is_not_there_forbids_it_and_one_that_was_stopped_stays_so():
    plan = planned("pd_lmcache")
    told = reports(plan)
    told["gpu1"]["units"] = [item for item in told["gpu1"]["units"] if "lmcache" not in item["name"]]
    (problem,) = refused(plan, told, **SERVERS)
    assert problem.startswith("vllm-qwen-lmcache: gpu1 has no unit of it")
    (problem,) = refused(plan, reports(plan, units={"vllm-qwen-lmcache.service": "inactive"}), **SERVERS)
    assert "nothing is chosen" in problem
    assert "vllm-qwen-lmcache was stopped: it stays so" in problem
    (problem,) = refused(planned("replicas"), reports(planned("replicas")), **SERVERS)
    assert "Nothing fits" in problem, "a service without servers"


def test_the_screen_tells_what_a_server_takes_along():
    plan = planned("pd_lmcache")
    lines = as_text(roll(plan, reports(plan), Wanted(**SERVERS))).splitlines()
    assert lines[0] == "To restart, one after the other: 1 server"
    told = "1. vllm-qwen-lmcache gpu1 takes qwen-prefill-0, qwen-prefill-1, qwen-decode-0 along; nothing serves in its"
    assert " ".join(" ".join(lines[1:]).split()).startswith(told)
    plan = planned("pd_mooncake")
    assert as_text(roll(plan, reports(plan), Wanted(**SERVERS))).startswith(
        "To restart, one after the other: 1 server, 2 engines\n"
    )


def test_the_screen_tells_order_and_who_serves_meanwhile():
    plan = planned("replicas")
    lines = as_text(roll(plan, reports(plan, stopped=["qwen-3"]), Wanted())).splitlines()
    assert lines[0] == "To restart, one after the other: 3 engines"
    assert lines[1].split() == "1. qwen-0 gpu1 out of the front door on gpu1; qwen-1, qwen-2 serve meanwhile".split()
    assert lines[-1] == "  ! qwen-3 was stopped: it stays so"


def test_a_roll_that_stops_says_where_why_and_what_it_leaves():
    plan = planned("replicas")
    document = roll(plan, reports(plan), Wanted()).document()
    why = "on gpu2: vllm-qwen-1.service cannot start: no memory.\n"
    told = stopped(document, "qwen-1", why, True)
    assert told.startswith(f"The restart stops at qwen-1 (2 of 4): {why.strip()} ")
    for part in ("qwen-1 is down or not ready", "Restarted before: qwen-0", "Not touched: qwen-2", "takes it again"):
        assert part in told
    assert "qwen-0 was not restarted and serves" in stopped(document, "qwen-0", why, False)
