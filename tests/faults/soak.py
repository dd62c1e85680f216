# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Load and idle in turn, for long: nothing may restart."""

from __future__ import annotations

import time
import typing as t

from .cases import heavy
from .group import Group
from .stream import Request, Stream

#: Seconds of each part of a round. A heavy part leaves a queue behind that the next one drains.
_IDLE_S, _LIGHT_S, _HEAVY_S = 60.0, 60.0, 45.0
#: How long a request may wait in that queue on a busy machine: the clients' own patience.
_QUEUE_S = 300.0


def soak(group: Group, seconds: float, say: t.Callable[[str], None] = print) -> list[str]:
    """What was wrong, in words: restarts, suspicions, bad answers."""
    group.rest()
    began = time.monotonic()
    bad: list[str] = []
    while time.monotonic() - began < seconds:
        with Stream(group.api) as stream:
            time.sleep(_LIGHT_S)
        many = heavy(group, _HEAVY_S)
        time.sleep(_IDLE_S)
        _drain(stream.requests + many)
        bad += [f"a request was {item.outcome}: {item.why}" for item in stream.requests + many if not item.good]
        say(f"{(time.monotonic() - began) / 60:.0f} min, {len(bad)} bad answers")
    for line in group.journal(began):
        if line.unit == group.guard or line.systemd:
            say(f"  {line.at - began:6.1f} s  {line.host}: {line.text}")
            bad.append(f"{line.host}: {line.text}")
    say("\n".join(bad) or f"{seconds / 60:g} minutes of load and idle: nothing restarted, every request was answered")
    return bad


def _drain(requests: t.Sequence[Request]) -> None:
    """Wait until every request has its answer, or has waited too long for one."""
    until = time.monotonic() + _QUEUE_S
    while time.monotonic() < until and any(item.outcome is None for item in requests):
        time.sleep(1.0)
