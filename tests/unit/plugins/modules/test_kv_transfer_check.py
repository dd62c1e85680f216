# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module against real HTTP servers that answer and count as engines do."""

from __future__ import annotations

import json

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.vllm.cluster.plugins.modules import kv_transfer_check

from tests.unit.plugins.fake_pd import BY_HITS, BY_SOURCE, ENGINE_KEY, KEY, NOWHERE, fake_pd, post

__all__ = ["fake_pd"]

KEYS = {"api_keys": {"chat": KEY}, "engine_keys": {"chat": ENGINE_KEY}, "settle": 0.3}


@pytest.fixture
def run(capsys):
    def call(**options):
        with patch_module_args(options), pytest.raises(SystemExit):
            kv_transfer_check.main()
        return json.loads(capsys.readouterr().out)

    return call


def ids(result, level="error"):
    return [finding["id"] for finding in result["services"][0]["findings"] if finding["level"] == level]


def finding(result, name):
    return next(item for item in result["services"][0]["findings"] if item["id"] == name)


@pytest.mark.parametrize("release", [BY_SOURCE, BY_HITS])
def test_cache_that_moves_is_proved(run, fake_pd, release):
    pd = fake_pd(release)
    result = run(services=[pd.item()], **KEYS)
    assert not result.get("failed"), result["msg"]
    assert result["changed"] is False
    found = result["services"][0]
    assert (found["ok"], found["sent"], found["moved"], found["block_size"]) == (True, 4, 4, 16)
    assert found["answers"] == {"equal": 4, "near": 0, "different": 0}
    assert found["findings"] == []
    for prompt in found["prompts"]:
        assert 170 < prompt["tokens"] < 200
        assert prompt["computed_by_prefill"] == prompt["brought_to_decode"] == prompt["tokens"]
        assert (prompt["computed_by_decode"], prompt["alone"]) == (0, True)
    assert {engine["name"]: engine["transfers"] for engine in found["engines"]}["chat-decode-1"] == 2
    assert "4 of 4 prompts" in "\n".join(result["summary"])
    assert KEY not in json.dumps(result)
    assert ENGINE_KEY not in json.dumps(result)


def test_blocks_of_a_store_are_proved_with_their_remainder(run, fake_pd):
    pd = fake_pd()
    pd.share()
    result = run(services=[pd.item("ExampleConnector")], **KEYS)
    assert not result.get("failed"), result["msg"]
    for prompt in result["services"][0]["prompts"]:
        assert prompt["brought_to_decode"] == prompt["needed"] == (prompt["tokens"] - 1) // 16 * 16
    assert result["services"][0]["answers"]["equal"] == 4


@pytest.mark.parametrize("connector", ["NixlConnector", "LMCacheConnectorV1"])
def test_silent_recompute_names_the_decode_side_and_the_connector(run, fake_pd, connector):
    """Every answer is right, as behind a proxy that hands requests on unchanged, or with LMCache on the CPU."""
    pd = fake_pd()
    pd.door.mode = "plain"
    result = run(services=[pd.item(connector)], **KEYS)
    assert result["failed"]
    assert result["services"][0]["answers"]["equal"] == 4
    assert set(ids(result)) == {"kv-not-brought"}
    wrong = finding(result, "kv-not-brought")
    assert (wrong["side"], wrong["engine"]) == ("decode", "chat-decode-1")
    assert f"tokens came by {connector}, and" in wrong["what"]
    assert "service chat: its KV cache does not move" in result["msg"]
    assert "decode engine chat-decode-1" in result["msg"]


def test_one_of_two_decode_engines_that_gets_nothing_is_named(run, fake_pd):
    pd = fake_pd()
    pd.decode[0].lost = True
    result = run(services=[pd.item()], **KEYS)
    assert [(item["id"], item["engine"]) for item in result["services"][0]["findings"]] == [
        ("kv-not-brought", "chat-decode-0")
    ]


def test_prompts_that_no_prefill_engine_reads_name_the_prefill_side(run, fake_pd):
    pd = fake_pd()
    pd.door.mode = "alone"
    result = run(services=[pd.item()], **KEYS)
    assert ids(result) == ["kv-not-read"]
    assert finding(result, "kv-not-read")["side"] == "prefill"
    assert "chat-decode-0 did it all" in result["msg"] or "chat-decode-1, chat-decode-0 did it all" in result["msg"]


