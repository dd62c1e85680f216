# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quantization methods of a release with the least compute capability that each takes, as its sources declare them.

A capability is a number as vLLM writes it: 75 is 7.5, and 0 is any. ``elsewhere``: the method is made for accelerators
other than NVIDIA's, and its class refuses to tell.
"""

from __future__ import annotations

import ast
import typing as t

from source_tree import SourceTree

_HOME = "vllm.model_executor.layers.quantization"
_SCHEMES = (f"{_HOME}.compressed_tensors", f"{_HOME}.quark")
_TELLS = "get_min_capability"
ELSEWHERE = "elsewhere"


def methods(tree: SourceTree) -> dict[str, int | str]:
    """Method -> least capability, by the class that ``get_quantization_config`` gives for it."""
    classes = _classes(tree)
    found: dict[str, int | str] = {}
    for name in _strings(tree, "QuantizationMethods", "QUANTIZATION_METHODS"):
        if name not in classes:
            raise SystemExit(f"vLLM {tree.release} gives no class for {name!r}: teach the scanner its new way")
        least = _least(tree, *classes[name])
        if least is None:
            raise SystemExit(f"vLLM {tree.release} tells no capability of {name!r}: teach the scanner its new way")
        found[name] = least
    return found


def deprecated(tree: SourceTree) -> set[str]:
    """Methods that need --allow-deprecated-quantization."""
    return set(_strings(tree, "DEPRECATED_QUANTIZATION_METHODS"))


def schemes(tree: SourceTree) -> dict[str, int]:
    """Class of a scheme of compressed-tensors or Quark -> least capability; the least of several that it may tell."""
    found = {}
    for home in _SCHEMES:
        folder = tree.root.joinpath(*home.split("."), "schemes")
        for file in sorted(folder.glob("*.py")) if folder.is_dir() else ():
            module = f"{home}.schemes.{file.stem}"
            for node in (tree.module(module) or ast.Module([], [])).body:
                least = _least(tree, node.name, module) if isinstance(node, ast.ClassDef) else None
                if isinstance(node, ast.ClassDef) and isinstance(least, int):
                    found[node.name] = least
    return found


def _strings(tree: SourceTree, *names: str) -> list[str]:
    """The texts of the first of these lists or Literals that there is."""
    for name in names:
        found = tree.define(name, tree.first_module(_HOME))
        value = found[0] if found else None
        if isinstance(value, ast.Subscript):
            value = value.slice
        if isinstance(value, (ast.List, ast.Tuple)):
            return [str(item.value) for item in value.elts if isinstance(item, ast.Constant)]
    return []


def _classes(tree: SourceTree) -> dict[str, tuple[str, str]]:
    """Method -> (name of its class, module that has it)."""
    found = tree.define("get_quantization_config", tree.first_module(_HOME))
    if found is None or not isinstance(found[0], ast.FunctionDef):
        raise SystemExit(f"vLLM {tree.release}: {_HOME} has no get_quantization_config")
    nodes = list(ast.walk(found[0]))
    places = _places(tree, nodes)
    table: dict[str, tuple[str, str]] = {}
    for node in nodes:
        for key, value in zip(node.keys, node.values) if isinstance(node, ast.Dict) else ():
            if isinstance(key, ast.Constant) and isinstance(value, ast.Name):
                table[str(key.value)] = places[value.id]
    for node in nodes:  # for shorthand in _ONLINE_SHORTHANDS: method_to_config.setdefault(shorthand, Class)
        if isinstance(node, ast.For) and isinstance(node.iter, ast.Name) and node.iter.id in places:
            held = [part.id for part in ast.walk(node) if isinstance(part, ast.Name) and part.id.endswith("Config")]
            for name in _keys(tree, *places[node.iter.id]) if held else ():
                table.setdefault(name, places[held[0]])
    return table


def _places(tree: SourceTree, nodes: t.Sequence[ast.AST]) -> dict[str, tuple[str, str]]:
    """What a function imports, and the names that it gives to it: name -> (name in its module, module)."""
    places: dict[str, tuple[str, str]] = {}
    for node in nodes:
        for alias in node.names if isinstance(node, ast.ImportFrom) else ():
            places.setdefault(alias.asname or alias.name, (alias.name, tree.origin(node, _HOME)))
    for node in nodes:  # deepseek_config = DeepseekV4FP8Config
        if isinstance(node, ast.AnnAssign):
            target: ast.expr = node.target
        elif isinstance(node, ast.Assign):
            target = node.targets[0]
        else:
            continue
        if isinstance(target, ast.Name) and isinstance(node.value, ast.Name) and node.value.id in places:
            places.setdefault(target.id, places[node.value.id])
    return places


def _keys(tree: SourceTree, name: str, module: str) -> list[str]:
    """The texts that a mapping, list or set holds as keys or items; those of an Enum's members, by their values."""
    found = tree.define(name, module)
    value = found[0] if found else None
    if isinstance(value, ast.ClassDef):
        items = [node.value for node in value.body if isinstance(node, ast.Assign)]
    else:
        items = getattr(value, "keys", None) or getattr(value, "elts", [])
    return [str(item.value) for item in items if isinstance(item, ast.Constant)]


def _least(tree: SourceTree, name: str, module: str) -> int | str | None:
    """What a class or the first of its bases says; None where none says anything."""
    found = tree.define(name, module)
    if found is None or not isinstance(found[0], ast.ClassDef):
        return None
    made, module = found
    for node in made.body:
        if isinstance(node, ast.FunctionDef) and node.name == _TELLS:
            return _told(tree, node, module)
    for base in made.bases:
        least = _least(tree, ast.unparse(base), module)
        if least is not None:
            return least
    return None


def _told(tree: SourceTree, function: ast.FunctionDef, module: str) -> int | str:
    told: list[int] = []
    for node in ast.walk(function):
        value = node.value if isinstance(node, ast.Return) else None
        if isinstance(value, ast.Call) and ast.unparse(value).endswith(f".{_TELLS}()"):  # another class's
            other = _least(tree, ast.unparse(t.cast("ast.Attribute", value.func).value), module)
            told += [other] if isinstance(other, int) else []
        elif value is not None:
            told.append(max(0, int(ast.literal_eval(value))))
    return min(told) if told else ELSEWHERE
