# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan on a terminal: one screen a service, then every command and every reason."""

from __future__ import annotations

import textwrap
import typing as t

from . import amounts, bars, columns, commands, reach, wording
from .digest import Digest, Group, Item, Members, Part, Plan, digest

WIDTH = 100
_BAR = 72
_MOST_ROWS = 12


def as_text(plan: Plan) -> str:
    """Screens of the services in the plan's order, warnings at each one's end; then commands and other reasons."""
    found = digest(plan)
    blocks = [_overview(found)]
    blocks += [_screen(plan, part) for part in found.parts]
    if found.warnings:
        blocks.append(["Warnings of the whole plan", *_warnings(found.warnings)])
    blocks.append(["Commands", *_commands(found)])
    blocks.append(_reasons(found))
    return "\n".join(line.rstrip() for block in blocks if block for line in [*block, ""])


def _overview(found: Digest) -> list[str]:
    plan = found.plan
    hosts = [item for item in plan["hosts"].values() if item["units"]]
    counts = [
        amounts.plural(len(plan["services"]), "service"),
        amounts.plural(len(plan["engines"]), "engine"),
        amounts.plural(sum(len(item["units"]) for item in hosts), "unit"),
    ]
    head = f"Plan: {', '.join(counts)} on {amounts.plural(len(hosts), 'host')}"
    lines = [head + f"; {amounts.plural(len(plan['warnings']), 'warning')}" * bool(plan["warnings"])]
    if len(found.parts) > 1:
        rows = [
            [
                part.service["name"],
                part.service["model"],
                amounts.plural(len(part.service["engines"]), "engine"),
                amounts.listing(part.hosts, 3),
                f"{amounts.plural(len(part.warnings), 'warning')}" if part.warnings else "",
            ]
            for part in found.parts
        ]
        lines += ["", *columns.table(rows, "  ", WIDTH)]
    return lines


def _screen(plan: Plan, part: Part) -> list[str]:
    service = part.service
    name = service["name"]
    lines = [f"── {name} " + "─" * max(3, WIDTH - len(name) - 4)]
    lines += _fields(
        [
            ("Model", service["model"]),
            ("", " · ".join(wording.summary(service)) or "its size is not known"),
            ("Front door", _doors(service)),
            ("", _access(service)),
            ("", reach.told(plan, part)),
            *[("", told) for told in [wording.door(service)] if told],
            *[("KV cache", told) for told in [wording.transfer(service)] if told],
        ]
    )
    for group in part.groups:
        lines += ["", *_group(part, group)]
    if part.warnings:
        lines += ["", "Warnings", *_warnings(part.warnings)]
    return lines


def _doors(service: Item) -> str:
    return amounts.listing((item["url"] for item in service["endpoints"]), 3, " ")


def _access(service: Item) -> str:
    key = "with a key" if service["api_key"] else "without a key"
    length = service["max_model_len"]
    shown = amounts.number(length) if isinstance(length, int) else length
    fitted = str(length).strip().lower() in ("auto", "-1")
    context = f", up to {'as many tokens as fit' if fitted else f'{shown} tokens'} a request" if length else ""
    return f'model "{service["served_model_name"]}", {key}{context}'


def _group(part: Part, group: Group) -> list[str]:
    engine = group.first
    names = [item["name"] for item in group.engines]
    ranks = amounts.plural(engine["world_size"], "rank")
    kind = "" if engine["kind"] == "serve" else f" for {engine['kind']}"
    place = amounts.plural(len(engine["members"]), "host")
    each = f"{amounts.listing(names, 3)}: {'each ' if len(names) > 1 else ''}{ranks} on {place}"
    title = "Engine" if len(names) == 1 else f"{len(names)} engines"
    lines = _fields([(title, f"{each}, vLLM {engine['version']} on {engine['accelerator']}{kind}")])
    found = wording.settings(part, engine)
    rows = [[item.name, item.value, item.why] for item in found]
    lines += columns.table(rows, "  ", WIDTH)
    return [*lines, "", *_members(group), "", *_memory(group)]


