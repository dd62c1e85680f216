# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service seen as its clients see it, through its front door."""

from __future__ import annotations

import concurrent.futures
from typing import Any, Callable, NamedTuple

from .vllm import Answer, Check, Server, chat, completion, health, model_listed, stream, wrong_key

#: In the order of a report.
CHECKS = ("health", "models", "completion", "chat", "stream", "wrong_key")


class Request(NamedTuple):
    """What is asked. ``model``: the name clients use, or None for the first that is served."""

    model: str | None
    prompt: str
    max_tokens: int


def check_service(server: Server, request: Request, wanted: list[str]) -> dict[str, Answer]:
    """Do the ``wanted`` checks of CHECKS; each has its own answer, in CHECKS' order.

    /v1/models is asked first, since it may have to tell the model's name. The rest runs at the same time, so that a
    service that makes no tokens costs one time-out and not three.
    """
    listed, name = model_listed(server, request.model)
    name = name or request.model
    tasks: dict[str, Callable[[], Answer]] = {
        "health": lambda: Answer(health(server)),
        "models": lambda: Answer(listed),
        "wrong_key": lambda: Answer(wrong_key(server)),
    }
    if name is None:
        unknown = Answer(Check(None, "not tried: /v1/models told no model's name"))
        tasks.update({task: lambda: unknown for task in ("completion", "chat", "stream")})
    else:
        asked = (server, name, request.prompt, request.max_tokens)
        tasks["completion"] = lambda: completion(*asked)
        tasks["chat"] = lambda: chat(*asked)
        tasks["stream"] = lambda: Answer(stream(*asked))
    chosen = [task for task in CHECKS if task in wanted]
    with concurrent.futures.ThreadPoolExecutor(max_workers=len(CHECKS)) as pool:
        futures = {task: pool.submit(tasks[task]) for task in chosen}
        return {task: future.result() for task, future in futures.items()}


def service_words(name: str, server: Server, request: Request, answers: dict[str, Answer]) -> dict[str, Any]:
    """The answers as plain values. ``ok``: no check failed and at least one held. A text that was not made is None."""
    checks = [answer.check for answer in answers.values()]
    return {
        "name": name,
        "url": server.url,
        "model": request.model,
        "ok": any(check.ok for check in checks) and not any(check.ok is False for check in checks),
        "keyed": bool(server.api_key),
        "checks": {task: answer.check.as_dict() for task, answer in answers.items()},
        "completion_text": answers["completion"].text if "completion" in answers else None,
        "chat_text": answers["chat"].text if "chat" in answers else None,
    }
