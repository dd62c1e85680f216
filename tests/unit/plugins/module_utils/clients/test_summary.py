# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines about a service for a person."""

from __future__ import annotations

import json
import shlex

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.clients import summary


def words(**changes):
    checks = {
        "models": {"ok": True, "detail": "serves it's", "seconds": 0.004},
        "chat": {"ok": False, "detail": "400: no template", "seconds": 0.1},
        "wrong_key": {"ok": None, "detail": "no key is configured", "seconds": None},
    }
    service = {"name": "chat", "url": "http://10.77.0.11:8000", "model": "it's", "ok": False, "keyed": True}
    return {**service, "checks": checks, "completion_text": " fox", "chat_text": None, **changes}


def test_a_failure_names_the_service_and_what_failed():
    assert summary.failure(words()) == "service chat at http://10.77.0.11:8000: chat: 400: no template"


def test_the_lines():
    lines = summary.summary(words(), "Hello")
    assert lines[:5] == [
        "Service chat: http://10.77.0.11:8000/v1, model it's",
        "  models     ok: serves it's (0.00 s)",
        "  chat       FAILED: 400: no template (0.10 s)",
        "  wrong_key  not done: no key is configured",
        '  completion: "Hello" -> " fox"',
    ]


def test_the_command_is_one_that_a_shell_takes():
    command = shlex.split(summary.summary(words(), "Hello")[-1])
    assert command[:2] == ["curl", "http://10.77.0.11:8000/v1/chat/completions"]
    assert "Authorization: Bearer $VLLM_API_KEY" in command
    assert json.loads(command[-1])["model"] == "it's"


def test_the_command_for_a_service_without_a_key_sends_none():
    assert "Authorization" not in summary.summary(words(keyed=False), "Hello")[-1]


@pytest.mark.parametrize(("text", "quoted"), [("a\nb\x07", '"a\\nb\\u0007"'), ("ä" * 200, '"' + "ä" * 159 + '…"')])
def test_texts_stay_on_one_line(text, quoted):
    assert summary.quote(text) == quoted
