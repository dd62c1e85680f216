# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that one release's sources tell, in the shape of the tables: (table, section) -> name -> value."""

from __future__ import annotations

import typing as t

import metric_names
import names
import needs
import quantization_methods
from serve_parser import serve_options
from source_tree import SourceTree

Section = tuple[str, str]
Column = dict[str, t.Any]
FACTS: Section = ("releases", "facts")

#: Every derived section, in the order in which the files hold them. The value True only says: it is there.
SECTIONS: tuple[Section, ...] = (
    FACTS,
    ("releases", "commands"),
    ("serve_flags", "flags"),
    ("serve_flags", "short_forms"),
    ("serve_flags", "choices"),
    ("serve_flags", "readable"),
    ("environment_variables", "variables"),
    ("connectors", "kv_connectors"),
    ("connectors", "ec_connectors"),
    ("connectors", "transfer_keys"),
    ("connectors", "extra_keys"),
    ("metrics", "metrics"),
    ("quantization", "methods"),
    ("quantization", "deprecated"),
    ("quantization", "schemes"),
)


class Observation(t.NamedTuple):
    """What was seen in a release. told: its sources tell every fact, not only some of them."""

    release: str
    columns: dict[Section, Column]
    told: bool


def observe(tree: SourceTree) -> Observation:
    """Read everything."""
    options = serve_options(tree)
    kinds = options.kinds
    columns: dict[Section, Column] = {
        FACTS: dict(needs.facts(tree)),
        ("releases", "commands"): dict.fromkeys(names.commands(tree), True),
        ("serve_flags", "flags"): {name: kind for name, kind in kinds.items() if not name.startswith("-")},
        ("serve_flags", "short_forms"): {name[1:]: long for name, long in kinds.items() if name.startswith("-")},
        ("serve_flags", "choices"): dict(options.choices),
        ("serve_flags", "readable"): dict(options.readable),
        ("environment_variables", "variables"): dict.fromkeys(names.environment_variables(tree), True),
        ("connectors", "transfer_keys"): dict.fromkeys(names.transfer_keys(tree), True),
        ("connectors", "extra_keys"): {
            f"{connector} {key}": True for connector, keys in names.extra_keys(tree).items() for key in keys
        },
        ("metrics", "metrics"): dict(metric_names.metrics(tree)),
        ("quantization", "methods"): dict(quantization_methods.methods(tree)),
        ("quantization", "deprecated"): dict.fromkeys(quantization_methods.deprecated(tree), True),
        ("quantization", "schemes"): dict(quantization_methods.schemes(tree)),
    }
    for family in ("kv_connectors", "ec_connectors"):
        columns["connectors", family] = dict.fromkeys(names.connectors(tree, family), True)
    return Observation(tree.release, columns, needs.tells_needs(tree))
