# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The four rungs of readiness: unit active, HTTP 200, model listed, token generated."""

from __future__ import annotations

from .vllm import Check, Server, completion, health, model_listed

RUNGS = ("unit", "http", "model", "token")

_NOT_REACHED = "not tried: a rung before it failed"


def climb(
    server: Server | None,
    model: str | None,
    prompt: str,
    unit: Check | None = None,
    taken: str | None = None,
) -> dict[str, Check]:
    """Climb until a rung fails; the rungs after it stay unasked (``ok`` None).

    server: where to ask, or None for a unit that serves no HTTP (a follower of a multi-host engine).
    model: the name that must be listed; None takes the first.
    unit: the unit's own rung, or None when no unit was named.
    taken: what is wrong with whoever holds the port (another process may answer 200), or None.
    """
    rungs = dict.fromkeys(RUNGS, Check(None, _NOT_REACHED))
    rungs["unit"] = unit if unit is not None else Check(None, "no unit was named")
    if rungs["unit"].ok is False:
        return rungs
    if server is None:
        rungs.update(dict.fromkeys(RUNGS[1:], Check(None, "no address was given")))
        return rungs
    rungs["http"] = health(server) if taken is None else Check(False, taken)
    if not rungs["http"].ok:
        return rungs
    rungs["model"], name = model_listed(server, model)
    if name is None:
        return rungs
    rungs["token"] = completion(server, name, prompt, max_tokens=1).check
    return rungs


def healthy(rungs: dict[str, Check]) -> bool:
    """All asked rungs hold, and at least one was asked. A rung left out because of a failure below counts as failed."""
    return any(check.ok for check in rungs.values()) and not any(check.ok is False for check in rungs.values())


def first_failure(rungs: dict[str, Check]) -> str | None:
    """The name of the rung that failed, or None."""
    return next((name for name in RUNGS if rungs[name].ok is False), None)
