# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A steady stream of requests, and what became of each."""

from __future__ import annotations

import collections
import dataclasses
import http.client
import json
import threading
import time
from urllib.parse import urlsplit


@dataclasses.dataclass(frozen=True)
class Outcome:
    """One request. fate: ``answered``, ``cut`` (after its first byte), ``closed`` (nobody listened) or ``failed``.

    first_byte_s: until a header with status 200; of a stream it comes before the first token.
    """

    fate: str
    began: float
    seconds: float
    first_byte_s: float | None
    told: str


class Stream:
    """Clients that ask one after the other, half of them for a stream, from entering to leaving the block."""

    def __init__(self, url, model, key, clients=4, tokens=12, patience_s=90):
        self.place = urlsplit(url)
        self.key, self.clients, self.patience_s = key, clients, patience_s
        self.body = {"model": model, "prompt": "The quick brown fox", "max_tokens": tokens, "temperature": 0}
        self.outcomes = []
        self._stop = threading.Event()
        self._threads = []

    def __enter__(self):
        self._threads = [threading.Thread(target=self._run, args=(n % 2 == 0,)) for n in range(self.clients)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error):
        self._stop.set()
        for thread in self._threads:
            thread.join(self.patience_s + 30)
        print(self.report())

    def wait(self, answers, timeout=240):
        """Until so many more requests were answered."""
        goal, end = self.count()["answered"] + answers, time.monotonic() + timeout
        while self.count()["answered"] < goal:
            assert time.monotonic() < end, f"no {answers} answers in {timeout} s: {self.report()}"
            time.sleep(0.1)

    def count(self):
        return collections.Counter(outcome.fate for outcome in list(self.outcomes))

    def fates(self, fate):
        return [outcome for outcome in self.outcomes if outcome.fate == fate]

    def assert_none_failed(self):
        """Answers that had begun may be cut; every other request was answered."""
        assert not self.fates("failed") + self.fates("closed"), self.report()

    def assert_only_failed_before(self, moment):
        """Who was in the only front door when it died, or came before it was back, may have failed. Monotonic time."""
        failed = self.fates("failed") + self.fates("closed") + self.fates("cut")
        assert all(outcome.began < moment for outcome in failed), self.report()

    def report(self):
        late = sum(outcome.seconds > 10 for outcome in self.outcomes)
        longest = max((outcome.seconds for outcome in self.outcomes), default=0)
        told = collections.Counter(outcome.told[:200] for outcome in self.outcomes if outcome.fate != "answered")
        return (
            f"sent {len(self.outcomes)}, {dict(self.count())}, over 10 s: {late}, longest {longest:.1f} s, {dict(told)}"
        )

    def _run(self, streams):
        while not self._stop.is_set():
            outcome = self._ask(streams)
            self.outcomes.append(outcome)
            if outcome.fate == "closed":
                time.sleep(0.05)

    def _ask(self, streams):
        began = time.monotonic()
        first = None
        fate, told = "failed", ""
        connection = http.client.HTTPConnection(self.place.hostname, self.place.port, timeout=self.patience_s)
        try:
            headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.key}"}
            connection.request("POST", "/v1/completions", json.dumps({**self.body, "stream": streams}), headers)
            answer = connection.getresponse()
            if answer.status != 200:
                told = f"{answer.status} {answer.read()[:300]!r}"
            else:
                first = time.monotonic() - began
                body = answer.read()
                whole = body.endswith(b"data: [DONE]\n\n") if streams else "choices" in json.loads(body)
                # An engine that stops ends its streams in order, with an error among the tokens.
                fine = whole and b'data: {"error"' not in body
                fate, told = ("answered", "") if fine else ("cut", "the answer has no end")
        except ConnectionRefusedError as error:
            fate, told = "closed", repr(error)
        except (OSError, http.client.HTTPException, ValueError) as error:
            fate, told = "failed" if first is None else "cut", repr(error)
        finally:
            connection.close()
        return Outcome(fate, began, time.monotonic() - began, first, told)
