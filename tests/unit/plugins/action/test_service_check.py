# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checking the services of a plan, by the real ansible-playbook."""

from __future__ import annotations

import pytest

KEY = "sk-right-1234567890"
SERVICES = [{"name": "chat", "model": "/srv/models/chat", "api_key": KEY}]


@pytest.fixture
def plan(fake_vllm):
    fake_vllm.key = KEY
    own = {"host": "host1", "unit": "vllm-chat-0.service", "url": fake_vllm.url}
    other = {"host": "host2", "unit": "vllm-other-0.service", "url": "http://127.0.0.1:1"}
    return {
        "services": [
            {"name": "chat", "served_model_name": "tiny", "endpoints": [other, own], "api_key": "chat.api_key"},
            {"name": "other", "served_model_name": "tiny", "endpoints": [other], "api_key": None},
        ]
    }


def test_the_services_of_this_host_are_checked_and_shown_and_no_key_is(play, fake_vllm, plan):
    rc, output, result = play("service_check", {"plan": plan, "show_summary": True}, SERVICES, ["-vvvv"])
    assert rc == 0
    assert [(item["name"], item["ok"]) for item in result["services"]] == [("chat", True)]
    assert f"\nService chat: {fake_vllm.url}/v1, model tiny\n" in output
    assert f"\n  curl {fake_vllm.url}/v1/chat/completions -H 'Content-Type: application/json'" in output
    assert KEY not in output


def test_a_front_door_is_asked_with_a_client_s_key(play, fake_vllm, plan):
    fake_vllm.key = "sk-client-987654321"
    chat = plan["services"][0]
    chat["endpoints"] = [{**chat["endpoints"][1], "unit": "vllm-chat-door.service"}]
    chat["api_key"] = "chat.router.api_keys.apps"
    services = [{**SERVICES[0], "router": {"api_keys": {"apps": fake_vllm.key}}}]
    rc, output, result = play("service_check", {"plan": plan, "show_summary": True}, services, ["-vvvv"])
    assert (rc, [(item["name"], item["ok"]) for item in result["services"]]) == (0, [("chat", True)])
    assert fake_vllm.key not in output
    chat["api_key"] = "chat.api_key"
    assert play("service_check", {"plan": plan}, services)[0] != 0


def test_two_endpoints_on_one_host_are_two_checks(play, plan):
    own = plan["services"][0]["endpoints"][1]
    plan["services"][0]["endpoints"].append({**own, "unit": "vllm-chat-2.service"})
    result = play("service_check", {"plan": plan}, SERVICES)[2]
    assert [(item["name"], item["ok"]) for item in result["services"]] == [
        ("chat (vllm-chat-0.service)", True),
        ("chat (vllm-chat-2.service)", True),
    ]


def test_a_failed_check_fails_with_its_service(play, fake_vllm, plan):
    fake_vllm.faults["/v1/chat/completions"] = "400"
    rc, output, result = play("service_check", {"plan": plan}, SERVICES)
    assert rc != 0
    assert f"service chat at {fake_vllm.url}: chat: 400: made to say 400" in result["msg"]
    assert "\nService chat:" not in output


def test_a_host_without_a_front_door_asks_nothing(play, fake_vllm, plan):
    del plan["services"][0]
    result = play("service_check", {"plan": plan}, SERVICES)[2]
    assert (result["services"], result["summary"]) == ([], [])
    assert result["msg"] == "no service has a front door on this host"
    assert fake_vllm.seen == []


def test_services_of_one_s_own_need_no_plan(play, fake_vllm):
    services = [{"name": "mine", "url": fake_vllm.url}]
    result = play("service_check", {"services": services, "checks": ["models"]})[2]
    assert result["services"][0]["ok"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"plan": {}}, "plan must be the whole plan"),
        ({"plan": {"services": []}, "services": []}, "mutually exclusive: services|plan"),
        ({}, "one of the following is required: services, plan"),
    ],
)
def test_wrong_arguments(play, arguments, words):
    assert words in play("service_check", arguments)[2]["msg"]


def test_a_reference_that_leads_nowhere_is_told(play, plan):
    result = play("service_check", {"plan": plan}, [{"name": "chat", "model": "x"}])[2]
    assert "vllm_services[0].api_key: the plan needs this secret and it is empty" in result["msg"]
