# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engines of a service as the check asks them: their counters, and answers of one engine by itself."""

from __future__ import annotations

import concurrent.futures
import time
import typing as t

from ..clients import prometheus, vllm
from ..clients.transport import NoAnswer
from . import answers, counts, prompts
from .answers import Tokens
from .counts import Counts
from .judge import Engine
from .knowledge import Expectation

_PAUSE = 0.1
_AT_ONCE = 16
#: Phrases of the two prompts by which the length of others is foretold.
_FEW, _MANY = 2, 6

Pages = dict[str, Counts]


class Asked(t.NamedTuple):
    """An answer, or the problem; external: tokens that the engine got from its connector for it."""

    answer: Tokens | None
    problem: str | None
    external: float = 0.0


class Engines:
    """server: makes the server of an address. settle: seconds that counters may lag behind an answer."""

    def __init__(
        self,
        engines: t.Sequence[Engine],
        server: t.Callable[[str], vllm.Server],
        expected: Expectation,
        settle: float,
    ) -> None:
        self._all = tuple(engines)
        self.unread: dict[str, str] = {}
        self._server = server
        self._expected = expected
        self._settle = settle

    @property
    def readable(self) -> tuple[Engine, ...]:
        return tuple(engine for engine in self._all if engine.name not in self.unread)

    def pages(self) -> Pages:
        """The counts of all engines, by name. One that does not tell is put to ``unread`` and not asked again."""
        found: Pages = {}
        with concurrent.futures.ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
            for engine, told in zip(self.readable, pool.map(self._page, self.readable)):
                if isinstance(told, str):
                    self.unread[engine.name] = told
                else:
                    found[engine.name] = told
        return found

    def since(self, before: Pages, tokens: int | None) -> Pages:
        """What was added, as soon as both sides have counted a prompt of that many tokens, or after the time to settle.

        tokens: None where there was no answer.
        """
        return self._when(before, lambda added: tokens is not None and self._told(added, tokens))

    def ask(self, engine: Engine, model: str, prompt: str, max_tokens: int) -> Asked:
        """What one engine answers by itself."""
        before = self.pages()
        answer, problem = complete(self._server(engine.urls[0]), model, prompt, max_tokens)
        if answer is None or engine.name not in before:
            return Asked(None, problem or self.unread.get(engine.name))
        counted = self._when(
            before,
            lambda added: engine.name in added and (added[engine.name].prompt or 0) >= answer.prompt_tokens,
        )
        return Asked(answer, None, (counted[engine.name].external or 0.0) if engine.name in counted else 0.0)

    def longest(self, engine: Engine) -> int | None:
        """max_model_len, where it tells it."""
        return vllm.max_model_len(self._server(engine.urls[0]))

    def rule(self, engine: Engine, model: str) -> prompts.Rule | str:
        """How many tokens prompts come to, or why the engine does not tell."""
        measured = []
        for phrases in (_FEW, _MANY):
            answer, problem = complete(self._server(engine.urls[0]), model, prompts.prompt(phrases), 1)
            if answer is None:
                return str(problem)
            measured.append((phrases, answer.prompt_tokens))
        return prompts.rule(*measured)

    def _page(self, engine: Engine) -> Counts | str:
        found = []
        for url in engine.urls:
            try:
                response = self._server(url).get("/metrics")
            except NoAnswer as error:
                return f"{url}/metrics: {error}"
            if response.status != 200:
                return f"{url}/metrics: {response.status}"
            found.append(counts.read(prometheus.read(response.body.decode("utf-8", "replace")), self._expected))
        return counts.together(found)

    def _when(self, before: Pages, told: t.Callable[[Pages], bool]) -> Pages:
        deadline = time.monotonic() + self._settle
        while True:
            time.sleep(_PAUSE)
            now = self.pages()
            added = {name: page.since(before[name]) for name, page in now.items() if name in before}
            if told(added) or time.monotonic() >= deadline:
                return added

    def _told(self, added: Pages, tokens: int) -> bool:
        sides = {
            side: [added[engine.name] for engine in self.readable if engine.side == side and engine.name in added]
            for side in ("prefill", "decode")
        }
        if any(sum(item.prompt or 0 for item in mine) < tokens for mine in sides.values()):
            return False
        transfers = [item.transfers for item in added.values() if item.transfers is not None]
        again = sum(item.computed or 0 for item in sides["decode"])
        return not self._expected.sure or not transfers or any(transfers) or again >= tokens


def complete(server: vllm.Server, model: str, prompt: str, max_tokens: int) -> tuple[Tokens | None, str | None]:
    """The tokens of an answer at temperature 0, or what is wrong."""
    check, document = vllm.generate(server, "/v1/completions", answers.request(model, prompt, max_tokens))
    if document is None and "logprobs" in check.detail:  # the engine grants none (--max-logprobs)
        check, document = vllm.generate(server, "/v1/completions", answers.request(model, prompt, max_tokens, 0))
    if document is None:
        return None, check.detail
    found = answers.read(document)
    return found, None if found else "200, but the answer tells no tokens, or not how many its prompt had"
