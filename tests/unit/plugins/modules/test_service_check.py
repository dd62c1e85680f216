# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module against a real HTTP server."""

from __future__ import annotations

import json

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.vllm.cluster.plugins.modules import service_check

KEY = "sk-right-1234567890"


@pytest.fixture
def run(capsys):
    def call(**options):
        with patch_module_args(options), pytest.raises(SystemExit):
            service_check.main()
        return json.loads(capsys.readouterr().out)

    return call


def item(fake_vllm, **changes):
    return {"name": "chat", "url": fake_vllm.url, "model": "tiny", **changes}


def test_a_service_that_works(run, fake_vllm):
    fake_vllm.key = KEY
    result = run(services=[item(fake_vllm)], api_keys={"chat": KEY})
    assert not result.get("failed")
    assert result["changed"] is False
    found = result["services"][0]
    assert found["ok"]
    assert found["completion_text"] == " fox" * 16
    assert result["summary"][0] == f"Service chat: {fake_vllm.url}/v1, model tiny"
    assert KEY not in json.dumps(result)


def test_each_failed_check_is_in_the_message(run, fake_vllm):
    fake_vllm.faults.update({"/v1/chat/completions": "400", "/health": "503"})
    result = run(services=[item(fake_vllm)], checks=["health", "models", "chat"])
    assert result["failed"]
    assert result["msg"].startswith(f"service chat at {fake_vllm.url}: health: 503 from /health")
    assert "chat: 400: made to say 400" in result["msg"]
    assert "models" not in result["msg"]


def test_failures_are_borne_when_told(run, fake_vllm):
    fake_vllm.faults["/health"] = "503"
    result = run(services=[item(fake_vllm)], fail_when_unhealthy=False)
    assert not result.get("failed")
    assert result["services"][0]["ok"] is False


def test_a_service_that_takes_any_key_fails(run, fake_vllm):
    result = run(services=[item(fake_vllm)], api_keys={"chat": KEY}, checks=["wrong_key"])
    assert "wrong_key: a wrong key gets 200 where 401 is due" in result["msg"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "one of the following is required: services, plan"),
        ({"plan": {}}, "the action plugin of this module, which did not run"),
        ({"services": [{"name": "x", "url": "nonsense"}]}, "service x: url: it must begin with http"),
        ({"services": [], "checks": ["magic"]}, "value of checks must be one or more of"),
    ],
)
def test_wrong_options(run, options, words):
    result = run(**options)
    assert result["failed"]
    assert words in result["msg"]


def test_no_service_is_no_failure(run):
    assert run(services=[])["services"] == []
