# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Engines of several hosts: which are checked, on which ports, in which rounds."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.preflight import schedule, subjects

GOLDEN = Path(__file__).resolve().parents[4] / "golden"
GIB = 1 << 30
ENV = "/opt/vllm/envs/vllm-0.32.0-cuda"
UNIT = "vllm-r1-0.service"


@pytest.fixture
def plan():
    """Engine r1-0 over gpu1 and gpu2, eight GPUs each."""
    return json.loads((GOLDEN / "mp_two_nodes.plan.json").read_text())


def member(plan, host):
    return next(item for item in plan["engines"][0]["members"] if item["host"] == host)


def running(plan, **changes):
    """Probes of hosts on which the engine runs as planned. changes: to the unit of gpu2."""
    found = {}
    for host in ("gpu1", "gpu2"):
        interface = member(plan, host)["interface"]
        unit = {"state": "active", "address": interface["address"], "interface": interface["name"]}
        found[host] = probe(host, units={UNIT: {**unit, **(changes if host == "gpu2" else {})}})
    return found


def probe(host, **changes):
    return {
        "hostname": f"{host}.lan",
        "driver": "580.95.05",
        "gpus": [],
        "listeners": [],
        "units": {},
        "shm": {"free_bytes": 64 * GIB},
        "memlock": 8388608,
        "pythons": {f"{ENV}/bin/python": "3.12.3"},
        "environments": {
            ENV: {"python": "3.12.3", "vllm": "0.32.0", "torch": "2.13.0", "nccl": "2.28", "ray": "2.60.0"}
        },
        **changes,
    }


@pytest.fixture
def fresh():
    return {host: probe(host) for host in ("gpu1", "gpu2")}


def held(port, unit):
    return {"address": "0.0.0.0", "port": port, "pid": 7, "process": "vllm", "unit": unit}


def listening(probes, host, *ports, unit=UNIT):
    probes[host]["listeners"] = [held(port, unit) for port in ports]


def prepare(plan, probes, forks=5, consent=False):
    engines = [engine["name"] for engine in plan["engines"]]
    return schedule.prepare(plan, engines, probes, forks, consent)


class TestChoose:
    def test_an_engine_that_runs_as_planned_costs_nothing(self, plan):
        chosen = schedule.choose(plan, running(plan), "auto")
        assert chosen == {"engines": [], "requests": {}, "told": []}

    def test_an_engine_that_nobody_started_is_checked(self, plan, fresh):
        chosen = schedule.choose(plan, fresh, "auto")
        assert chosen["engines"] == ["r1-0"]
        assert chosen["told"] == ["r1-0 (gpu1, gpu2) is checked: it does not run on gpu1, gpu2."]
        wanted = {"environments": [ENV], "pythons": [f"{ENV}/bin/python"]}
        assert chosen["requests"] == {"gpu1": wanted, "gpu2": wanted}

    @pytest.mark.parametrize("state", ["inactive", "failed", None])
    def test_a_member_that_is_down_is_enough(self, plan, state):
        chosen = schedule.choose(plan, running(plan, state=state), "auto")
        assert chosen["told"] == ["r1-0 (gpu1, gpu2) is checked: it does not run on gpu2."]

    def test_an_engine_that_is_about_to_start_again_is_left_alone(self, plan):
        probes = running(plan, state="activating", substate="auto-restart", address=None, interface=None)
        assert schedule.choose(plan, probes, "auto")["engines"] == []

    @pytest.mark.parametrize(("key", "value"), [("address", "192.0.2.9"), ("interface", "eth9")])
    def test_another_network_than_it_runs_on_is_checked(self, plan, key, value):
        chosen = schedule.choose(plan, running(plan, **{key: value}), "auto")
        planned = member(plan, "gpu2")["interface"]["address" if key == "address" else "name"]
        why = f"it runs with the {key} {value} on gpu2, and {planned} is planned."
        assert chosen["told"] == [f"r1-0 (gpu1, gpu2) is checked: {why}"]

    def test_always_takes_what_runs_too(self, plan):
        assert schedule.choose(plan, running(plan), "always")["engines"] == ["r1-0"]

    def test_never_takes_none_and_says_what_it_leaves(self, plan, fresh):
        chosen = schedule.choose(plan, fresh, "never")
        assert (chosen["engines"], chosen["requests"]) == ([], {})
        assert "is not checked (vllm_preflight: never), though it does not run on gpu1, gpu2" in chosen["told"][0]
        assert schedule.choose(plan, running(plan), "never")["told"] == []

    def test_engines_of_one_host_need_none(self, plan, fresh):
        plan["engines"][0]["members"] = plan["engines"][0]["members"][:1]
        assert schedule.choose(plan, fresh, "auto") == {"engines": [], "requests": {}, "told": []}
        assert "No engine of the plan spans several hosts" in schedule.choose(plan, fresh, "always")["told"][0]

    def test_without_systemds_word_an_engine_is_checked(self, plan, fresh):
        fresh["gpu1"]["units"] = None
        assert schedule.choose(plan, {**running(plan), "gpu1": fresh["gpu1"]}, "auto")["engines"] == ["r1-0"]


