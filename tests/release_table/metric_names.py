# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The metrics that a release declares, by the names that a scrape of /metrics shows."""

from __future__ import annotations

import ast
import re
import typing as t

from source_tree import SourceTree

_NAME = re.compile(r"vllm:[a-z][a-z0-9_]+[a-z0-9]")
_KINDS = ("counter", "gauge", "histogram")
_FIRST_V1_DEFAULT = (0, 8, 0)


class Declared(t.NamedTuple):
    """One mention of a metric: its name as written, its kind or an empty text, and whether it is hidden by default."""

    name: str
    kind: str
    hidden: bool


def metrics(tree: SourceTree) -> dict[str, str]:
    """Name as scraped -> its kind and state, as ``gauge shown`` or ``counter hidden``.

    The states are those of module_utils/releases/metrics.py, state(). A counter is scraped with ``_total`` at its end,
    however it was declared.
    """
    old: dict[str, Declared] = {}
    new: dict[str, Declared] = {}
    constants: dict[str, str] = {}
    trees = [(path, ast.parse(text)) for path, text in tree.files_with("vllm:") if not path.startswith("benchmarks/")]
    for path, module in trees:
        for declared in _declared(module, constants):
            side = old if path == "engine/metrics.py" else new
            kept = side.get(declared.name)
            if kept is None or (declared.kind and not kept.kind) or (kept.hidden and not declared.hidden):
                side[declared.name] = declared
    kinds = _kinds_of_constants(tree, constants)
    default_is_v1 = tuple(int(part) for part in tree.release.split(".")[:3]) >= _FIRST_V1_DEFAULT
    result: dict[str, str] = {}
    for side, other_engine in ((new, "" if default_is_v1 else "v1"), (old, "v0" if default_is_v1 else "")):
        for declared in side.values():
            kind = declared.kind or kinds.get(declared.name, "")
            if kind:
                name = _scraped(declared.name, kind)
                state = other_engine or ("hidden" if declared.hidden else "shown")
                if name not in result or result[name].endswith(" v1"):
                    result[name] = f"{kind} {state}"
    return result


def _scraped(name: str, kind: str) -> str:
    return name if kind != "counter" or name.endswith("_total") else f"{name}_total"


def _declared(module: ast.Module, constants: dict[str, str]) -> t.Iterator[Declared]:
    parents = {child: node for node in ast.walk(module) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(module):
        if not (isinstance(node, ast.Constant) and isinstance(node.value, str) and _NAME.fullmatch(node.value)):
            continue
        above = list(_ancestors(node, parents))
        assigned = above[0] if above else None
        if isinstance(assigned, (ast.Assign, ast.AnnAssign)):
            target = assigned.targets[0] if isinstance(assigned, ast.Assign) else assigned.target
            owner = parents[assigned]
            prefix = f"{owner.name}." if isinstance(owner, ast.ClassDef) else ""
            constants[prefix + ast.unparse(target)] = node.value
        hidden = any(isinstance(item, ast.If) and "hidden" in ast.unparse(item.test) for item in above)
        yield Declared(node.value, _kind(above), hidden)


def _kind(above: t.Sequence[ast.AST]) -> str:
    """By the class that is called with the name, or the name of the list it stands in."""
    for node in above:
        if isinstance(node, ast.Call):
            words = ast.unparse(node.func).lower()
        elif isinstance(node, ast.Assign):
            words = ast.unparse(node.targets[0]).lower()
        else:
            continue
        for kind in _KINDS:
            if kind in words:
                return kind
        if words.endswith(("_info", "name")) and isinstance(node, ast.Assign):
            return "gauge" if "info" in ast.unparse(node.value) else ""
    return ""


def _kinds_of_constants(tree: SourceTree, constants: t.Mapping[str, str]) -> dict[str, str]:
    """Kinds of names that are declared once as a constant and used elsewhere, as argument or as key of a mapping."""
    result: dict[str, str] = {}
    for _path, text in tree.files_with("", "v1", "distributed", "entrypoints", "parser") if constants else ():
        if not any(word in text for word in constants):
            continue
        module = ast.parse(text)
        parents = {child: node for node in ast.walk(module) for child in ast.iter_child_nodes(node)}
        for node in ast.walk(module):
            if isinstance(node, (ast.Name, ast.Attribute)):
                name = constants.get(".".join(ast.unparse(node).split(".")[-2:]))
                kind = _kind(_uses(node, parents)) if name and name not in result else ""
                if name and kind:
                    result[name] = kind
    return result


def _uses(node: ast.expr, parents: t.Mapping[ast.AST, ast.AST]) -> list[ast.AST]:
    """What says the kind of a constant: its value, where it is the key of a mapping; else the calls around it."""
    holder = parents.get(node)
    if isinstance(holder, ast.Dict) and node in holder.keys:
        return [holder.values[holder.keys.index(node)]]
    assigned = parents.get(holder) if isinstance(holder, ast.Subscript) else None
    if isinstance(assigned, ast.Assign) and holder in assigned.targets:
        return [assigned.value]
    return [item for item in _ancestors(node, parents) if isinstance(item, ast.Call)]


def _ancestors(node: ast.AST, parents: t.Mapping[ast.AST, ast.AST]) -> t.Iterator[ast.AST]:
    while node in parents:
        node = parents[node]
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            # A condition around a whole function does not concern the one metric in it.
            return
        yield node