def test_cache_that_arrives_wrong_is_told_by_the_tokens(run, fake_pd):
    pd = fake_pd()
    pd.decode[1].wrong = True
    result = run(services=[pd.item()], **KEYS)
    assert ids(result) == ["kv-answers-differ"]
    assert finding(result, "kv-answers-differ")["engine"] == "chat-decode-1"


@pytest.mark.parametrize(("counter", "name"), [("failed", "kv-transfer-failed"), ("expired", "kv-expired")])
def test_failed_and_expired_transfers(run, fake_pd, counter, name):
    pd = fake_pd()
    pd.decode[0].lost = True

    def beside():
        pd.prefill[0].counts[counter] = pd.prefill[0].counts.get(counter, 0) + 1

    pd.door.beside = beside
    result = run(services=[pd.item()], **KEYS)
    assert name in ids(result)
    assert finding(result, name)["engine"] == "chat-prefill-0"
    assert "_total +" in finding(result, name)["what"]


def test_tokens_said_to_come_without_a_transfer_are_no_proof(run, fake_pd):
    pd = fake_pd()
    for engine in pd.engines:
        engine.add = lambda *counts, add=engine.add, engine=engine: (add(*counts), engine.counts.update(transfers=0))
    result = run(services=[pd.item()], **KEYS)
    assert "no transfer is counted" in finding(result, "kv-not-brought")["what"]


def test_a_release_that_counts_nothing_is_no_pass(run, fake_pd):
    result = run(services=[fake_pd(NOWHERE).item()], **KEYS)
    assert result["failed"]
    assert set(ids(result)) == {"kv-not-counted"}
    assert "use vLLM 0.11.1 or newer" in result["msg"]


def test_requests_of_others_prove_nothing_and_hide_nothing(run, fake_pd):
    """Others' prompts move well, and ours are computed again."""
    pd = fake_pd()
    pd.door.mode = "plain"
    pd.door.beside = lambda: [engine.add(5000, 0, 5000) for engine in pd.decode] and None
    result = run(services=[pd.item()], **KEYS)
    assert result["failed"]
    assert result["services"][0]["moved"] == 0
    assert ids(result) == ["kv-unclear"]
    assert result["services"][0]["sent"] == 12


def test_a_service_in_use_is_proved_all_the_same(run, fake_pd):
    pd = fake_pd()
    pd.door.beside = lambda: [engine.add(100, 0, 99) for engine in pd.decode] and None
    result = run(services=[pd.item()], **KEYS)
    assert not result.get("failed"), result["msg"]
    assert [prompt["alone"] for prompt in result["services"][0]["prompts"]] == [False] * 4


def test_an_engine_that_cannot_be_read_is_named(run, fake_pd):
    pd = fake_pd()
    pd.decode[1].faults["/metrics"] = 503
    result = run(services=[pd.item()], **KEYS)
    assert ids(result) == ["kv-metrics-unread"]
    assert f"decode engine chat-decode-1: its metrics cannot be read: {pd.decode[1].url}/metrics: 503" in result["msg"]


def test_no_prefill_engine_at_all(run, fake_pd):
    pd = fake_pd()
    for engine in pd.prefill:
        engine.shutdown()
        engine.server_close()
    result = run(services=[pd.item()], **KEYS)
    assert ids(result) == ["kv-metrics-unread", "kv-metrics-unread"]
    assert result["services"][0]["sent"] == 0
    assert "  FAILED: no prompt was sent" in result["summary"]


def test_engines_behind_the_door_that_nobody_named(run, fake_pd):
    """Nothing is concluded from what those do that did not answer."""
    pd, others = fake_pd(), fake_pd()
    pd.door.decode = others.decode
    result = run(services=[pd.item()], **KEYS)
    assert ids(result) == ["kv-not-counted"]
    assert "4 of 4 prompts had answers, and no decode engine counted them" in result["msg"]


def test_a_door_that_answers_nothing(run, fake_pd):
    pd = fake_pd()
    pd.door.faults["/v1/completions"] = 500
    result = run(services=[pd.item()], **KEYS)
    assert "2 of 2 prompts got no answer: 500: made to fail" in finding(result, "kv-no-answer")["what"]


