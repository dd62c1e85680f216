# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands of a service's units: one in full, the others by what they do otherwise. Nothing is left out."""

from __future__ import annotations

import collections
import dataclasses
import json
import shlex
import typing as t

from .. import groups
from . import amounts
from .digest import Item

Units = t.Iterable[tuple[str, Item]]


@dataclasses.dataclass(frozen=True)
class Command:
    """variables: ``NAME=value`` lines. words: of the command line, each option with its values."""

    variables: tuple[str, ...]
    words: tuple[str, ...]

    @property
    def lines(self) -> list[str]:
        """As a person would type it: variables first, then one line."""
        return [*self.variables, " ".join(self.words)]


@dataclasses.dataclass(frozen=True)
class Same:
    """Units that differ from the first of their kind in the same way. differs: nothing where they do not."""

    units: tuple[tuple[str, str], ...]
    differs: tuple[str, ...]

    @property
    def place(self) -> str:
        """``gpu1-gpu8  vllm-qwen-0.service-vllm-qwen-7.service``: every one is named."""
        hosts, names = (
            amounts.runs(host for host, _unit in self.units),
            amounts.runs(unit for _host, unit in self.units),
        )
        return f"{', '.join(hosts)}  {', '.join(names)}"


@dataclasses.dataclass(frozen=True)
class Kind:
    """Units of one kind: the first one's command, who has the same, and who has another."""

    first: Same
    command: Command
    others: tuple[Same, ...]


def command(unit: Item) -> Command:
    """A unit's command. Secrets are named, never shown."""
    variables = [f"{name}={_value(name, value)}" for name, value in unit["environment"].items()]
    variables += [f"{name}=(secret {reference})" for name, reference in unit["secrets"].items()]
    words: list[str] = []
    for argument in unit["exec"]:
        quoted = shlex.quote(argument)
        if words and words[-1].startswith("-") and not argument.startswith("-"):
            words[-1] += f" {quoted}"
        else:
            words.append(quoted)
    return Command(tuple(variables), tuple(words))


def _value(name: str, value: str) -> str:
    """As a shell takes it. The guard's configuration repeats the plan, so only whose it is is told."""
    if name != groups.CONFIG:
        return shlex.quote(value)
    config = json.loads(value)
    return f"({config['role']}, member {config['member']}; all of it stands in the plan as JSON)"


def kinds(units: Units) -> list[Kind]:
    """The units' commands, folded. The first unit of each kind, program and role is the one told in full."""
    found: dict[tuple[str, str], list[tuple[str, Item]]] = {}
    for host, unit in units:
        found.setdefault((unit["kind"], unit["runtime"]), []).append((host, unit))
    return [_kind(items) for items in found.values()]


def _kind(units: t.Sequence[tuple[str, Item]]) -> Kind:
    first = command(units[0][1])
    same: dict[tuple[str, ...], list[tuple[str, str]]] = {(): []}
    for host, unit in units:
        same.setdefault(_differences(first, command(unit)), []).append((host, unit["name"]))
    folded = [Same(tuple(names), differs) for differs, names in same.items()]
    return Kind(folded[0], first, tuple(folded[1:]))


def _differences(first: Command, other: Command) -> tuple[str, ...]:
    """What other has instead, and what it lacks."""
    if first == other:
        return ()
    found = []
    for mine, theirs in ((first.variables, other.variables), (first.words, other.words)):
        added = [word for word in theirs if word not in mine]
        once = {_name(word) for word in added} - {name for name, count in _names([*mine, *added]) if count > 2}
        found += added + [f"without {word}" for word in mine if word not in theirs and _name(word) not in once]
    return tuple(found) or ("in another order: " + " ".join(other.words),)


def _names(words: t.Iterable[str]) -> t.Iterable[tuple[str, int]]:
    return collections.Counter(map(_name, words)).items()


def _name(word: str) -> str:
    return word.partition("=")[0].partition(" ")[0]
