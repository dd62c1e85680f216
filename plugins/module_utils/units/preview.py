# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What site.yml would do to the units of all hosts, from what host_units says of each in check mode. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ..planning.show.amounts import listing, runs
from ..planning.show.columns import table
from .texts import TARGET

WIDTH = 100
MADE, STARTED, RESTARTED, FOLLOWS, REMOVED = "made", "started", "restarted", "restarted with its group", "removed"
REWRITTEN, LEFT = "rewritten, runs on", "left"
#: In this order they are told.
_FATES = (RESTARTED, FOLLOWS, REMOVED, MADE, STARTED, REWRITTEN, LEFT)
_ENGINE_KINDS = ("engine", "ray")

Item = t.Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Fate:
    """What becomes of one unit. why: the reasons, or what changes in short. asks: consent is needed for it."""

    host: str
    unit: str
    what: str
    why: tuple[str, ...] = ()
    asks: bool = False


def fates(plan: Item, results: t.Mapping[str, Item]) -> list[Fate]:
    """Of every unit that the plan has or that a host would lose.

    results: host_units' result in check mode, by host; hosts that could not be looked at are left out.
    An engine of several hosts is one thing: where one member's share begins anew, guards restart the others' too.
    """
    found = []
    for host, result in results.items():
        actions = {action["unit"]: action for action in result["actions"]}
        units = [unit["name"] for unit in plan["hosts"][host]["units"]]
        for name in [*units, *(name for name in actions if name not in units and name != TARGET)]:
            found.append(_fate(host, name, actions.get(name), name in result["consent_needed"]))
    return _with_groups(plan, found)


def _fate(host: str, unit: str, action: Item | None, asks: bool) -> Fate:
    if action is None:
        return Fate(host, unit, LEFT)
    operations = action["operations"]
    why = tuple(action["changes"] or action["reasons"])
    if "remove" in operations:
        return Fate(host, unit, REMOVED, why, asks)
    if "restart" in operations:
        return Fate(host, unit, RESTARTED, why, asks)
    if "start" in operations:
        return Fate(host, unit, MADE) if "new" in action["reasons"] else Fate(host, unit, STARTED, why)
    return Fate(host, unit, REWRITTEN, why)


def _with_groups(plan: Item, found: t.Sequence[Fate]) -> list[Fate]:
    members: dict[str, str] = {}
    for engine in plan["engines"]:
        if len(engine["members"]) > 1:
            for host in plan["hosts"].values():
                names = [unit["name"] for unit in host["units"] if unit["engine"] == engine["name"]]
                kinds = [unit["kind"] for unit in host["units"] if unit["engine"] == engine["name"]]
                members.update({name: engine["name"] for name, kind in zip(names, kinds) if kind in _ENGINE_KINDS})
    anew: dict[str, list[str]] = {}
    for fate in found:
        if fate.unit in members and fate.what in (RESTARTED, REMOVED, MADE):
            anew.setdefault(members[fate.unit], []).append(fate.host)
    told = []
    for fate in found:
        others = [host for host in anew.get(members.get(fate.unit, ""), []) if host != fate.host]
        if others and fate.what in (LEFT, REWRITTEN):
            told.append(
                dataclasses.replace(fate, what=FOLLOWS, why=(f"its engine begins anew on {listing(others, 3)}",))
            )
        else:
            told.append(fate)
    return told


def as_text(found: t.Sequence[Fate], unseen: t.Mapping[str, str]) -> str:
    """The lines for a person; units of the same fate for the same reason are told together.

    unseen: hosts that could not be looked at, with the reason.
    """
    counts = {what: sum(fate.what == what for fate in found) for what in _FATES}
    told = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    lines = [f"If site.yml ran now, units: {told or 'none'}"]
    if any(fate.asks for fate in found):
        lines.append("  Some of them serve: site.yml asks for -e vllm_allow_restart=true")
    alike: dict[tuple[str, tuple[str, ...]], list[Fate]] = {}
    for fate in sorted(found, key=lambda fate: _FATES.index(fate.what)):
        alike.setdefault((fate.what, fate.why), []).append(fate)
    rows = []
    for (what, why), same in alike.items():
        hosts, units = (
            ", ".join(runs(names)) for names in ([fate.host for fate in same], [fate.unit for fate in same])
        )
        rows.append([what, f"{hosts}  {units}" + (f": {'; '.join(why)}" if why else "")])
    lines += table(rows, "  ", WIDTH)
    lines += [f"  ! {host} could not be looked at: {why}" for host, why in unseen.items()]
    return "\n".join([*lines, ""])
