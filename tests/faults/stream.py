# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients of the engine: requests at a steady pace, each with what became of it."""

from __future__ import annotations

import dataclasses
import http.client
import json
import threading
import time
import typing as t
from urllib.parse import urlsplit

#: An answer that took longer is late. Undisturbed, answers here take well under a second.
LATE_S = 5.0
OK, LATE, LOST, BROKEN = "ok", "late", "lost", "broken"


@dataclasses.dataclass
class Request:
    """One request. began, ended: seconds of this machine's monotonic clock; outcome: None while it is out.

    ok and late: answered; lost: no answer, or a 5xx, before the answer's first byte; broken: cut off after it.
    """

    streamed: bool
    began: float
    first: float | None = None
    ended: float | None = None
    outcome: str | None = None
    why: str = ""

    @property
    def good(self) -> bool:
        return self.outcome in (OK, LATE)


class Unexpected(Exception):
    """An answer that no fault explains: a wrong key, a wrong model."""


@dataclasses.dataclass(frozen=True)
class Api:
    """Where the engine answers clients."""

    url: str
    model: str
    key: str

    def ask(self, request: Request, tokens: int, limit_s: float) -> None:
        """Send it and wait for its end."""
        parts = urlsplit(self.url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=limit_s)
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.key}"}
        wanted = {"model": self.model, "prompt": "The quick brown fox", "max_tokens": tokens, "ignore_eos": True}
        try:
            body = json.dumps({**wanted, "temperature": 0, "stream": request.streamed})
            connection.request("POST", "/v1/completions", body, headers)
            answer = connection.getresponse()
            if 400 <= answer.status < 500:
                raise Unexpected(f"/v1/completions answers {answer.status}: {answer.read(200)!r}")
            if answer.status != 200:
                request.outcome, request.why = LOST, f"HTTP {answer.status}"
                return
            _read(request, answer)
        except (OSError, http.client.HTTPException) as error:
            request.outcome = LOST if request.first is None else BROKEN
            request.why = str(error) or type(error).__name__
        finally:
            connection.close()
            request.ended = time.monotonic()
            if request.outcome is None:
                request.outcome = LATE if request.ended - request.began > LATE_S else OK


def _read(request: Request, answer: http.client.HTTPResponse) -> None:
    """The answer's body to its end."""
    finished = False
    while line := answer.readline():
        if line.strip() and request.first is None:
            request.first = time.monotonic()
        if request.streamed and line.startswith(b'data: {"error"'):
            raise http.client.HTTPException(line.decode(errors="replace").strip())
        finished = finished or line.startswith(b"data: [DONE]")
        if not request.streamed:
            finished = json.loads(line)["usage"]["completion_tokens"] > 0
    if not finished:
        raise http.client.HTTPException("the answer ends in its middle")


class Stream:
    """A plain and a streamed request every half second, however long the ones before take.

    most: how many may be out at once; at the bound no more are sent, and ``held`` counts how many were not.
    """

    def __init__(
        self, api: Api, every_s: float = 0.5, tokens: t.Sequence[int] = (8, 32), limit_s: float = 180.0, most: int = 400
    ) -> None:
        self.requests: list[Request] = []
        self.held = 0
        self.unexpected: Unexpected | None = None
        self._api, self._every_s, self._tokens, self._limit_s = api, every_s, tokens, limit_s
        self._most = most
        self._stop = threading.Event()
        self._pump = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> t.Self:
        self._pump.start()
        return self

    def __exit__(self, *_error: object) -> None:
        """Send no more, and wait for the answers that are out."""
        self._stop.set()
        self._pump.join()
        deadline = time.monotonic() + self._limit_s
        while self.out() and time.monotonic() < deadline:
            time.sleep(0.05)

    def out(self) -> int:
        """How many requests are not answered yet."""
        return sum(request.outcome is None for request in list(self.requests))

    def since(self, moment: float) -> list[Request]:
        """The requests that were out at the moment or began later."""
        return [item for item in list(self.requests) if item.ended is None or item.ended >= moment]

    def _run(self) -> None:
        turn = time.monotonic()
        while not self._stop.wait(max(0.0, turn - time.monotonic())):
            turn = max(turn + self._every_s, time.monotonic())
            for streamed, tokens in zip((False, True), self._tokens):
                if self.out() >= self._most:
                    self.held += 1
                    continue
                request = Request(streamed, time.monotonic())
                self.requests.append(request)
                threading.Thread(target=self._ask, args=(request, tokens), daemon=True).start()

    def _ask(self, request: Request, tokens: int) -> None:
        try:
            self._api.ask(request, tokens, self._limit_s)
        except Unexpected as error:
            self.unexpected = error


def served_again(requests: t.Sequence[Request], since: float) -> float | None:
    """When the service was whole again after a moment; None while it is not.

    That is the first good answer to a request that began after the last one that failed or came late.
    """
    bad = [item.began for item in requests if item.outcome in (LOST, BROKEN, LATE) and (item.ended or since) >= since]
    last = max([since, *bad])
    ends = [item.ended for item in requests if item.outcome == OK and item.began > last and item.ended is not None]
    return min(ends, default=None)