class TestMembers:
    def test_they_are_told_head_first_with_their_ports(self, plan, fresh):
        engine = prepare(plan, fresh)["rounds"][0]["engines"]["r1-0"]
        interface = member(plan, "gpu1")["interface"]
        assert engine["members"][0] == {
            "name": "gpu1",
            "address": interface["address"],
            "interface": interface["name"],
            "hostname": "gpu1.lan",
            "ports": [20000, 29501, 29400],
        }
        assert (engine["members"][1]["name"], engine["members"][1]["ports"]) == ("gpu2", [20000])

    def test_ranks_of_the_collective_are_the_gpus_and_its_python_the_engines(self, plan, fresh):
        engine = prepare(plan, fresh)["rounds"][0]["engines"]["r1-0"]
        assert [(item["ranks"], item["ports"]) for item in engine["collective_members"]] == [(8, [20000])] * 2
        assert engine["python"] == {"gpu1": [f"{ENV}/bin/python"], "gpu2": [f"{ENV}/bin/python"]}
        assert engine["backend"] == "nccl"
        assert engine["environment"]["gpu2"]["VLLM_HOST_IP"] == member(plan, "gpu2")["interface"]["address"]
        assert engine["why_no_collective"] is None

    def test_ports_of_our_own_units_are_left_out_and_said(self, plan):
        probes = running(plan)
        probes["gpu1"]["listeners"] = [held(port, UNIT) for port in (20000, 29501, 20063)]
        probes["gpu1"]["listeners"].append(held(29400, "vllm-r1-0-guard.service"))
        prepared = prepare(plan, probes)
        engine = prepared["rounds"][0]["engines"]["r1-0"]
        assert [item["ports"] for item in engine["members"]] == [[20062], [20000]]
        assert prepared["told"][0] == ("r1-0: ports that units of ours hold are not tried: gpu1 20000, 29400, 29501.")
        assert prepared["findings"] == {"r1-0": []}

    def test_a_port_that_a_stranger_holds_is_tried(self, plan, fresh):
        listening(fresh, "gpu1", 20000, unit="nginx.service")
        assert prepare(plan, fresh)["rounds"][0]["engines"]["r1-0"]["members"][0]["ports"][0] == 20000

    def test_a_port_that_no_member_tries_is_judged_by_the_probe(self, plan, fresh):
        listening(fresh, "gpu1", 8000, unit="nginx.service")
        found = prepare(plan, fresh)["findings"]["r1-0"]
        assert [(item["id"], item["from"]) for item in found] == [("port-busy", "gpu1")]


class TestCollective:
    def test_not_beside_an_engine_that_runs(self, plan):
        why = prepare(plan, running(plan))["rounds"][0]["engines"]["r1-0"]["why_no_collective"]
        assert why.startswith("the engine runs on gpu1, gpu2 (vllm_preflight_collective: true")

    def test_with_consent_beside_it_too(self, plan):
        engine = prepare(plan, running(plan), consent=True)["rounds"][0]["engines"]["r1-0"]
        assert engine["why_no_collective"] is None

    def test_not_on_gpus_that_somebody_uses(self, plan, fresh):
        fresh["gpu2"]["gpus"] = [{"index": 3, "processes": [{"pid": 9, "name": "python3", "unit": None}]}]
        why = prepare(plan, fresh)["rounds"][0]["engines"]["r1-0"]["why_no_collective"]
        assert why.startswith("GPU 3 of gpu2 is used by python3")

    def test_gpus_of_others_do_not_matter(self, plan, fresh):
        for item in plan["engines"][0]["members"]:
            item["devices"] = [0, 1]
        fresh["gpu2"]["gpus"] = [{"index": 3, "processes": [{"pid": 9, "name": "python3", "unit": None}]}]
        assert prepare(plan, fresh)["rounds"][0]["engines"]["r1-0"]["why_no_collective"] is None

    def test_not_in_containers(self, plan, fresh):
        for host in plan["hosts"].values():
            host["environments"] = []
            host["units"][0]["exec"] = ["/usr/bin/docker", "run"]
        prepared = prepare(plan, fresh)
        assert prepared["rounds"][0]["engines"]["r1-0"]["why_no_collective"] == "it runs in containers"
        assert prepared["findings"] == {"r1-0": []}

    def test_an_environment_that_is_nowhere_yet_is_said_and_no_error(self, plan, fresh):
        for item in fresh.values():
            item["environments"] = {ENV: None}
        prepared = prepare(plan, fresh)
        assert prepared["findings"] == {"r1-0": []}
        assert "environment is on none of the hosts yet" in prepared["told"][0]
        why = prepared["rounds"][0]["engines"]["r1-0"]["why_no_collective"]
        assert why == "its environment is not there yet"

    def test_an_environment_that_is_on_some_hosts_alone_is_an_error(self, plan, fresh):
        fresh["gpu2"]["environments"] = {ENV: None}
        prepared = prepare(plan, fresh)
        assert [(item["id"], item["from"]) for item in prepared["findings"]["r1-0"]] == [("environment-lacks", "gpu2")]
        why = prepared["rounds"][0]["engines"]["r1-0"]["why_no_collective"]
        assert why == "an environment lacks what it needs"


