# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the guard's decisions are made of: rules, observations, actions.

Times are seconds of one host's monotonic clock.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import NamedTuple, Union

#: States of a unit, in the order in which one of several units speaks for all of them.
DOWN = "down"  # stopped by somebody, or not there: never started by the guard
STOPPING = "stopping"
DEAD = "dead"  # its main process is gone and systemd will start it again
UP = "up"
_ORDER = (DOWN, STOPPING, DEAD, UP)

#: A member's fault (head.py): systemd found its units dead, so that this is no part of a planned restart.
CRASHED = "died"


@dataclasses.dataclass(frozen=True)
class Rules:
    """The thresholds, in seconds; docs/guard.md says what each one is for."""

    lost_after_s: float = 5.0
    lost_loading_after_s: float = 10.0
    suspect_after_s: float = 5.0
    stalled_after_s: float = 45.0
    canary_every_s: float = 3.0
    failing_after_s: float = 10.0
    start_timeout_s: float = 3600.0
    gather_s: float = 2.0  # causes that come together become one restart
    join_s: float = 5.0  # an invocation that lived shorter has not reached the rendezvous
    young_s: float = 7.0  # an epoch of less age has no rendezvous yet
    kill_after_s: float | None = 5.0  # SIGKILL for units that do not end; None: systemd's own time-out
    patience_s: float = 180.0  # a restart that systemd has not carried out by then is asked for again
    backoff_s: tuple[float, ...] = (0.0, 5.0, 15.0, 30.0, 60.0)  # least distance between restarts in a row
    calm_s: float = 600.0  # served that long: the row ends
    lockstep: bool = True  # every token needs every member (tensor, pipeline, expert parallel)


#: How far two hosts' ages of the same moment may differ: a poll and a message.
AGE_MARGIN_S = 1.5
#: A tick that comes later than this finds clocks that ran while nobody looked.
ASLEEP_S = 3.0
#: A member whose guard said that it stops, while its units go on, is given this long to come back.
LEAVE_S = 30.0


class Unit(NamedTuple):
    """One unit as systemd shows it. age: since it became active; 0 while it is being started; ranks: process ids."""

    invocation: str
    state: str
    age: float
    ranks: frozenset[int] = frozenset()


class Own(NamedTuple):
    """A member's units taken together. ids: their invocations; age: of the youngest; ranks: of all."""

    ids: str
    state: str
    age: float
    ranks: frozenset[int] = frozenset()


def together(units: tuple[Unit, ...]) -> Own:
    """The units of one member as one: as bad as the worst of them, as old as the youngest."""
    state = min((unit.state for unit in units), key=_ORDER.index)
    ranks = frozenset().union(*(unit.ranks for unit in units))
    return Own("+".join(unit.invocation or "-" for unit in units), state, min(unit.age for unit in units), ranks)


class Beat(NamedTuple):
    """What a worker says each second.

    epoch: the epoch that its units belong to, None when it does not know; units: the invocations that run now;
    served: those that joined the epoch, None before they could have; leaving: this guard stops and its units go on;
    gone: for how many seconds a rank has been missed.
    """

    epoch: str | None
    units: str
    served: str | None
    state: str
    leaving: bool = False
    gone: float | None = None


class View(NamedTuple):
    """What the head says each second. proved: seconds since a token that needed every member, None without one.

    epoch is None while the head's units are changing: nobody can belong to it then. past: the member's invocations that
    joined an older epoch, as the head remembers them. ordered: the head's guard began the epoch, and no planned restart
    that is on its way to the other members too.
    """

    epoch: str | None
    number: int
    age: float
    proved: float | None
    phase: str
    past: str | None = None
    ordered: bool = False


class Page(NamedTuple):
    """One engine core in /metrics. moves: the counters that grow when it works; running: requests in its batch."""

    moves: tuple[float, ...]
    running: float
    asleep: bool = False


class Canary(NamedTuple):
    """How a one-token request ended. outcome: token, refused (an answer without one: a key, a path), failed (none)."""

    outcome: str
    started: float
    seconds: float
    text: str = ""


class Api(NamedTuple):
    """What the API said since the last tick; None where nothing new came.

    health: ok, failing (500, 503) or refused; pages: by engine core; waiting: seconds that the poll now out has waited.
    """

    health: str | None = None
    pages: Mapping[str, Page] | None = None
    canary: Canary | None = None
    waiting: float = 0.0


class Restart(NamedTuple):
    """Restart the own units. reason: a word for the metric; text: the journal's line."""

    reason: str
    text: str


class Kill(NamedTuple):
    """SIGKILL for what is left of units that were asked to end."""

    text: str


class Ask(NamedTuple):
    """Send the canary."""


class Say(NamedTuple):
    """A line for the journal that is no action. warning: or a notice."""

    text: str
    warning: bool = False


Action = Union[Restart, Kill, Ask, Say]
