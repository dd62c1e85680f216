# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs, joined with what is wanted."""

from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.status.join import join

from .reports import door, group, guard, report, service, share, unit

DEAD = {"changed": False, "reached": False, "msg": "ssh: connect to host b\nport 22: No route to host"}


def problems(found):
    return [(item["where"], item["what"]) for item in found["problems"]]


def test_a_service_that_serves():
    found = join([service()], {"a": report(share())})
    assert (found["ok"], found["problems"], found["notes"]) == (True, [], [])
    (chat,) = found["services"]
    assert (chat["ok"], chat["serving"], chat["engines"], chat["urls"]) == (True, 1, 1, ["http://192.0.2.1:8000"])
    assert chat["token_seconds"] == [0.05, 0.05]
    (engine,) = found["engines"]
    assert engine["rungs"] == dict.fromkeys(("unit", "http", "model", "token"), True)
    assert (engine["uptime"], engine["version"], engine["guard"]) == (600.0, "0.32.0", None)


@pytest.mark.parametrize("rung", ["unit", "http", "model", "token"])
def test_a_rung_that_fails_is_told_with_host_and_cause(rung):
    cause = {"summary": "no memory", "evidence": "OOM", "fix": "buy some"}
    where = {"phase": "loading weights", "detail": "1/2"}
    found = join([service()], {"a": report(share(failed=rung, reason=cause, progress=where))})
    assert not found["ok"]
    at = "" if rung == "unit" else "It is at: loading weights 1/2. "
    told = f"on a: {rung}: {rung} is bad. {at}Its last start failed: no memory. Fix: buy some"
    assert problems(found) == [("chat-0", told)]
    assert found["engines"][0]["rungs"][rung] is False
    assert not found["services"][0]["ok"]


def test_a_host_that_is_silent_fails_the_whole_and_hides_no_other():
    found = join([service(hosts=["a", "b"])], {"a": report(share()), "b": DEAD})
    assert problems(found) == [("b", "is not reached: ssh: connect to host b port 22: No route to host")]
    assert (found["services"][0]["ok"], found["services"][0]["silent_hosts"]) == (True, ["b"])
    assert [(host["name"], host["reached"]) for host in found["hosts"]] == [("a", True), ("b", False)]


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (None, "was not asked"),
        ({"failed": True, "reached": True, "msg": "no systemctl"}, "could not be looked at: no systemctl"),
        ({"failed": True, "msg": "Timed out"}, "is not reached: Timed out"),
    ],
)
def test_a_host_that_tells_nothing(told, words):
    found = join([service(hosts=["b"])], {"b": told})
    assert words in problems(found)[0][1]
    assert ("chat", "no host that answers has an engine of it: run site.yml") in problems(found)


def test_replicas_that_are_not_there():
    found = join([service(replicas=3)], {"a": report(share("chat-0"), share("chat-1"), doors=[door()])})
    assert problems(found) == [("chat", "2 of 3 engines are there, on hosts that answer")]
    assert (found["services"][0]["serving"], found["services"][0]["engines"]) == (2, 3)


def test_an_engine_of_two_hosts_is_one():
    found = join([service("r1", ["a", "b"])], group())
    assert found["ok"]
    (engine,) = found["engines"]
    assert [(member["host"], member["role"]) for member in engine["members"]] == [("a", "head"), ("b", "worker")]
    assert engine["guard"]["restarts"] == 1
    assert engine["guard"]["last_action"]["host"] == "a"


def test_a_worker_that_fails_fails_its_engine():
    found = join([service("r1", ["a", "b"])], group(failed="token"))
    assert problems(found) == [("r1-0", "on b: token: token is bad")]
    assert not found["engines"][0]["ok"]
    assert found["engines"][0]["rungs"]["token"] is False


def test_an_engine_whose_head_is_silent_does_not_serve():
    found = join([service("r1", ["a", "b"])], {**group(), "a": DEAD})
    assert ("r1-0", "its head is not among the hosts that answer") in problems(found)
    assert not found["services"][0]["ok"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"running": False}, "its guard on a does not run"),
        ({"silent": 60.0}, "its guard on a says nothing any more: journalctl -u vllm-r1-0-guard.service"),
        ({"suspect": True}, "something is owed"),
    ],
)
def test_a_guard_in_trouble_is_a_note(changes, words):
    reports = group()
    reports["a"]["guards"] = [guard(**changes)]
    found = join([service("r1", ["a", "b"])], reports)
    assert found["ok"]
    assert words in found["notes"][0]["what"]


def test_other_notes():
    units = [unit("vllm-x-0.service", None), unit("vllm-chat-0-ray.service", "ray")]
    found = join([service()], {"a": report(share(), share("old-0", "old"), units=units, gpu_error="it hangs")})
    assert found["ok"]
    told = " ".join(item["what"] for item in found["notes"])
    assert "vllm-x-0.service is of an earlier release" in told
    assert "no service of the inventory wants it" in told
    assert "GPUs: it hangs" in told


def test_members_of_different_releases_are_told():
    reports = group(version="0.31.0")
    assert "0.31.0, 0.32.0" in join([service("r1", ["a", "b"])], reports)["notes"][0]["what"]


def test_another_unit_that_is_down_is_a_problem():
    found = join([service()], {"a": report(share(), units=[unit("vllm-chat-0-ray.service", "ray", "failed")])})
    assert problems(found) == [("a", "vllm-chat-0-ray.service is failed (dead)")]


def test_ten_engines_stand_in_their_order():
    shares = [share(f"chat-{index}") for index in (10, 2, 1)]
    assert [engine["name"] for engine in join([service()], {"a": report(*shares)})["engines"]] == [
        "chat-1",
        "chat-2",
        "chat-10",
    ]


def test_the_front_door_is_what_clients_call():
    found = join([service(hosts=["a", "b"])], {"a": report(share()), "b": report(doors=[door()])})
    assert found["ok"]
    assert found["services"][0]["urls"] == ["http://192.0.2.9:8000"]


@pytest.mark.parametrize(
    ("wanted", "engines", "lacks"), [(None, 2, True), (True, 1, True), (None, 1, False), (False, 2, False)]
)
def test_a_front_door_that_is_not_there_is_told(wanted, engines, lacks):
    found = join([service(door=wanted)], {"a": report(*(share(f"chat-{number}") for number in range(engines)))})
    told = [("chat", "no host that answers has its front door: run site.yml")]
    assert problems(found) == (told if lacks else [])
    assert found["services"][0]["ok"] is not lacks


def test_a_service_whose_front_door_fails_does_not_serve():
    found = join([service(hosts=["a", "b"])], {"a": report(share()), "b": report(doors=[door(failed="http")])})
    assert problems(found) == [("chat", "its front door on b: http: http is bad")]
    assert not found["services"][0]["ok"]


@pytest.mark.parametrize("kind", ["router", "kv_server", "follow"])
def test_a_unit_beside_the_engines_that_ended_is_told(kind):
    ended = unit("vllm-chat-x.service", kind, "failed")
    found = join([service()], {"a": report(share(), units=[ended])})
    assert problems(found) == [("a", "vllm-chat-x.service is failed (dead)")]
