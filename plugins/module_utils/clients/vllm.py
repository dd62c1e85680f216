# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a vLLM server is asked, and what counts as a good answer.

A status of 200 is never enough by itself: releases answer 200 on /health and /v1/models while the engine behind them
no longer makes tokens.
"""

from __future__ import annotations

import secrets
import ssl
from typing import Any, NamedTuple

from .transport import NoAnswer, Response, exchange, join


class Check(NamedTuple):
    """One question and its answer. ``ok`` is None when it was not asked; ``seconds``: how long it took."""

    ok: bool | None
    detail: str
    seconds: float | None = None

    def as_dict(self) -> dict[str, Any]:
        seconds = None if self.seconds is None else round(self.seconds, 3)
        return {"ok": self.ok, "detail": self.detail, "seconds": seconds}


class Answer(NamedTuple):
    """A check that made text. ``text`` is None when there was none."""

    check: Check
    text: str | None = None


class Server(NamedTuple):
    """One vLLM address. ``timeout``: seconds for a request that makes no token; ``token_timeout``: for the others."""

    url: str
    api_key: str | None = None
    timeout: float = 5.0
    token_timeout: float = 60.0
    tls: ssl.SSLContext | None = None

    def get(self, path: str, api_key: str | None = None) -> Response:
        return exchange("GET", join(self.url, path), self.timeout, self._headers(api_key), tls=self.tls)

    def post(self, path: str, payload: dict[str, Any], **kwargs: Any) -> Response:
        url = join(self.url, path)
        return exchange("POST", url, self.token_timeout, self._headers(None), payload, tls=self.tls, **kwargs)

    def _headers(self, api_key: str | None) -> dict[str, str]:
        key = api_key if api_key is not None else self.api_key
        return {"Authorization": "Bearer " + key} if key else {}


def health(server: Server) -> Check:
    """GET /health: the process answers. 503 (500 before 0.11.0) means that the API server knows its engine is dead."""
    try:
        response = server.get("/health")
    except NoAnswer as error:
        return Check(False, str(error), error.seconds)
    if response.status == 200:
        return Check(True, "200", response.seconds)
    known = ": the API server says that its engine is dead" if response.status in (500, 503) else ""
    return Check(False, f"{response.status} from /health{known}", response.seconds)


def models(server: Server) -> tuple[Check, list[str]]:
    """GET /v1/models: the check (an answer with at least one model) and the names that the server serves."""
    try:
        response = server.get("/v1/models")
    except NoAnswer as error:
        return Check(False, str(error), error.seconds), []
    if response.status != 200:
        return Check(False, _refusal(server, response), response.seconds), []
    document = response.json()
    data = document.get("data") if isinstance(document, dict) else None
    names = [str(item["id"]) for item in data or [] if isinstance(item, dict) and "id" in item]
    if not names:
        return Check(False, "200, but it lists no model", response.seconds), []
    return Check(True, "serves " + ", ".join(names), response.seconds), names


def max_model_len(server: Server) -> int | None:
    """How many tokens a prompt and its answer may have, as /v1/models tells it; None where it does not."""
    try:
        document = server.get("/v1/models").json()
    except NoAnswer:
        return None
    data = document.get("data") if isinstance(document, dict) else None
    told = [item.get("max_model_len") for item in data or [] if isinstance(item, dict)]
    return next((length for length in told if isinstance(length, int)), None)


def model_listed(server: Server, name: str | None) -> tuple[Check, str | None]:
    """Is ``name`` (any model when None) served? Returns the check and the name to ask with."""
    check, names = models(server)
    if not check.ok:
        return check, None
    if name is not None and name not in names:
        return Check(False, f"it serves {', '.join(names)}, not {name}", check.seconds), None
    return check, name or names[0]


def completion(server: Server, model: str, prompt: str, max_tokens: int) -> Answer:
    """POST /v1/completions at temperature 0. Good when tokens are counted and there is a choice."""
    payload = {"model": model, "prompt": prompt, "max_tokens": max_tokens, "temperature": 0}
    return _generate(server, "/v1/completions", payload, _completion_text)


def chat(server: Server, model: str, prompt: str, max_tokens: int) -> Answer:
    """POST /v1/chat/completions at temperature 0; the same rule as for completion."""
    messages = [{"role": "user", "content": prompt}]
    payload = {"model": model, "messages": messages, "max_tokens": max_tokens, "temperature": 0}
    return _generate(server, "/v1/chat/completions", payload, _chat_text)


def stream(server: Server, model: str, prompt: str, max_tokens: int) -> Check:
    """A streamed completion: it must arrive as events and close with [DONE]; a cut stream is a failure."""
    events: list[bytes] = []

    def on_line(line: bytes) -> None:
        if line.startswith(b"data:"):
            events.append(line[5:].strip())

    payload = {"model": model, "prompt": prompt, "max_tokens": max_tokens, "temperature": 0, "stream": True}
    try:
        response = server.post("/v1/completions", payload, on_line=on_line)
    except NoAnswer as error:
        return Check(False, f"after {len(events)} events: {error}", error.seconds)
    if response.status != 200:
        return Check(False, _refusal(server, response), response.seconds)
    if not events or events[-1] != b"[DONE]":
        return Check(False, f"the stream ended after {len(events)} events without [DONE]", response.seconds)
    if len(events) < 2:
        return Check(False, "the stream held no token", response.seconds)
    return Check(True, f"{len(events) - 1} events, then [DONE]", response.seconds)


def wrong_key(server: Server) -> Check:
    """Does the address refuse a wrong key and no key? Asked on /v1/models, which costs no token."""
    if not server.api_key:
        return Check(None, "no key is configured: whoever reaches this address may use it")
    try:
        wrong = server.get("/v1/models", api_key="wrong-" + secrets.token_hex(8))
        none = server.get("/v1/models", api_key="")
    except NoAnswer as error:
        return Check(False, str(error), error.seconds)
    seconds = wrong.seconds + none.seconds
    for response, said in ((wrong, "a wrong key"), (none, "a request without a key")):
        if response.status != 401:
            return Check(False, f"{said} gets {response.status} where 401 is due", seconds)
    return Check(True, "a wrong key and no key get 401", seconds)


def generate(server: Server, path: str, payload: dict[str, Any]) -> tuple[Check, dict[str, Any] | None]:
    """POST a completion of any form. The document has a first choice and counts tokens; None where it does not."""
    try:
        response = server.post(path, payload)
    except NoAnswer as error:
        return Check(False, "no token: " + str(error), error.seconds), None
    if response.status != 200:
        return Check(False, _refusal(server, response), response.seconds), None
    document = response.json()
    choices = document.get("choices") if isinstance(document, dict) else None
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        return Check(False, f"200, but the answer holds no choice: {_said(response)}", response.seconds), None
    usage = document.get("usage")
    count = usage.get("completion_tokens") if isinstance(usage, dict) else None
    if not isinstance(count, int) or count < 1:
        return Check(False, "200, but no token is counted in usage.completion_tokens", response.seconds), None
    return Check(True, f"{count} token{'' if count == 1 else 's'}", response.seconds), document


def _generate(server: Server, path: str, payload: dict[str, Any], text_of: Any) -> Answer:
    check, document = generate(server, path, payload)
    return Answer(check) if document is None else Answer(check, text_of(document["choices"][0]))


def _completion_text(choice: dict[str, Any]) -> str:
    return str(choice.get("text") or "")


def _chat_text(choice: dict[str, Any]) -> str:
    """A reasoning model that is still thinking has no content; its field was renamed in 0.12."""
    message = choice.get("message")
    if not isinstance(message, dict):
        return ""
    return str(message.get("content") or message.get("reasoning") or message.get("reasoning_content") or "")


def _refusal(server: Server, response: Response) -> str:
    if response.status == 401:
        return "401: the API key is refused" if server.api_key else "401: it wants an API key and none was given"
    return f"{response.status}: {_said(response)}"


def _said(response: Response) -> str:
    """The server's own words, in the shapes that releases have used: error.message, message, detail, plain text."""
    document = response.json()
    words: Any = None
    if isinstance(document, dict):
        error = document.get("error")
        words = error.get("message") if isinstance(error, dict) else error
        words = words or document.get("message") or document.get("detail")
    text = str(words) if words else response.body.decode("utf-8", "replace")
    return " ".join(text.split())[:300] or "(empty)"
