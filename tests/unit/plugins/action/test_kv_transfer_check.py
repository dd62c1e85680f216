# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proving the services of a plan, by the real ansible-playbook."""

from __future__ import annotations

import pytest

from tests.unit.plugins.fake_pd import ENGINE_KEY, KEY, fake_pd

__all__ = ["fake_pd"]

SERVICES = [
    {
        "name": "chat",
        "model": "/srv/models/chat",
        "api_key": ENGINE_KEY,
        "router": {"api_keys": {"apps": KEY}},
        "prefill": {"hosts": "host1"},
        "decode": {"hosts": "host1"},
    }
]


@pytest.fixture
def pd(fake_pd):
    return fake_pd()


@pytest.fixture
def plan(pd):
    """A service with a front door on host1, and replicas that keep cache for themselves."""
    engines = pd.item()["engines"]
    replicas = {"name": "other", "kv_transfer": {"connector": "OffloadingConnector", "parts": [], "prefill": 0}}
    return {
        "services": [
            {
                "name": "chat",
                "served_model_name": "tiny",
                "version": "0.32.0",
                "engines": [engine["name"] for engine in engines],
                "endpoints": [{"host": "host1", "unit": "vllm-chat-door.service", "url": pd.door.url}],
                "api_key": "chat.router.api_keys.apps",
                "router": {"host": "host1"},
                "kv_transfer": {"connector": "NixlConnector", "parts": [], "prefill": 2, "decode": 2},
            },
            {**replicas, "served_model_name": "tiny", "engines": [], "endpoints": [], "api_key": None, "router": None},
            {"name": "plain", "kv_transfer": None},
        ],
        "engines": [{"name": engine["name"], "members": [{"host": "host1"}]} for engine in engines],
        "hosts": {
            "host1": {
                "routers": [
                    {
                        "service": "chat",
                        "engine_key": "chat.api_key",
                        "workers": [
                            {"engine": engine["name"], "kind": engine["side"], "url": url}
                            for engine in engines
                            for url in engine["urls"]
                        ],
                    }
                ]
            }
        },
    }


def test_the_services_of_this_host_are_proved_and_shown_and_no_key_is(play, plan):
    arguments = {"plan": plan, "show_summary": True}
    rc, output, result = play("kv_transfer_check", arguments, SERVICES, ["-vvvv"])
    assert rc == 0
    assert [(item["name"], item["ok"], item["moved"]) for item in result["services"]] == [("chat", True, 4)]
    assert "\nKV transfer of service chat: NixlConnector, 2 prefill and 2 decode engines (" in output
    assert "\n  ok: 4 of 4 prompts of " in output
    assert KEY not in output
    assert ENGINE_KEY not in output


def test_check_mode_asks_too(play, pd, plan):
    rc, _output, result = play("kv_transfer_check", {"plan": plan}, SERVICES, ["--check"])
    assert (rc, result["services"][0]["moved"], result["changed"]) == (0, 4, False)
    assert len(pd.door.seen) == 4


def test_a_service_that_is_not_proved_fails_and_tells_why(play, pd, plan):
    pd.door.mode = "plain"
    rc, output, result = play("kv_transfer_check", {"plan": plan, "settle": 0.3, "show_summary": True}, SERVICES)
    assert rc != 0
    assert "service chat: its KV cache does not move as it should: decode engine chat-decode-1: " in result["msg"]
    assert "\n  FAILED: 0 of 4 prompts" in output
    assert "Fix: let the front door speak nixl (router.connector)" in output


def test_a_host_without_a_front_door_asks_nothing(play, pd, plan):
    plan["hosts"] = {"host1": {"routers": []}}
    result = play("kv_transfer_check", {"plan": plan}, SERVICES)[2]
    assert (result["services"], result["summary"]) == ([], [])
    assert result["msg"] == "no service with prefill and decode engines has its front door on this host"
    assert pd.door.seen == []


def test_a_service_without_a_front_door_is_no_silent_pass(play, plan):
    plan["hosts"] = {"host1": {"routers": []}}
    plan["services"][0]["router"] = None
    rc, output, result = play("kv_transfer_check", {"plan": plan}, SERVICES)
    assert rc == 0
    assert [(item["name"], item["ok"]) for item in result["services"]] == [("chat", None)]
    assert "[WARNING]: service chat: it has no front door of this collection" in " ".join(output.split())
    assert result["summary"][0].startswith("KV transfer of service chat: NixlConnector: not done: it has no front door")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"plan": {}}, "plan must be the whole plan"),
        ({"plan": {"services": []}, "services": []}, "mutually exclusive: services|plan"),
        ({}, "one of the following is required: services, plan"),
    ],
)
def test_wrong_arguments(play, arguments, words):
    assert words in play("kv_transfer_check", arguments)[2]["msg"]


def test_a_reference_that_leads_nowhere_is_told(play, plan):
    result = play("kv_transfer_check", {"plan": plan}, [{"name": "chat", "model": "x"}])[2]
    assert "the plan needs this secret and it is empty" in result["msg"]
