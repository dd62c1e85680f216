# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service through its front door."""

from __future__ import annotations

import time

from ansible_collections.vllm.cluster.plugins.module_utils.clients import service, vllm


def check(fake_vllm, key=None, wanted=service.CHECKS, model="tiny", token_timeout=2.0):
    server = vllm.Server(fake_vllm.url, key, 2, token_timeout)
    request = service.Request(model, "Hello", 3)
    return service.service_words("chat", server, request, service.check_service(server, request, list(wanted)))


def test_all_checks_of_a_keyed_service(fake_vllm):
    fake_vllm.key = "sk-right"
    words = check(fake_vllm, "sk-right")
    assert words["ok"]
    assert list(words["checks"]) == list(service.CHECKS)
    assert all(item["ok"] for item in words["checks"].values())
    assert words["completion_text"] == " fox fox fox"
    assert words["chat_text"] == "hi"


def test_without_a_key_the_key_check_is_not_done(fake_vllm):
    words = check(fake_vllm)
    assert words["ok"]
    assert words["checks"]["wrong_key"]["ok"] is None


def test_only_wanted_checks_are_done(fake_vllm):
    words = check(fake_vllm, wanted=["models"])
    assert list(words["checks"]) == ["models"]
    assert {path for _method, path, _key, _body in fake_vllm.seen} == {"/v1/models"}
    assert words["completion_text"] is None


def test_one_failed_check_fails_the_service(fake_vllm):
    fake_vllm.faults["/v1/chat/completions"] = "400"
    words = check(fake_vllm)
    assert not words["ok"]
    assert [name for name, item in words["checks"].items() if item["ok"] is False] == ["chat"]
    assert words["checks"]["chat"]["detail"] == "400: made to say 400"


def test_a_service_that_makes_no_tokens_costs_one_time_out(fake_vllm):
    fake_vllm.faults.update({"/v1/completions": "hang", "/v1/chat/completions": "hang"})
    began = time.monotonic()
    words = check(fake_vllm, token_timeout=1.5)
    assert time.monotonic() - began < 4  # three of them: 4.5
    assert [name for name, item in words["checks"].items() if item["ok"] is False] == ["completion", "chat", "stream"]


def test_without_a_model_name_and_a_list_nothing_is_generated(fake_vllm):
    fake_vllm.faults["/v1/models"] = "500"
    words = check(fake_vllm, model=None)
    assert words["checks"]["completion"]["ok"] is None
    assert not words["ok"]
