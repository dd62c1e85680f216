# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan as a page that needs nothing else: no network, no script."""

from __future__ import annotations

from . import amounts, drawing, panels, wording
from .digest import Digest, Plan, digest
from .markup import Child, Markup, element, join
from .style import CSS

# The page may load nothing, whatever stands in a name.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_MEMORY = (("w", "weights"), ("o", "overhead"), ("k", "KV cache"), ("f", "free"))


def as_html(plan: Plan) -> str:
    """The cluster drawn, then a panel a service with its reasons, memory, warnings and commands."""
    found = digest(plan)
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", "Plan of " + amounts.listing((item["name"] for item in plan["services"]), 4)),
        element("style", Markup(CSS)),
    )
    body = element("body", _header(found), element("main", _cluster(found), _services(found)))
    return "<!DOCTYPE html>\n" + element("html", head, body, lang="en") + "\n"


def _header(found: Digest) -> Markup:
    plan = found.plan
    hosts = [item for item in plan["hosts"].values() if item["units"]]
    gpus = {
        (member["host"], index)
        for engine in plan["engines"]
        for member in engine["members"]
        for index in member["devices"]
    }
    counts = [
        amounts.plural(len(plan["services"]), "service"),
        amounts.plural(len(plan["engines"]), "engine"),
        amounts.plural(len(hosts), "host"),
    ]
    if gpus:
        counts.append(amounts.plural(len(gpus), "GPU") + " in use")
    if plan["warnings"]:
        counts.append(amounts.plural(len(plan["warnings"]), "warning"))
    return element("header", element("h1", "Plan"), element("p", " · ".join(counts), class_="lead"))


def _cluster(found: Digest) -> list[Child]:
    services = [
        element(
            "li",
            element("span", class_=f"swatch c{place % 8}"),
            element("a", part.service["name"], href=f"#s{place}"),
        )
        for place, part in enumerate(found.parts)
    ]
    memory = [element("li", element("i", class_=f"l{kind} c7"), word) for kind, word in _MEMORY]
    signs = [element("li", "▸ :port is a front door: clients call it"), element("li", "? memory not known")]
    keys = "A GPU's memory, bottom to top:"
    return [
        element("h2", "Cluster"),
        element("ul", services, class_="keys"),
        drawing.overview(found),
        element("ul", element("li", keys), memory, signs, class_="keys note"),
        drawing.cluster(found),
    ]


def _services(found: Digest) -> list[Child]:
    rest = panels.reasons(wording.folded(found.decisions))
    return [
        element("h2", "Services"),
        [panels.panel(part, place) for place, part in enumerate(found.parts)],
        join(element("h2", "Warnings of the whole plan"), panels.warnings(found.warnings)) if found.warnings else None,
        join(element("h2", "Other decisions"), rest) if rest else None,
    ]