def _members(group: Group) -> list[str]:
    head = ["HOSTS", "GPUS", "LINKS", "NIC", "INTERFACE", "ADDRESSES", "PORTS"]
    rows = [_member(item) for item in group.members[:_MOST_ROWS]]
    used = [place for place, name in enumerate(head) if any(row[place] for row in rows)]
    lines = columns.table([[row[place] for place in used] for row in [head, *rows]], "  ", WIDTH)
    rest = group.members[_MOST_ROWS:]
    if rest:
        hosts = sum(len(item.hosts) for item in rest)
        lines.append(f"  … {amounts.plural(hosts, 'more member')}; all stand in the plan as JSON")
    return lines


def _member(item: Members) -> list[str]:
    first = item.first
    hosts = amounts.listing(item.hosts, 4)
    return [
        hosts + (f" ({len(item.hosts)})" if len(item.hosts) > 2 else ""),
        amounts.indexes(first["devices"]) or "CPU",
        amounts.link(first["link"]),
        first["nic"] or "",
        amounts.interface(first["interface"]),
        amounts.listing(item.addresses, 2),
        ", ".join(amounts.ports(first["ports"])),
    ]


def _memory(group: Group) -> list[str]:
    memory = group.first["memory"]
    if not memory:
        return textwrap.wrap(f"Memory: {group.first['why_unknown'] or 'not known'}", WIDTH, subsequent_indent="  ")
    name = group.first["members"][0]["gpu"]
    share = f"vLLM takes {amounts.gib(memory['budget'])} GiB ({memory['utilization']:.0%}) of each"
    lines = [f"Memory of a GPU ({name}, {amounts.gib(memory['gpu_bytes'])} GiB; {share})"]
    for stage in group.stages[:_MOST_ROWS]:
        where = "; ".join(f"{amounts.listing(hosts, 4)} GPU {taken}" for taken, hosts in stage.gpus[:4])
        more = f"; … and {len(stage.gpus) - 4} more" if len(stage.gpus) > 4 else ""
        numbers = f"stage {amounts.indexes(stage.numbers)}: " if len(memory["stages"]) > 1 else ""
        lines += [f"  {numbers}{where}{more}", f"  {bars.drawn(stage.first, _BAR)}", f"  {bars.caption(stage.first)}"]
    if len(group.stages) > _MOST_ROWS:
        lines.append(f"  … {len(group.stages) - _MOST_ROWS} more stages; all stand in the plan as JSON")
    told = f"{wording.requests(memory)}{_cache(memory)}"
    lines += textwrap.wrap(told, WIDTH, initial_indent="  ", subsequent_indent="  ")
    return lines


def _cache(memory: Item) -> str:
    if memory["tokens"] is None or not memory["kv_bytes_per_token"]:
        return ""
    return f" ({amounts.number(memory['tokens'])} tokens of cache, {amounts.size(memory['kv_bytes_per_token'])} each)"


def _warnings(items: t.Iterable[Item]) -> list[str]:
    lines = []
    for item in items:
        lines += textwrap.wrap(f"! {item['path']}: {item['message']}", WIDTH, subsequent_indent="    ")
        lines += textwrap.wrap(f"  Fix: {item['fix']}", WIDTH, initial_indent="  ", subsequent_indent="    ")
    return lines


def _commands(found: Digest) -> t.Iterator[str]:
    for part in found.parts:
        for kind in commands.kinds(part.units):
            yield f"  {kind.first.place}"
            yield from (f"    {line}" for line in kind.command.lines)
            for other in kind.others:
                line = f"  {other.place}  the same, but  {'  '.join(other.differs)}"
                if len(line) <= WIDTH:
                    yield line
                else:
                    yield f"  {other.place}  the same, but"
                    yield from (f"    {line}" for line in other.differs)


def _reasons(found: Digest) -> list[str]:
    items = [*found.decisions]
    for part in found.parts:
        items += wording.untold(part)
    rows = [[item.name, item.value, item.why] for item in wording.folded(items)]
    return ["Why", *columns.table([["ITEM", "VALUE", "REASON"], *rows], "  ", None)] if rows else []


def _fields(pairs: t.Iterable[tuple[str, str]]) -> list[str]:
    """Names in one column, wrapped text in the other."""
    lines = []
    for name, text in pairs:
        lines += textwrap.wrap(
            text,
            WIDTH,
            initial_indent=f"{name:<12}",
            subsequent_indent=" " * 12,
            break_long_words=False,
            break_on_hyphens=False,
        )
    return lines
