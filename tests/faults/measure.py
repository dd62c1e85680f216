# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One fault from its begin to a whole engine, seen from outside: rows of figures, and a judgement of them."""

from __future__ import annotations

import dataclasses
import re
import time
import typing as t

from .cases import Case
from .group import Group
from .hosts import Line
from .stream import BROKEN, LATE, LOST, Request, Stream, served_again

#: The goals: noticed within, and served again within the engine's start and this.
NOTICE_S = 10.0
OVER_S = 15.0
#: How long the service must be good before it counts as back, and how long that is waited for.
_STEADY_S = 4.0
_LIMIT_S = 400.0

_GUARD_STARTS = re.compile(r"group restart: |units restarted: ")
#: What a guard says that is no news of a fault.
_GUARD_CALM = re.compile(r"serving: |units belong to epoch |.* is heard|suspicion over|the program was replaced")
_LEFT = re.compile(r"Main process exited|Deactivated|Failed with result|Scheduled restart")


@dataclasses.dataclass(frozen=True)
class Row:
    """What one fault came to; seconds.

    noticed: from the fault to the first line about it, and whose; serving: from the moment that the way back counts
    from (Case.befall) to the first good answer after the last bad one; load: the last start of the engine, as the guard
    of the head says; starts: of the engine's units on head and worker; restarts: the acts of the guard of the head.
    sent: the requests that were out at the fault or began until the service was whole; lost, broken, late: of them.
    """

    case: str
    text: str
    executor: str
    heals: bool
    noticed_s: float | None
    noticed_by: str
    serving_s: float | None
    load_s: float | None
    starts: tuple[int, int]
    restarts: int
    sent: int
    lost: int
    broken: int
    late: int
    faults: tuple[str, ...]


def measure(group: Group, case: Case, start_s: float, margin: float = 1.0, say: t.Callable[[str], None] = print) -> Row:
    """Befall a whole group, and look on until it is whole again. start_s: the engine's own start.

    margin: how many times as long as the goals it may take, for machines that are busy with something else.
    """
    group.rest()
    with Stream(group.api) as stream:
        time.sleep(3)
        began = time.monotonic()
        back = case.befall(group) or began
        if case.heals:
            _wait(group, stream, began, say)
        else:
            time.sleep(case.watch_s)
        ended = time.monotonic()
    if stream.unexpected:
        raise stream.unexpected
    lines = group.journal(began)
    for line in lines:
        if line.unit == group.guard:
            say(f"  {line.at - began:6.1f} s  {line.host}: {line.text}")
    return judged(case, row(group, case, stream.requests, lines, began, back, ended), start_s, margin)


def _wait(group: Group, stream: Stream, began: float, say: t.Callable[[str], None]) -> None:
    """Until the guard says that the engine serves, and clients have had good answers for a while."""
    while time.monotonic() - began < _LIMIT_S:
        time.sleep(1)
        back = served_again(stream.requests, began)
        if back is None or time.monotonic() - back < _STEADY_S:
            continue
        try:
            if any(line.text.startswith("serving: ") for line in group.head.journal(began)):
                return
        except RuntimeError:  # the host is off
            continue
    say(f"  not whole after {_LIMIT_S:g} s")


def row(
    group: Group,
    case: Case,
    requests: t.Sequence[Request],
    lines: t.Sequence[Line],
    began: float,
    back: float,
    ended: float,
) -> Row:
    """The figures, without a judgement."""
    served = served_again(requests, began)
    loads = [float(found[1]) for line in lines if (found := re.match(r"serving: epoch \d+, (\d+) s after", line.text))]
    first = next((line for line in lines if case.notice and _news(line, group.guard)), None)
    until = (served or ended) if case.heals else ended
    meant = [item for item in requests if item.began <= until and (item.ended is None or item.ended >= began)]

    def count(outcome: str) -> int:
        return sum(item.outcome == outcome for item in meant)

    def starts(host: str) -> int:
        return sum(
            line.systemd
            and line.host == host
            and line.text.startswith("Started ")
            and line.unit == _serving(group, host)
            for line in lines
        )

    return Row(
        case=case.name,
        text=case.text,
        executor=group.executor,
        heals=case.heals,
        noticed_s=first.at - began if first else None,
        noticed_by="" if first is None else "guard" if first.unit == group.guard and not first.systemd else "systemd",
        serving_s=served - back if served is not None and case.heals else None,
        load_s=loads[-1] if loads else None,
        starts=(starts(group.head.name), starts(group.worker.name)),
        restarts=sum(line.host == group.head.name and line.text.startswith("group restart: ") for line in lines),
        sent=len(meant),
        lost=count(LOST) + sum(item.outcome is None for item in meant),
        broken=count(BROKEN),
        late=count(LATE),
        faults=(),
    )


def _serving(group: Group, host: str) -> str:
    """The unit whose starts are counted: the one that holds the host's rank."""
    part = "-ray" if group.executor == "ray" and host == group.worker.name else ""
    return f"vllm-{group.head.engine}{part}.service"


def _news(line: Line, guard: str) -> bool:
    if line.systemd:
        return line.unit != guard and bool(_LEFT.match(line.text.partition(": ")[2]))
    return line.unit == guard and not _GUARD_CALM.match(line.text)


def judged(case: Case, found: Row, start_s: float, margin: float) -> Row:
    """The row with what is wrong with it, in words."""
    faults = []
    if case.heals:
        limit = (start_s + OVER_S) * margin + case.wait_s
        if found.serving_s is None:
            faults.append("does not serve again")
        elif found.serving_s > limit:
            faults.append(f"serves again after {found.serving_s:.0f} s, the goal is {limit:.0f} s")
        if case.notice and (found.noticed_s is None or found.noticed_s > NOTICE_S * margin):
            after = "never noticed" if found.noticed_s is None else f"noticed after {found.noticed_s:.1f} s"
            faults.append(f"{after}, the goal is {NOTICE_S * margin:.0f} s")
        if found.restarts > case.restarts:
            faults.append(f"the guard restarted the group {found.restarts} times, {case.restarts} is right")
    elif found.starts != (0, 0) or found.restarts:
        faults.append(f"engine units were started: {found.starts[0]} on the head, {found.starts[1]} on the worker")
    return dataclasses.replace(found, faults=tuple(faults))
