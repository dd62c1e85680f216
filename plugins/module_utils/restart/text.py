# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rolling restart in the words that persons read."""

from __future__ import annotations

import typing as t

from ..planning.show.amounts import listing, plural
from ..planning.show.columns import table
from .steps import Roll, Step

WIDTH = 110

Item = t.Mapping[str, t.Any]


def as_text(roll: Roll) -> str:
    """What will be restarted, in its order, and who serves meanwhile."""
    servers = [step for step in roll.engines if step.kind == "server"]
    counts = [(len(servers), "server"), (len(roll.engines) - len(servers), "engine")]
    told = ", ".join(plural(count, word) for count, word in counts if count)
    lines = [f"To restart, one after the other: {told}"] if roll.engines else []
    rows = []
    for number, step in enumerate(roll.engines, 1):
        rows.append([f"{number}.", step.engine, listing(step.hosts, 3), _way(step)])
    lines += table(rows, "  ", WIDTH)
    for door in roll.doors:
        lines.append(
            f"Then on {door.host}: {door.router_unit} restarts when its answers have ended, {door.unit} reloads"
        )
    lines += [f"  ! {told}" for told in roll.left]
    return "\n".join([*lines, ""])


def stopped(roll: Item, engine: str, why: str, restarted: bool) -> str:
    """Why a roll ended, and what state it leaves.

    roll: Roll.document(). why: what went wrong. restarted: whether the engine was touched by then.
    """
    names = [step["engine"] for step in roll["engines"]]
    place = names.index(engine)
    step = roll["engines"][place]
    told = [f"The restart stops at {engine} ({place + 1} of {len(names)}): {' '.join(why.split()).rstrip(' .')}"]
    if restarted:
        told.append(f"{engine} is down or not ready; {_meanwhile(step)}")
        told.append("Its front door takes it again as soon as it answers" if step["door"] else "")
    else:
        told.append(f"{engine} was not restarted and serves")
    told.append(f"Restarted before: {listing(names[:place], 6)}" if place else "Nothing was restarted before")
    told.append(f"Not touched: {listing(names[place + 1 :], 6)}" if names[place + 1 :] else "")
    fix = "mend it (status.yml shows it), then run restart.yml again" if restarted else "see docs/restart.md"
    return ". ".join(item for item in [*told, f"Fix: {fix}"] if item)


def _way(step: Step) -> str:
    taken = f"takes {listing(step.along, 3)} along; " if step.along else ""
    return taken + _past(step)


def _past(step: Step) -> str:
    if not step.meanwhile:
        return "nothing serves in its place: its clients notice"
    serve = f"{listing(step.meanwhile, 3)} {'serves' if len(step.meanwhile) == 1 else 'serve'} meanwhile"
    return f"out of the front door on {step.door.host}; {serve}" if step.door else f"without a front door; {serve}"


def _meanwhile(step: Item) -> str:
    others = step["meanwhile"]
    return f"{listing(others, 3)} {'serves' if len(others) == 1 else 'serve'}" if others else "nothing serves instead"
