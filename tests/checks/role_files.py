# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every role of the collection must hold. Each function gives complaints; none means good."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import yaml

GALAXY_INFO = ("author", "description", "license", "min_ansible_version", "platforms")
Options = dict[str, dict[str, t.Any]]


def load(path: Path) -> t.Any:
    return yaml.safe_load(path.read_text()) if path.is_file() else None


def entry_points(role: Path) -> dict[str, Options]:
    """The options of each entry point in meta/argument_specs.yml."""
    specs = (load(role / "meta" / "argument_specs.yml") or {}).get("argument_specs", {})
    return {name: spec.get("options") or {} for name, spec in specs.items()}


def defaults_and_specs(role: Path) -> list[str]:
    """The defaults are exactly the options that are not required, with the same values."""
    defaults: dict[str, t.Any] = load(role / "defaults" / "main.yml") or {}
    points = entry_points(role)
    complaints = []
    for point, options in points.items():
        if not any((role / "tasks" / f"{point}{suffix}").is_file() for suffix in (".yml", ".yaml")):
            complaints.append(f"entry point {point}: there is no tasks/{point}.yml")
        for name, option in options.items():
            complaints += [f"{point}: {name}: {told}" for told in _option(option, name in defaults, defaults.get(name))]
    known = {name for options in points.values() for name in options}
    complaints += [f"{name}: has a default and stands in no argument spec" for name in defaults if name not in known]
    return complaints


def _option(option: dict[str, t.Any], has_default: bool, default: t.Any) -> list[str]:
    complaints = [f"has no {key}" for key in ("description", "type") if not option.get(key)]
    if option.get("required"):
        if has_default or "default" in option:
            complaints.append("is required, so it can have no default")
    elif not has_default:
        complaints.append("is neither required nor in defaults/main.yml")
    elif "default" not in option:
        complaints.append(f"the spec tells no default; defaults/main.yml has {default!r}")
    elif option["default"] != default or type(option["default"]) is not type(default):
        complaints.append(f"the spec says {option['default']!r}, defaults/main.yml {default!r}")
    return complaints


def disagreements(roles: t.Iterable[Path]) -> list[str]:
    """A variable that several roles read has one type and one default."""
    seen: dict[str, tuple[str, t.Any]] = {}
    complaints = []
    for role in roles:
        for name, option in sorted(
            {k: v for options in entry_points(role).values() for k, v in options.items()}.items()
        ):
            meaning = (option.get("type"), option.get("default"))
            first, other = seen.setdefault(name, (role.name, meaning))
            if other != meaning:
                complaints.append(f"{name}: {first} says type and default {other}, {role.name} says {meaning}")
    return complaints


def comments(role: Path) -> list[str]:
    """Each default stands under a comment of its own."""
    path = role / "defaults" / "main.yml"
    lines = path.read_text().splitlines() if path.is_file() else []
    return [
        f"{line.partition(':')[0]}: no comment above it in defaults/main.yml"
        for above, line in zip(["", *lines], lines)
        if re.match(r"\w+:", line) and not above.startswith("#")
    ]


def variable_names(role: Path) -> list[str]:
    """Inputs are ``vllm_*`` (or carry the role's name); what a role sets for itself is ``__<role>_*``."""
    private = f"__{role.name}_"
    public = ("vllm_", f"{role.name}_")
    complaints = [
        f"defaults/main.yml: {name}: starts neither with {' nor with '.join(public)}"
        for name in load(role / "defaults" / "main.yml") or {}
        if not name.startswith(public)
    ]
    own = [(path, name) for path in sorted(role.glob("vars/*.yml")) for name in load(path) or {}]
    for path in sorted([*role.glob("tasks/**/*.yml"), *role.glob("handlers/**/*.yml")]):
        own += [(path, name) for name in set_names(load(path))]
    complaints += [
        f"{path.relative_to(role)}: {name}: does not start with {private}"
        for path, name in own
        if not name.startswith(private)
    ]
    return complaints


def set_names(tasks: t.Any) -> t.Iterator[str]:
    """Every variable that a list of tasks, blocks included, registers, sets as a fact or loops with."""
    for task in tasks or []:
        for key in ("block", "rescue", "always"):
            yield from set_names(task.get(key))
        if isinstance(task.get("register"), str):
            yield task["register"]
        facts = task.get("ansible.builtin.set_fact") or {}
        yield from (name for name in facts if name != "cacheable")
        loop_control = task.get("loop_control") or {}
        yield from (loop_control[key] for key in ("loop_var", "index_var") if key in loop_control)


def files(role: Path) -> list[str]:
    """README, tasks and the meta files are there; meta/main.yml says who, what and for which platforms."""
    needed = ("README.md", "defaults/main.yml", "meta/argument_specs.yml", "meta/main.yml", "tasks/main.yml")
    complaints = [f"{name} is missing" for name in needed if not (role / name).is_file()]
    complaints += [
        f"{name} is empty" for name in needed if (role / name).is_file() and not (role / name).stat().st_size
    ]
    info = (load(role / "meta" / "main.yml") or {}).get("galaxy_info") or {}
    complaints += [f"meta/main.yml: galaxy_info has no {key}" for key in GALAXY_INFO if not info.get(key)]
    if info.get("license") not in (None, "GPL-3.0-or-later"):
        complaints.append(f"meta/main.yml: license is {info['license']}, the collection's is GPL-3.0-or-later")
    return complaints


def inventory_groups(role: Path) -> list[str]:
    """A role takes its hosts from the plan, never from a group's name."""
    pattern = re.compile(r"\bgroups\s*[\[.]|\bgroup_names\b")
    texts = [path for path in role.rglob("*") if path.suffix in (".yml", ".j2")]
    return [f"{path.relative_to(role)}: names an inventory group" for path in texts if pattern.search(path.read_text())]


CHECKS: tuple[t.Callable[[Path], list[str]], ...] = (
    files,
    defaults_and_specs,
    comments,
    variable_names,
    inventory_groups,
)
