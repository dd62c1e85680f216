# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What follows an option on the command line, from the way vLLM declares it.

The kinds are those of module_utils/releases/flags.py, kind().
"""

from __future__ import annotations

import ast
import typing as t

from source_tree import SourceTree

_ACTIONS = {
    "store_true": "switch",
    "help": "switch",
    "append": "append",
    "argparse.BooleanOptionalAction": "pair",
    "StoreBoolean": "boolean",
}
_TYPES = {
    "int": "int",
    "human_readable_int": "int",
    "human_readable_int_or_auto": "int",
    "float": "float",
    "json.loads": "json",
    "union_dict_and_str": "json",
}
_WRAPPERS = ("optional_type", "parse_type")
_TRANSPARENT = ("Annotated", "SkipValidation")


class Kwargs(dict[str, ast.expr]):
    """The keyword arguments of one add_argument call, and the annotation they derive from, if any.

    An empty ``nargs`` says that vLLM took away what the annotation gave. removed: words taken from its choices.
    """

    hint: ast.expr | None = None
    module: str = ""
    removed: tuple[str, ...] = ()


def kind(kwargs: Kwargs, tree: SourceTree) -> str:
    """The kind of an option."""
    action = _text(kwargs.get("action"))
    if action in _ACTIONS:
        return _ACTIONS[action]
    nargs = _text(kwargs.get("nargs"))
    if nargs:
        return "optional" if nargs == "?" else "list"
    hinted = "string" if kwargs.hint is None else _of_hint(kwargs.hint, kwargs.module, tree)
    if hinted == "list" and "nargs" not in kwargs:
        return hinted
    return _of_type(kwargs["type"]) if "type" in kwargs else hinted


def _of_type(node: ast.expr) -> str:
    if isinstance(node, ast.Call) and _text(node.func) in _WRAPPERS:
        return _of_type(node.args[0])
    text = _text(node)
    return "json" if text.endswith((".from_cli", ".from_json")) else _TYPES.get(text, "string")


def _of_hint(hint: ast.expr, module: str, tree: SourceTree) -> str:
    """Follows vLLM's own get_kwargs, in its order."""
    members = set(_members(hint, module, tree))
    if "dataclass" in members:
        return "json"
    if {"bool", "str", "None"} == members and _takes_optional_text(tree):
        return "optional"
    for member, result in (
        ("bool", "pair"),
        ("literal-int", "int"),
        ("literal", "string"),
        ("list", "list"),
        ("int", "int"),
        ("float", "float"),
        ("dict", "json"),
    ):
        if member in members:
            blurred = "None" in members and result not in ("pair", "list") and not sees_through_optional(tree)
            return "string" if blurred else result
    return "string"


def sees_through_optional(tree: SourceTree) -> bool:
    """The first get_kwargs, of 0.8.4, took every optional value for a text; it was inside another function."""
    return tree.define("get_kwargs", "vllm.engine.arg_utils") is not None


def _takes_optional_text(tree: SourceTree) -> bool:
    """Only releases whose get_kwargs says so take ``--hf-token`` and the like with and without a value."""
    found = tree.define("_compute_kwargs", "vllm.engine.arg_utils")
    return found is not None and "{bool, str, type(None)}" in ast.unparse(found[0])


def _members(hint: ast.expr, module: str, tree: SourceTree) -> t.Iterator[str]:
    """The members of a union, each by the class of types that matters here."""
    if isinstance(hint, ast.Constant):
        if isinstance(hint.value, str):
            yield from _members(ast.parse(hint.value, mode="eval").body, module, tree)
        else:
            yield str(hint.value)
    elif isinstance(hint, ast.BinOp):
        yield from _members(hint.left, module, tree)
        yield from _members(hint.right, module, tree)
    elif isinstance(hint, ast.Subscript):
        yield from _subscript(hint, module, tree)
    else:
        yield from _named(_text(hint), module, tree)


def _subscript(hint: ast.Subscript, module: str, tree: SourceTree) -> t.Iterator[str]:
    name = _text(hint.value).rpartition(".")[2]
    items = hint.slice.elts if isinstance(hint.slice, ast.Tuple) else [hint.slice]
    if name == "Optional":
        yield "None"
    if name in ("Optional", "Union"):
        for item in items:
            yield from _members(item, module, tree)
    elif name in _TRANSPARENT:
        yield from _members(items[0], module, tree)
    elif name == "Literal":
        first = items[0]
        numeric = isinstance(first, ast.Constant) and isinstance(first.value, int)
        yield "literal-int" if numeric else "literal"
    elif name.lower() in ("list", "set", "tuple", "sequence"):
        yield "list"
    else:
        yield "dict" if name.lower() == "dict" else name


def _named(name: str, module: str, tree: SourceTree) -> t.Iterator[str]:
    if name in ("bool", "str", "int", "float", "dict", "list", "None"):
        yield name
        return
    found = tree.define(name.rpartition(".")[2], module)
    if found is None:
        yield name
    elif isinstance(found[0], ast.ClassDef):
        bases = {_text(base) for base in found[0].bases}
        decorators = {_text(item).partition("(")[0] for item in found[0].decorator_list}
        if decorators & {"config", "dataclass", "dataclasses.dataclass"}:
            yield "dataclass"
        else:
            yield "dict" if any(base.startswith("dict") for base in bases) else name
    elif isinstance(found[0], ast.expr):
        yield from _members(found[0], found[1], tree)


def _text(node: ast.expr | None) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return "" if node is None else ast.unparse(node)
