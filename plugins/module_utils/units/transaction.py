# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must be done to a host so that it has the wanted units: pure, from texts and states to steps."""

from __future__ import annotations

import dataclasses
import typing as t

from . import texts
from .errors import UnitError

_DOWN = ("inactive", "failed", "deactivating")
_SERVING = ("active", "reloading", "refreshing")


@dataclasses.dataclass(frozen=True)
class Wanted:
    """A unit as it should be.

    environment is None for the target, which has no process. freely: nobody is interrupted by its restart.
    """

    name: str
    text: str
    environment: str | None
    restart_with: tuple[str, ...] = ()
    freely: bool = False


@dataclasses.dataclass(frozen=True)
class Found:
    """A unit as the host has it.

    text, environment, record: what the files hold, None when absent. record: the digest of what the last successful
    (re)start was made from. modes_right: owner and mode of the files are ours. link: the unit's path is a link.
    fragment: the path systemd has the unit from, empty when it knows none. Without systemd's word a unit is down.
    """

    text: str | None = None
    environment: str | None = None
    record: str | None = None
    modes_right: bool = True
    link: bool = False
    fragment: str = ""
    active_state: str = "inactive"
    enabled: bool = False
    needs_reload: bool = False

    @property
    def down(self) -> bool:
        return self.active_state in _DOWN

    @property
    def serving(self) -> bool:
        return self.active_state in _SERVING


@dataclasses.dataclass(frozen=True)
class Step:
    """What happens to one unit.

    reasons: why, in words that hold no value of a variable. renews: its process begins anew from changed texts.
    serving: somebody would notice if it stopped.
    """

    name: str
    reasons: tuple[str, ...]
    writes_text: bool = False
    writes_environment: bool = False
    enables: bool = False
    starts: bool = False
    restarts: bool = False
    removes: bool = False
    renews: bool = False
    serving: bool = False

    @property
    def operations(self) -> list[str]:
        names = {
            "write unit": self.writes_text,
            "write environment": self.writes_environment,
            "enable": self.enables,
            "start": self.starts,
            "restart": self.restarts,
            "remove": self.removes,
        }
        return [name for name, done in names.items() if done]

    @property
    def needs_consent(self) -> bool:
        return self.serving and (self.restarts or self.removes)


@dataclasses.dataclass(frozen=True)
class Transaction:
    """Steps in the order of the plan, removals first; units that stay as they are have none."""

    steps: tuple[Step, ...]
    reloads: bool

    def names(self, kind: str) -> list[str]:
        """Units whose step has the flag ``kind``, such as ``restarts``."""
        return [step.name for step in self.steps if getattr(step, kind)]

    @property
    def changes(self) -> bool:
        return bool(self.steps) or self.reloads


def decide(wanted: t.Sequence[Wanted], found: t.Mapping[str, Found], unit_dir: str, prune: bool = True) -> Transaction:
    """The steps from ``found`` to ``wanted``.

    found: every wanted unit, and every other unit that is ours or left something behind.
    unit_dir: where our unit files are; a wanted unit that systemd has from elsewhere is not ours.
    Raises UnitError for names given twice, unknown names in restart_with, and units that are not ours.
    """
    _check(wanted)
    for unit in wanted:
        problem = _foreign(unit.name, found.get(unit.name, Found()), unit_dir)
        if problem:
            raise UnitError(f"{problem}; it is left alone. Remove it or rename the service", unit=unit.name)
    states = {unit.name: found.get(unit.name, Found()) for unit in wanted}
    why = {unit.name: _why_changed(unit, states[unit.name]) for unit in wanted}
    _spread(wanted, why)
    surplus = {name: state for name, state in sorted(found.items()) if prune and name not in states}
    steps = [_removal(name, state) for name, state in surplus.items() if not _foreign(name, state, unit_dir)]
    steps += [_step(unit, states[unit.name], why[unit.name]) for unit in wanted]
    kept = tuple(step for step in steps if step.operations)
    touched = any(step.writes_text or step.enables or step.removes for step in kept)
    return Transaction(kept, reloads=touched or any(state.needs_reload for state in states.values()))


def _check(wanted: t.Sequence[Wanted]) -> None:
    names = [unit.name for unit in wanted]
    for unit in wanted:
        if names.count(unit.name) > 1:
            raise UnitError("given twice", unit=unit.name)
        for other in unit.restart_with:
            if other not in names:
                raise UnitError(f"restart_with names {other}, which is no unit of this host", unit=unit.name)


def _foreign(name: str, state: Found, unit_dir: str) -> str:
    """Why the unit is somebody else's; empty when it is ours to write."""
    path = f"{unit_dir.rstrip('/')}/{name}"
    if state.link:
        return f"{path} is a link (masked, or placed by hand)"
    if state.text is not None and not texts.is_stamped(name, state.text):
        return f"{path} is there and was not written by vllm.cluster"
    if state.fragment not in ("", path):
        return f"systemd has a unit of this name from {state.fragment}"
    return ""


def _why_changed(unit: Wanted, state: Found) -> list[str]:
    """Reasons for which a process of the unit must begin anew; none for a target."""
    if unit.environment is None:
        return []
    if state.text is None:
        return ["new"] if state.down else ["its file is gone"]
    reasons = []
    if texts.process_differs(state.text, unit.text):
        reasons.append("the unit file changes")
    if texts.environment_differs(state.environment or "", unit.environment):
        reasons.append("the environment changes")
    if not reasons and state.record != texts.digest(unit.text, unit.environment):
        reasons.append("an earlier run ended before its restart")
    return reasons


def _spread(wanted: t.Sequence[Wanted], why: dict[str, list[str]]) -> None:
    """Adds the reason "restarts with …" until no unit is left that must follow another."""
    news = True
    while news:
        news = False
        for unit in wanted:
            for other in unit.restart_with:
                reason = f"restarts with {other}"
                if why[other] and not why[unit.name]:
                    why[unit.name].append(reason)
                    news = True


def _step(unit: Wanted, state: Found, why: list[str]) -> Step:
    reasons = list(why)
    writes_environment = unit.environment is not None and unit.environment != state.environment
    writes_text = unit.text != state.text
    if state.text is None and not why:
        reasons.append("new")
    elif (writes_text or writes_environment) and not why:
        reasons.append("the text changes, not what the process depends on")
    if not state.modes_right:
        reasons.append("owner or mode of a file is wrong")
        writes_text = True
        writes_environment = unit.environment is not None
    if not state.enabled:
        reasons.append("not enabled")
    if state.down and not why:
        reasons.append(state.active_state)
    return Step(
        unit.name,
        tuple(reasons),
        writes_text=writes_text,
        writes_environment=writes_environment,
        enables=not state.enabled,
        starts=state.down,
        restarts=bool(why) and not state.down,
        renews=bool(why),
        serving=state.serving and not unit.freely,
    )


def _removal(name: str, state: Found) -> Step:
    # The target serves nobody itself: who would be stopped with it is asked about by name.
    return Step(name, ("not in the plan",), removes=True, serving=state.serving and name != texts.TARGET)
