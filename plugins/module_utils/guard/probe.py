# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's HTTP side: /health and /metrics once a second, and the canary; in threads, so that nothing waits."""

from __future__ import annotations

import http.client
import json
import threading
import time
from typing import Any, Callable
from urllib.parse import urlsplit

from . import pages
from .model import Api, Canary, Page
from .settings import Api as Place

_BODY_LIMIT = 16 * 1024 * 1024


class Probe:
    """What is asked of the API, one question of a kind at a time.

    A slow answer is waited for and not asked for again: an API that is busy needs no second caller. How long it has
    been waited for is part of what ``take`` gives.
    """

    def __init__(self, place: Place, limit_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._place, self._limit_s, self._clock = place, limit_s, clock
        self._lock = threading.Lock()
        self._polling: float | None = None
        self._health: str | None = None
        self._pages: dict[str, Page] | None = None
        self._asked = 0
        self._canary: Canary | None = None

    def poll(self) -> None:
        """Ask for /health and /metrics, unless the last question is still out."""
        with self._lock:
            if self._polling is not None:
                return
            self._polling = self._clock()
        threading.Thread(target=self._poll, name="poll", daemon=True).start()

    def ask(self) -> None:
        """Send a canary. The answer to an older one, if it still comes, is not listened to."""
        with self._lock:
            self._asked += 1
            number = self._asked
        threading.Thread(target=self._ask, args=(number,), name="canary", daemon=True).start()

    def take(self) -> Api:
        """What came since the last time."""
        with self._lock:
            waiting = 0.0 if self._polling is None else self._clock() - self._polling
            found = Api(self._health, self._pages, self._canary, waiting)
            self._health = self._pages = self._canary = None
        return found

    def _poll(self) -> None:
        health: str | None
        found: dict[str, Page] | None = None
        try:
            status, _body = self._exchange("GET", "/health")
            health = "ok" if status == 200 else "failing" if status >= 500 else None
            if health == "ok":
                status, body = self._exchange("GET", "/metrics")
                found = pages.read(body.decode("utf-8", "replace")) if status == 200 else None
        except ConnectionRefusedError:
            health = "refused"
        except (OSError, http.client.HTTPException):
            health = None
        with self._lock:
            self._polling = None
            self._health, self._pages = health, found

    def _ask(self, number: int) -> None:
        started = self._clock()
        outcome, text = self._token()
        with self._lock:
            if number == self._asked:
                self._canary = Canary(outcome, started, self._clock() - started, text)

    def _token(self) -> tuple[str, str]:
        """("token" | "refused" | "failed", why)."""
        headers = {"Content-Type": "application/json"}
        if self._place.key is not None:
            headers["Authorization"] = f"Bearer {self._place.key}"
        wanted = {"model": self._place.model, "prompt": "1", "max_tokens": 1, "temperature": 0}
        try:
            status, body = self._exchange("POST", "/v1/completions", json.dumps(wanted).encode(), headers)
        except (OSError, http.client.HTTPException) as error:
            return "failed", str(error) or type(error).__name__
        if status == 200 and _has_token(body):
            return "token", ""
        if status in (400, 401, 403, 404, 405, 422, 501):
            return "refused", f"/v1/completions answers {status}"
        return "failed", f"/v1/completions answers {status}"

    def _exchange(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        parts = urlsplit(self._place.url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=self._limit_s)
        try:
            connection.request(method, parts.path + path, body=body, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read(_BODY_LIMIT)
        finally:
            connection.close()


def _has_token(body: bytes) -> bool:
    try:
        document: Any = json.loads(body)
        return int(document["usage"]["completion_tokens"]) >= 1
    except (ValueError, KeyError, TypeError):
        return False
