# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page's panel of each service: what it is, why it is laid out so, whether it fits, what it runs."""

from __future__ import annotations

import dataclasses
import typing as t

from . import amounts, bars, commands, wording
from .digest import Group, Item, Members, Part, Stage
from .markup import Markup, element, join

_MOST_ROWS = 60


def panel(part: Part, place: int) -> Markup:
    """place: the service's, which gives the colour."""
    service = part.service
    facts = [f"vLLM {service['version']}", *wording.summary(service)]
    facts.append("clients send a key" if service["api_key"] else "no key")
    head = element("h2", service["name"], element("small", service["model"]))
    body = [
        head,
        element("ul", [element("li", fact) for fact in facts], class_="chips"),
        element("h3", "Front door"),
        _doors(service),
        [element("p", told, style="margin:0") for told in [wording.door(service)] if told],
        [
            join(element("h3", "KV cache"), element("p", told, style="margin:0"))
            for told in [wording.transfer(service)]
            if told
        ],
        [_group(part, group) for group in part.groups],
        warnings(part.warnings),
        _folded("Every other decision", reasons(_others(part))),
        _folded(f"Commands of {amounts.plural(len(part.units), 'unit')}", _commands(part)),
    ]
    return element("section", body, class_=f"card c{place % 8}", id=f"s{place}")


def _others(part: Part) -> list[wording.Setting]:
    """By what stands behind the service's own path, which its panel need not repeat."""
    start = f"{part.service['path']}."
    return [
        dataclasses.replace(item, name=item.name[len(start) :] if item.name.startswith(start) else item.name)
        for item in wording.folded(wording.untold(part))
    ]


def warnings(items: t.Iterable[Item]) -> list[Markup]:
    """Each with its fix."""
    return [
        element(
            "div",
            element("p", element("b", "Warning "), element("code", item["path"]), f": {item['message']}"),
            element("p", f"Fix: {item['fix']}"),
            class_="warn",
        )
        for item in items
    ]


def reasons(found: t.Sequence[wording.Setting]) -> Markup | None:
    """A table of values and why they are so."""
    if not found:
        return None
    rows = [
        element("tr", element("th", item.name, scope="row"), _cell(item.value), element("td", item.why, class_="why"))
        for item in found
    ]
    return element("div", element("table", rows), class_="scroll")


def _cell(text: str) -> Markup:
    return element("td", text, class_="mono" if len(text) < 40 else None)


def _doors(service: Item) -> Markup:
    urls = [item["url"] for item in service["endpoints"]]
    shown = [_link(url) for url in urls] if len(urls) <= 4 else [element("code", amounts.listing(urls, 6))]
    spaced = [part for url in shown for part in (url, "  ")]
    return element("p", spaced, f'as model "{service["served_model_name"]}"', style="margin:0")


def _link(url: str) -> Markup:
    code = element("code", url)
    return element("a", code, href=url) if url.startswith(("http://", "https://")) else code


def _group(part: Part, group: Group) -> Markup:
    engine = group.first
    names = [item["name"] for item in group.engines]
    title = f"Engine {names[0]}" if len(names) == 1 else f"{len(names)} engines: {amounts.listing(names, 4)}"
    shape = f"{amounts.plural(engine['world_size'], 'rank')} on {amounts.plural(len(engine['members']), 'host')}"
    kind = "" if engine["kind"] == "serve" else f", {engine['kind']}"
    return join(
        element("h3", f"{title}: {'each ' if len(names) > 1 else ''}{shape}, {engine['accelerator']}{kind}"),
        reasons(wording.settings(part, engine)),
        element("h3", "Members"),
        _members(group),
        element("h3", "Memory of a GPU"),
        _memory(group),
    )


def _members(group: Group) -> Markup:
    head = ["Hosts", "GPUs", "Links", "NIC", "Interface", "Addresses", "Ports"]
    rows = [_member(item) for item in group.members[:_MOST_ROWS]]
    used = [place for place in range(len(head)) if any(row[place] for row in rows)]
    table = [element("tr", [element("th", head[place], scope="col") for place in used])]
    table += [element("tr", [element("td", row[place]) for place in used]) for row in rows]
    rest = sum(len(item.hosts) for item in group.members[_MOST_ROWS:])
    more = element("p", f"… {amounts.plural(rest, 'more member')}", class_="note") if rest else None
    return element("div", element("table", table), more, class_="scroll")


def _member(item: Members) -> list[str]:
    first = item.first
    count = f" ({len(item.hosts)})" if len(item.hosts) > 2 else ""
    return [
        amounts.listing(item.hosts, 8) + count,
        amounts.indexes(first["devices"]) or "CPU",
        amounts.link(first["link"]),
        first["nic"] or "",
        amounts.interface(first["interface"]),
        amounts.listing(item.addresses, 4),
        ", ".join(amounts.ports(first["ports"])),
    ]


def _memory(group: Group) -> Markup:
    memory = group.first["memory"]
    if not memory:
        return element("p", f"Not known: {group.first['why_unknown'] or 'nobody told'}", class_="note")
    name = group.first["members"][0]["gpu"]
    share = f"vLLM takes {amounts.gib(memory['budget'])} GiB ({memory['utilization']:.0%}) of each"
    text = f"{name}, {amounts.gib(memory['gpu_bytes'])} GiB; {share}."
    many = len(memory["stages"]) > 1
    rest = len(group.stages) - _MOST_ROWS
    return join(
        element("p", text, class_="note", style="margin:0"),
        [_stage(stage, many) for stage in group.stages[:_MOST_ROWS]],
        element("p", f"… {rest} more stages", class_="note") if rest > 0 else None,
        element(
            "p",
            f"Room for {wording.requests(memory)}." if memory["requests"] is not None else wording.requests(memory),
            class_="fits",
        ),
    )


def _stage(stage: Stage, many: bool) -> Markup:
    where = "; ".join(f"{amounts.listing(hosts, 6)} GPU {taken}" for taken, hosts in stage.gpus[:6])
    if len(stage.gpus) > 6:
        where += f"; … and {len(stage.gpus) - 6} more"
    prefix = f"Stage {amounts.indexes(stage.numbers)}: " if many else ""
    total = sum(max(0, stage.first[key]) for key, _letter, _word in bars.PARTS) or 1
    kinds = list(zip("wokf", bars.PARTS))
    filled = [
        element("i", class_=f"b{kind}", style=f"width:{max(0, stage.first[key]) / total:.2%}")
        for kind, (key, _letter, _word) in kinds
    ]
    legend = [
        element(
            "li", element("i", class_=f"l{kind}"), element("b", amounts.gib(max(0, stage.first[key]))), f"GiB {word}"
        )
        for kind, (key, _letter, word) in kinds
    ]
    return element(
        "div",
        element("div", prefix + where, class_="where"),
        element("div", filled, class_="bar", role="img", aria_label=bars.caption(stage.first)),
        element("ul", legend, class_="legend"),
        class_="stage",
    )


def _folded(title: str, body: Markup | None) -> Markup | None:
    return element("details", element("summary", title), body) if body else None


def _commands(part: Part) -> Markup | None:
    blocks = []
    for kind in commands.kinds(part.units):
        lines = [f"# {kind.first.place}", *kind.command.lines]
        for other in kind.others:
            lines += [f"# {other.place}: the same, but", *(f"    {line}" for line in other.differs)]
        blocks.append(element("pre", "\n".join(lines)))
    return join(blocks) if blocks else None
