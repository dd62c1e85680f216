# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which values an option takes: the words that it is limited to, and whether a number may be written as ``32k``."""

from __future__ import annotations

import ast
import typing as t

from source_tree import SourceTree
from value_kinds import Kwargs, sees_through_optional

#: What vLLM's own number types take besides digits, as the table says it.
_READABLE = {"human_readable_int": "suffix", "human_readable_int_or_auto": "suffix or auto"}


def choices(kwargs: Kwargs, tree: SourceTree) -> list[str] | None:
    """The words that an option is limited to; None: any, or they are only known to a running vLLM."""
    if "choices" in kwargs:
        found = evaluated(kwargs["choices"], kwargs.module, tree)
    elif kwargs.hint is not None:
        found = _of_hint(kwargs.hint, kwargs.module, tree)
    else:
        return None
    if found is None or not all(isinstance(word, str) or word is None for word in found):
        return None
    return sorted({word for word in found if word not in (None, "None", *kwargs.removed)}) or None


def readable(name: str, kwargs: Kwargs, tree: SourceTree) -> str | None:
    """How a number may be written besides digits: ``suffix`` (32k), ``suffix or auto``; None: in digits alone."""
    if "type" in kwargs:
        node = kwargs["type"]
        while isinstance(node, ast.Call) and node.args:
            node = node.args[0]
        return _READABLE.get(ast.unparse(node))
    return _readable_fields(tree).get(name.replace("-", "_")) if kwargs.hint is not None else None


def _of_hint(hint: ast.expr, module: str, tree: SourceTree) -> list[t.Any] | None:
    """Follows vLLM's own literal_to_kwargs: a text beside the words means that others are taken too."""
    words: list[t.Any] = []
    others: set[str] = set()
    _gather(hint, module, tree, words, others)
    blurred = "None" in others and not sees_through_optional(tree)
    return words if words and not blurred and not others & {"str", "bool", "list", "tuple", "set"} else None


def _gather(hint: ast.expr, module: str, tree: SourceTree, words: list[t.Any], others: set[str]) -> None:
    if isinstance(hint, ast.Constant):
        if isinstance(hint.value, str):
            _gather(ast.parse(hint.value, mode="eval").body, module, tree, words, others)
        else:
            others.add(str(hint.value))
    elif isinstance(hint, ast.BinOp):
        _gather(hint.left, module, tree, words, others)
        _gather(hint.right, module, tree, words, others)
    elif isinstance(hint, ast.Subscript):
        name = ast.unparse(hint.value).rpartition(".")[2]
        items = hint.slice.elts if isinstance(hint.slice, ast.Tuple) else [hint.slice]
        if name == "Literal":
            found = evaluated(ast.List(items), module, tree)
            words += found if found is not None else [0]
        elif name in ("Optional", "Union", "Annotated", "SkipValidation"):
            others.update({"None"} if name == "Optional" else ())
            for item in items if name == "Union" else items[:1]:
                _gather(item, module, tree, words, others)
        else:
            others.add(name.lower())
    else:
        _gather_named(ast.unparse(hint), module, tree, words, others)


def _gather_named(name: str, module: str, tree: SourceTree, words: list[t.Any], others: set[str]) -> None:
    found = tree.define(name.rpartition(".")[2], module)
    if found is not None and isinstance(found[0], ast.expr):
        _gather(found[0], found[1], tree, words, others)
    else:
        others.add(name)


def evaluated(node: ast.expr, module: str, tree: SourceTree) -> list[t.Any] | None:
    """The constants of a list, an enumeration or a literal type, wherever they are written."""
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        found: list[t.Any] = []
        for item in node.elts:
            inner = evaluated(item.value if isinstance(item, ast.Starred) else item, module, tree)
            if inner is None:
                return None
            found += inner
        return found
    if isinstance(node, ast.Constant):
        return [node.value]
    if isinstance(node, ast.ListComp):  # [f.value for f in LoadFormat]
        return evaluated(node.generators[0].iter, module, tree)
    if isinstance(node, ast.Call) and len(node.args) == 1 and ast.unparse(node.func) in ("list", "get_args", "sorted"):
        return evaluated(node.args[0], module, tree)
    if isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith("Literal"):
        return evaluated(node.slice if isinstance(node.slice, ast.Tuple) else ast.List([node.slice]), module, tree)
    if isinstance(node, (ast.Name, ast.Attribute)):
        defined = tree.define(ast.unparse(node).rpartition(".")[2], module)
        if defined is not None and isinstance(defined[0], ast.ClassDef):
            values = [item.value for item in defined[0].body if isinstance(item, ast.Assign)]
            return evaluated(ast.List(t.cast("list[ast.expr]", values)), defined[1], tree) if values else None
        if defined is not None and isinstance(defined[0], ast.expr):
            return evaluated(defined[0], defined[1], tree)
    return None


def _readable_fields(tree: SourceTree) -> dict[str, str]:
    """Fields whose numbers vLLM's get_kwargs reads with its own types, from the conditions that it does so under."""
    found: dict[str, str] = {}
    for function in ("_compute_kwargs", "get_kwargs"):
        defined = tree.define(function, "vllm.engine.arg_utils")
        if defined is None:
            continue
        sets = {
            ast.unparse(node.targets[0]): node.value for node in ast.walk(defined[0]) if isinstance(node, ast.Assign)
        }
        for node in ast.walk(defined[0]):
            if (
                isinstance(node, ast.If)
                and isinstance(node.test, ast.Compare)
                and ast.unparse(node.test.left) == "name"
            ):
                how = [_READABLE[word] for item in node.body for word in _words(item) if word in _READABLE]
                against = node.test.comparators[0]
                fields = evaluated(sets.get(ast.unparse(against), against), defined[1], tree)
                found.update({str(field): how[0] for field in fields or () if how})
    return found


def _words(node: ast.stmt) -> list[str]:
    """The name that a statement assigns."""
    return [ast.unparse(node.value)] if isinstance(node, ast.Assign) else []