class TestNeeds:
    def test_the_python_that_really_starts_counts(self, plan, fresh):
        fresh["gpu2"]["pythons"] = {f"{ENV}/bin/python": "3.12.4"}
        found = prepare(plan, fresh)["findings"]["r1-0"]
        assert [(item["id"], item["from"], item["level"]) for item in found] == [("python-differs", "gpu2", "warning")]

    def test_rays_object_store_needs_shared_memory(self, plan, fresh):
        unit = plan["hosts"]["gpu2"]["units"][0]
        ray = {**unit, "kind": "ray", "name": "vllm-r1-0-ray.service"}
        ray["exec"] = [f"{ENV}/bin/ray", "start", "--object-store-memory", str(GIB)]
        plan["hosts"]["gpu2"]["units"] = [ray]
        plan["engines"][0]["executor"] = "ray"
        fresh["gpu2"]["shm"] = {"free_bytes": 3 * GIB - 1}
        (finding,) = prepare(plan, fresh)["findings"]["r1-0"]
        assert (finding["id"], finding["from"]) == ("shm-small", "gpu2")
        assert "needs 3072 MiB" in finding["what"]

    def test_an_engine_that_runs_has_its_share_of_shared_memory(self, plan):
        probes = running(plan)
        probes["gpu2"]["shm"] = {"free_bytes": 0}
        assert prepare(plan, probes)["findings"] == {"r1-0": []}

    def test_a_host_that_did_not_answer_is_not_judged_by_its_probe(self, plan, fresh):
        assert prepare(plan, {**fresh, "gpu2": None})["findings"] == {"r1-0": []}


class TestRounds:
    def twice(self, plan, hosts):
        """A second engine, on other hosts."""
        engine = copy.deepcopy(plan["engines"][0])
        engine["name"] = "r2-0"
        for item, host in zip(engine["members"], hosts):
            item["host"] = host
            plan["hosts"].setdefault(host, copy.deepcopy(plan["hosts"]["gpu2"]))
        plan["engines"].append(engine)
        return {host: probe(host) for host in ("gpu1", "gpu2", *hosts)}

    def test_engines_that_share_a_host_go_one_after_the_other(self, plan):
        probes = self.twice(plan, ("gpu2", "gpu3"))
        rounds = prepare(plan, probes)["rounds"]
        assert [list(item["engines"]) for item in rounds] == [["r1-0"], ["r2-0"]]
        assert rounds[1]["hosts"] == {"gpu2": "r2-0", "gpu3": "r2-0"}

    def test_engines_that_share_none_go_together(self, plan):
        probes = self.twice(plan, ("gpu3", "gpu4"))
        (only,) = prepare(plan, probes)["rounds"]
        assert only["hosts"] == {"gpu1": "r1-0", "gpu2": "r1-0", "gpu3": "r2-0", "gpu4": "r2-0"}
        assert (only["peers_async_s"], only["meet_s"]) == (0, 10)

    def test_with_fewer_forks_members_are_started_and_waited_for_longer(self, plan, fresh):
        (only,) = prepare(plan, fresh, forks=1)["rounds"]
        assert only["meet_s"] == 14
        assert only["peers_async_s"] > only["meet_s"]
        assert only["collective_async_s"] > 2 * only["meet_s"] + only["ranks_s"]


def test_a_range_whose_ports_are_all_held_leaves_the_other_ports(plan):
    probes = running(plan)
    listening(probes, "gpu1", *range(20000, 20064))
    (subject,) = subjects.subjects(plan)
    assert subject.parts[0].tried(probes["gpu1"]) == [29501, 29400]


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.plan.json")), ids=lambda path: path.name)
def test_every_example_can_be_prepared(path):
    """Each member of an engine of several hosts has ports, one that carries the check, and a Python."""
    plan = json.loads(path.read_text())
    several = [engine for engine in plan["engines"] if len(engine["members"]) > 1]
    prepared = prepare(plan, {host: probe(host) for host in plan["hosts"]})
    engines = [engine for item in prepared["rounds"] for engine in item["engines"].values()]
    assert len(engines) == len(several)
    for engine in engines:
        assert all(item["ports"] and item["address"] and item["interface"] for item in engine["members"])
        assert all(python[0].endswith("/bin/python") for python in engine["python"].values())
