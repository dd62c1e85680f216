# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of service_check as lines for a person."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any

_TEXT_WIDTH = 160


def failure(service: Mapping[str, Any]) -> str:
    """One line about a service (an item of service_check's ``services``) of which a check failed."""
    checks = service["checks"]
    wrong = [f"{name}: {check['detail']}" for name, check in checks.items() if check["ok"] is False]
    return f"service {service['name']} at {service['url']}: {'; '.join(wrong) or 'no check could be done'}"


def summary(service: Mapping[str, Any], prompt: str) -> list[str]:
    """Where a service is, how it did, what it answered to ``prompt`` and a command to try it. Holds no key."""
    lines = [f"Service {service['name']}: {service['url']}/v1, model {service['model'] or 'as listed'}"]
    lines += [f"  {name:<10} {_mark(check)}" for name, check in service["checks"].items()]
    for kind, text in (("completion", service["completion_text"]), ("chat", service["chat_text"])):
        if text is not None:
            lines.append(f"  {kind}: {quote(prompt)} -> {quote(text)}")
    return [*lines, "  Try it:", f"  {curl(service['url'], service['model'], service['keyed'])}"]


def curl(url: str, model: str | None, keyed: bool) -> str:
    """A chat request for a shell; the key is read from the variable VLLM_API_KEY of that shell."""
    body = json.dumps(
        {"model": model or "MODEL", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 32},
        ensure_ascii=False,
    )
    words = ["curl", shlex.quote(url.rstrip("/") + "/v1/chat/completions"), "-H 'Content-Type: application/json'"]
    words += ['-H "Authorization: Bearer $VLLM_API_KEY"'] if keyed else []
    return " ".join([*words, "-d", shlex.quote(body)])


def quote(text: str) -> str:
    """A text on one line, in quotes, cut; control characters are written out."""
    cut = text if len(text) <= _TEXT_WIDTH else text[: _TEXT_WIDTH - 1] + "…"
    return json.dumps(cut, ensure_ascii=False)


def _mark(check: Mapping[str, Any]) -> str:
    word = {True: "ok", False: "FAILED", None: "not done"}[check["ok"]]
    seconds = "" if check["seconds"] is None else f" ({check['seconds']:.2f} s)"
    return f"{word}: {check['detail']}{seconds}"