def test_an_engine_that_starts_anew_meanwhile(run, fake_pd):
    pd = fake_pd()
    post(pd.decode[0], {"model": "tiny", "prompt": "x" * 15000, "max_tokens": 1})
    pd.door.beside = pd.decode[0].counts.clear
    result = run(services=[pd.item()], **KEYS)
    assert finding(result, "kv-engine-restarted")["engine"] == "chat-decode-0"


def test_answers_that_cannot_be_compared_are_a_warning(run, fake_pd):
    pd = fake_pd()
    pd.share()
    for engine in pd.prefill:
        engine.remembers = False  # then it reads its own store
    result = run(services=[pd.item("ExampleConnector")], **KEYS)
    assert not result.get("failed"), result["msg"]
    assert ids(result, "warning") == ["kv-not-compared"]
    assert "tokens from its connector" in finding(result, "kv-not-compared")["what"]


def test_prompts_keep_within_the_model_s_length(run, fake_pd):
    pd = fake_pd()
    for engine in pd.engines:
        engine.max_model_len = 80
    result = run(services=[pd.item()], **KEYS)
    assert not result.get("failed"), result["msg"]
    assert all(18 <= prompt["tokens"] <= 64 for prompt in result["services"][0]["prompts"])
    result = run(services=[pd.item("LMCacheMPConnector")], **KEYS)
    assert ids(result) == ["kv-prompt-short"]
    assert "256 tokens, which LMCacheMPConnector brings together" in result["msg"]


def test_failures_are_borne_when_told(run, fake_pd):
    pd = fake_pd()
    pd.door.mode = "plain"
    result = run(services=[pd.item()], fail_when_unproved=False, **KEYS)
    assert not result.get("failed")
    assert result["services"][0]["ok"] is False


def test_engines_are_asked_with_their_own_key(run, fake_pd):
    pd = fake_pd()
    run(services=[pd.item()], **KEYS)
    assert {authorization for path, authorization, _body in pd.door.seen} == {f"Bearer {KEY}"}
    mine = [seen for engine in pd.prefill for seen in engine.seen]
    assert {authorization for _path, authorization, _body in mine} == {f"Bearer {ENGINE_KEY}"}


def test_every_prompt_is_another_from_its_first_token_on(run, fake_pd):
    pd = fake_pd()
    run(services=[pd.item()], **KEYS)
    prompts = [body["prompt"] for _path, _key, body in pd.door.seen]
    assert len({prompt[:5] for prompt in prompts}) == len(prompts) == 4


ENGINES = [
    {"name": "p", "side": "prefill", "urls": ["http://127.0.0.1:1"]},
    {"name": "d", "side": "decode", "urls": ["http://127.0.0.1:2"]},
]
ITEM = {"name": "x", "url": "http://127.0.0.1:3", "model": "m", "connector": "NixlConnector", "engines": ENGINES}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "one of the following is required: services, plan"),
        ({"plan": {}}, "the action plugin of this module, which did not run"),
        ({"services": [{**ITEM, "url": "nonsense"}]}, "services[0].url: it must begin with http"),
        ({"services": [{**ITEM, "engines": ENGINES[:1]}]}, "services[0].engines: holds no decode engine"),
        ({"services": [{**ITEM, "engines": ENGINES + ENGINES[:1]}]}, "services[0].engines: 'p' is there twice"),
        ({"services": [{**ITEM, "engines": [{**ENGINES[0], "urls": []}]}]}, "engines[0].urls: names no address"),
        (
            {"services": [{**ITEM, "engines": [{**ENGINES[0], "urls": ["ftp://x"]}, ENGINES[1]]}]},
            "services[0].engines[0].urls: it must begin with http",
        ),
        ({"services": [{**ITEM, "version": "new"}]}, "services[0].version: 'new' is not a vLLM release number"),
        ({"services": [ITEM], "prompts": 0}, "prompts: 0: must be 1 or more"),
        ({"services": [{**ITEM, "ca_path": "/no/such"}]}, "ca_path cannot be used"),
    ],
)
def test_wrong_options(run, options, words):
    result = run(**options)
    assert result["failed"]
    assert words in result["msg"]


def test_no_service_is_no_failure(run):
    assert run(services=[])["services"] == []
