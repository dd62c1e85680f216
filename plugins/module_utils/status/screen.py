# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The status document as one screen: what is healthy is folded, what is not is told one by one."""

from __future__ import annotations

import textwrap
import typing as t

from ..clients.ladder import RUNGS
from ..planning.show.amounts import GIB, TO, listing, plural
from ..planning.show.columns import clip, table

WIDTH = 110
_NAME = 24
_MOST = 12
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))

Item = t.Mapping[str, t.Any]


def screen(status: Item) -> str:
    """The lines for a person, none longer than WIDTH. status: join's document."""
    blocks = [[_headline(status)], _services(status["services"]), _engines(status["engines"]), _gpus(status["hosts"])]
    blocks += [_told("What is wrong", "!", status["problems"]), _told("Good to know", "-", status["notes"])]
    return "\n".join(line.rstrip() for block in blocks if block for line in [*block, ""])


def verdict(status: Item) -> str:
    """One line: what does not serve, and why."""
    if status["ok"]:
        return _headline(status)
    told = [f"{item['where']}: {item['what']}" for item in status["problems"]]
    more = f", and {plural(len(told) - 1, 'more problem')}" if len(told) > 1 else ""
    return f"{_headline(status)}. {clip(told[0].rstrip('.'), 200)}{more}"


def age(seconds: float | None) -> str:
    """In the largest unit that fits: ``35 s``, ``12 min``, ``5 h``, ``3 d``."""
    if seconds is None:
        return ""
    size, name = next(((size, name) for size, name in _UNITS if seconds >= size), _UNITS[-1])
    return f"{int(seconds // size)} {name}"


def _headline(status: Item) -> str:
    services, engines, hosts = status["services"], status["engines"], status["hosts"]
    counts = (
        (sum(item["ok"] for item in services), len(services), "service", "serve"),
        (sum(item["ok"] for item in engines), len(engines), "engine", "serve"),
        (sum(item["reached"] for item in hosts), len(hosts), "host", "answer"),
    )
    told = [f"{good} of {plural(total, word)} {verb}{'s' if good == 1 else ''}" for good, total, word, verb in counts]
    return "; ".join(told)


def _services(services: t.Sequence[Item]) -> list[str]:
    rows = [["SERVICE", "ENGINES THAT SERVE", "TOKEN", "VLLM", "FRONT DOOR"]]
    for service in services:
        rows.append(
            [
                clip(service["name"], _NAME),
                f"{service['serving']} of {service['engines']}",
                _seconds(service["token_seconds"]),
                clip(", ".join(service["versions"]), _NAME),
                listing(service["urls"], 3, " ") or "none",
            ]
        )
    return table(rows, "", WIDTH)


def _engines(engines: t.Sequence[Item]) -> list[str]:
    """A row for each engine that is not healthy or has a story, one for all others of a service."""
    plain: dict[t.Any, list[Item]] = {}
    for engine in engines:
        act = (engine["guard"] or {}).get("last_action")
        alone = not engine["ok"] or engine["restarts"] or act
        plain.setdefault(engine["name"] if alone else (engine["service"], engine["version"]), []).append(engine)
    rows, notes, left = [["ENGINE", "HOSTS", *map(str.upper, RUNGS), "UP", "RESTARTS"]], [""], 0
    for group in sorted(plain.values(), key=lambda group: group[0]["ok"]):
        if len(rows) > _MOST:
            left += len(group)
            continue
        rows.append(_engine(group))
        notes.append(_guard(group))
    lines = []
    for line, note in zip(table(rows, "", WIDTH) if engines else [], notes):
        lines.append(line)
        lines += textwrap.wrap(note, WIDTH, initial_indent="  ", subsequent_indent="    ") if note else []
    return [*lines, f"… and {plural(left, 'more engine')}"] if left else lines


def _engine(group: t.Sequence[Item]) -> list[str]:
    hosts = [member["host"] for engine in group for member in engine["members"]]
    ups = [engine["uptime"] for engine in group if engine["uptime"] is not None]
    ages = dict.fromkeys([age(min(ups)), age(max(ups))] if ups else [""])
    rungs = [{True: "ok", False: "FAILED", None: "-"}[group[0]["rungs"][rung]] for rung in RUNGS]
    restarts = sum(engine["restarts"] for engine in group)
    return [_names(engine["name"] for engine in group), _names(hosts), *rungs, TO.join(ages), str(restarts)]


def _names(names: t.Iterable[str]) -> str:
    found = list(dict.fromkeys(names))
    count = f" ({len(found)})" if len(found) > 2 else ""
    return clip(listing(found, 2), _NAME - len(count)) + count


def _guard(group: t.Sequence[Item]) -> str:
    guard = group[0]["guard"]
    if len(group) > 1 or not guard:
        return ""
    told = f"guard: {guard['phase'] or 'not heard'}, epoch {guard['epoch']}, {plural(guard['restarts'], 'restart')}"
    act = guard["last_action"]
    return f"{told}; {age(act['seconds'])} ago on {act['host']}: {act['text']}" if act else told


def _gpus(hosts: t.Sequence[Item]) -> list[str]:
    """Hosts with the same GPUs in one row."""
    alike: dict[tuple[int, str], list[Item]] = {}
    for host in hosts:
        if host["gpus"]:
            alike.setdefault((len(host["gpus"]), str(host["gpus"][0]["name"])), []).append(host)
    if not alike:
        return []
    rows = [["HOSTS", "GPUS", "MEMORY TAKEN"]]
    for (count, name), found in alike.items():
        sizes = [
            (gpu["memory_used_bytes"], gpu["memory_bytes"])
            for host in found
            for gpu in host["gpus"]
            if gpu["memory_bytes"] and gpu["memory_used_bytes"] is not None
        ]
        used = sorted(taken / GIB for taken, _size in sizes)
        span = TO.join(dict.fromkeys(f"{taken:.1f}" for taken in (used[:1] + used[-1:])))
        taken = f"{span} of {sizes[0][1] / GIB:.1f} GiB each" if sizes else "not told"
        rows.append([_names(host["name"] for host in found), f"{count} x {clip(name, 40)}", taken])
    return table(rows, "", WIDTH)


def _told(title: str, sign: str, items: t.Sequence[Item]) -> list[str]:
    """Each thing once, with all whom it concerns."""
    whom: dict[str, list[str]] = {}
    for item in items:
        whom.setdefault(item["what"], []).append(item["where"])
    lines = [title] if items else []
    for what, where in list(whom.items())[:_MOST]:
        told = f"{sign} {listing(where, 4)}: {clip(what, 500)}"
        lines += textwrap.wrap(told, WIDTH, initial_indent="  ", subsequent_indent="    ")
    rest = sum(len(where) for where in list(whom.values())[_MOST:])
    return [*lines, f"  … and {plural(rest, 'more')}"] if rest else lines


def _seconds(span: t.Sequence[float] | None) -> str:
    if not span:
        return "none"
    low, high = (f"{item:.2f}" for item in span)
    return f"{low} s" if low == high else f"{low}{TO}{high} s"
