# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What counts as a good answer of a vLLM server."""

from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.clients import vllm


@pytest.fixture
def server(fake_vllm):
    return vllm.Server(fake_vllm.url, timeout=2, token_timeout=2)


@pytest.fixture
def keyed(fake_vllm):
    fake_vllm.key = "sk-right"
    return vllm.Server(fake_vllm.url, api_key="sk-right", timeout=2, token_timeout=2)


def test_all_is_well(server):
    assert vllm.health(server).ok
    assert vllm.model_listed(server, "tiny")[1] == "tiny"
    answer = vllm.completion(server, "tiny", "Hello", 2)
    assert (answer.check.ok, answer.check.detail, answer.text) == (True, "2 tokens", " fox fox")
    assert vllm.chat(server, "tiny", "Hello", 1).text == "hi"
    assert vllm.stream(server, "tiny", "Hello", 2).ok


def test_a_dead_engine(fake_vllm, server):
    fake_vllm.faults["/health"] = "503"
    check = vllm.health(server)
    assert check.ok is False
    assert "engine is dead" in check.detail


def test_the_first_model_is_taken_without_a_name(fake_vllm, server):
    fake_vllm.model = "other"
    assert vllm.model_listed(server, None)[1] == "other"


def test_a_model_that_is_not_served(server):
    check, name = vllm.model_listed(server, "big")
    assert (check.ok, name) == (False, None)
    assert "serves tiny, not big" in check.detail


def test_a_list_without_models(fake_vllm, server):
    fake_vllm.faults["/v1/models"] = "empty"
    assert vllm.model_listed(server, None)[0].ok is False


@pytest.mark.parametrize(
    ("fault", "detail"),
    [
        ("no token", "no token is counted"),
        ("error in 200", "holds no choice: Unauthorized"),
        ("500", "500: made to say 500"),
        ("hang", "no token: it took the connection"),
    ],
)
@pytest.mark.parametrize(("path", "ask"), [("/v1/completions", vllm.completion), ("/v1/chat/completions", vllm.chat)])
def test_200_alone_is_not_enough(fake_vllm, path, ask, fault, detail):
    fake_vllm.faults[path] = fault
    server = vllm.Server(fake_vllm.url, timeout=10, token_timeout=1 if fault == "hang" else 10)
    answer = ask(server, "tiny", "Hello", 2)
    assert answer.check.ok is False
    assert detail in answer.check.detail
    assert answer.text is None


def test_a_reasoning_model_that_is_still_thinking(fake_vllm, server):
    fake_vllm.faults["/v1/chat/completions"] = "reasoning"
    assert vllm.chat(server, "tiny", "Hello", 1).text == "so"


def test_a_cut_stream(fake_vllm, server):
    fake_vllm.faults["/v1/completions"] = "cut"
    check = vllm.stream(server, "tiny", "Hello", 2)
    assert check.ok is False
    assert "ended after 2 events without [DONE]" in check.detail


def test_the_request_is_greedy_and_short(fake_vllm, server):
    vllm.completion(server, "tiny", "Hello", 1)
    body = fake_vllm.seen[-1][3]
    assert (body["temperature"], body["max_tokens"], body["prompt"]) == (0, 1, "Hello")


def test_the_key_is_sent(fake_vllm, keyed):
    assert vllm.completion(keyed, "tiny", "Hello", 1).check.ok
    assert fake_vllm.seen[-1][2] == "Bearer sk-right"


def test_without_a_key_a_keyed_server_is_told_apart(fake_vllm, server):
    fake_vllm.key = "sk-right"
    assert vllm.model_listed(server, None)[0].detail == "401: it wants an API key and none was given"


def test_a_wrong_key_is_told_apart(fake_vllm):
    fake_vllm.key = "sk-right"
    server = vllm.Server(fake_vllm.url, api_key="sk-wrong")
    assert vllm.completion(server, "tiny", "Hello", 1).check.detail == "401: the API key is refused"


def test_wrong_keys_are_refused(fake_vllm, keyed):
    check = vllm.wrong_key(keyed)
    assert check.ok
    sent = [authorization for _method, _path, authorization, _body in fake_vllm.seen]
    assert len(sent) == 2
    assert sent[0].startswith("Bearer wrong-")
    assert sent[1] is None


def test_a_server_that_takes_any_key_fails(fake_vllm):
    server = vllm.Server(fake_vllm.url, api_key="sk-right")
    check = vllm.wrong_key(server)
    assert check.ok is False
    assert "a wrong key gets 200" in check.detail


def test_without_a_key_there_is_nothing_to_refuse(server):
    check = vllm.wrong_key(server)
    assert check.ok is None
    assert "no key is configured" in check.detail
