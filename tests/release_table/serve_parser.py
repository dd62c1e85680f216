# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of ``vllm serve``, by following the code that declares them without running it.

It knows the few statements that vLLM uses for that: calls of add_argument, get_kwargs of a configuration class, changes
to what it gave, and loops over it.
"""

from __future__ import annotations

import ast
import typing as t

from source_tree import SourceTree
from value_choices import choices, evaluated, readable
from value_kinds import Kwargs, kind

_ARGS = "vllm.engine.arg_utils"
_FRONTENDS = (
    "vllm.entrypoints.common.cli_args",
    "vllm.entrypoints.launchers.cli_args",
    "vllm.entrypoints.openai.cli_args",
)
Names = dict[str, t.Any]


class ServeOptions(t.NamedTuple):
    """By option names without their dashes. kinds: short forms as ``-tp``, with the long name in place of a kind."""

    kinds: dict[str, str]
    choices: dict[str, list[str]]
    readable: dict[str, str]


def serve_options(tree: SourceTree) -> ServeOptions:
    """The options, the words that some are limited to, and the numbers that need not be digits (value_choices.py)."""
    reader = _Reader(tree)
    module = tree.first_module("vllm.entrypoints.cli.serve", "vllm.scripts")
    start = reader.method("ServeSubcommand", "subparser_init", module) or tree.define("main", module)
    if start is None or not isinstance(start[0], ast.FunctionDef):
        raise SystemExit(f"vLLM {tree.release}: {module} declares no serve command that the scanner knows")
    reader.follow(start[0], {}, only="serve_parser")
    if "config" not in reader.options:
        # Since the front end declares it, the subcommand no longer does; before, only the latter did.
        raise SystemExit(f"vLLM {tree.release}: the scanner did not reach the end of the serve command")
    kinds = {**reader.options, "help": "switch", "-h": "help"}
    limited = {name: words for name, words in reader.choices.items() if kinds[name] == "string"}
    return ServeOptions(kinds, limited, {name: how for name, how in reader.readable.items() if kinds[name] == "int"})


class _Reader:
    def __init__(self, tree: SourceTree) -> None:
        self.tree = tree
        self.options: dict[str, str] = {}
        self.choices: dict[str, list[str]] = {}
        self.readable: dict[str, str] = {}
        self.frontend = tree.first_module(*_FRONTENDS)

    def method(self, owner: str, name: str, module: str) -> tuple[ast.FunctionDef, str] | None:
        """The function of a class of that name, or of a class it builds on."""
        found = self.tree.define(owner, module)
        if found is None or not isinstance(found[0], ast.ClassDef):
            return None
        for node in found[0].body:
            if isinstance(node, ast.FunctionDef) and node.name == name:
                return node, found[1]
        for base in found[0].bases:
            inherited = self.method(ast.unparse(base), name, found[1])
            if inherited:
                return inherited
        return None

    def fields(self, owner: str, module: str) -> dict[str, Kwargs]:
        """What get_kwargs gives for a class: its annotated fields, those of its bases first."""
        found = self.tree.define(owner, module)
        if found is None or not isinstance(found[0], ast.ClassDef):
            raise SystemExit(f"vLLM {self.tree.release}: no class {owner} is to be found from {module}")
        result: dict[str, Kwargs] = {}
        for base in found[0].bases:
            if self.tree.define(ast.unparse(base), found[1]):
                result.update(self.fields(ast.unparse(base), found[1]))
        for node in found[0].body:
            if not (isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)):
                continue
            if not ast.unparse(node.annotation).startswith(("ClassVar", "InitVar")):
                result[node.target.id] = Kwargs()
                result[node.target.id].hint, result[node.target.id].module = node.annotation, found[1]
        return result

    def follow(self, function: ast.FunctionDef, names: Names, only: str | None = None) -> t.Any:
        """Walk a function; gives what it returns, where that is a known object."""
        return self._block(function.body, names, only)

    def _block(self, body: t.Sequence[ast.stmt], names: Names, only: str | None) -> t.Any:
        for node in body:
            if isinstance(node, ast.If):
                self._block(node.body if _applies(node.test) else node.orelse, names, only)
            elif isinstance(node, ast.For):
                self._loop(node, names, only)
            elif isinstance(node, ast.Return) and node.value is not None:
                return self._value(node.value, names, only)
            elif isinstance(node, ast.Assign):
                self._assign(node.targets[0], node.value, names, only)
            elif isinstance(node, ast.Delete):
                for target in node.targets:
                    if isinstance(target, ast.Subscript):
                        self._value(target.value, names, only)[_key(target)] = ast.Constant("")
            elif isinstance(node, ast.Expr):
                self._value(node.value, names, only)
        return None

    def _assign(self, target: ast.expr, node: ast.expr, names: Names, only: str | None) -> None:
        if isinstance(target, ast.Name):
            known = self._value(node, names, only)
            names[target.id] = node if known is None else known
        elif isinstance(target, ast.Subscript):
            holder = self._value(target.value, names, only)
            if isinstance(holder, Kwargs):
                holder[_key(target)] = node

    def _loop(self, node: ast.For, names: Names, only: str | None) -> None:
        if not isinstance(node.target, ast.Tuple):
            return
        loop_names = [item.id for item in node.target.elts if isinstance(item, ast.Name)]
        rows: t.Iterable[t.Sequence[t.Any]] = ()
        if isinstance(node.iter, (ast.List, ast.Tuple)):
            rows = [row.elts for row in node.iter.elts if isinstance(row, ast.Tuple)]
        elif isinstance(node.iter, ast.Call) and ast.unparse(node.iter.func).endswith(".items"):
            held = self._value(t.cast(ast.Attribute, node.iter.func).value, names, only)
            rows = [(ast.Constant(key), value) for key, value in held.items()] if isinstance(held, dict) else ()
        for row in rows:
            self._block(node.body, {**names, **dict(zip(loop_names, row))}, only)

    def _value(self, node: ast.expr, names: Names, only: str | None) -> t.Any:
        """A known object, or None."""
        if isinstance(node, ast.Name):
            return names.get(node.id)
        if isinstance(node, ast.Subscript):
            holder = self._value(node.value, names, only)
            return holder.get(_key(node)) if isinstance(holder, dict) else None
        return self._call(node, names, only) if isinstance(node, ast.Call) else None

    def _call(self, node: ast.Call, names: Names, only: str | None) -> t.Any:
        called = ast.unparse(node.func)
        owner, _dot, name = called.rpartition(".")
        if name == "add_argument":
            if only is None or owner == only:
                self._declare(node, names)
        elif called == "get_kwargs":
            of = ast.unparse(node.args[0])
            return self.fields(names["cls"] if of == "cls" else of, names["__module__"])
        elif called == "make_arg_parser":
            found = self.tree.define(name, self.frontend)
            if found and isinstance(found[0], ast.FunctionDef):
                self.follow(found[0], {"__module__": found[1]})
        elif name == "add_cli_args":
            return self._declare_class(owner)
        elif name == "remove" and owner.endswith("['choices']"):
            held = self._value(t.cast(ast.Subscript, t.cast(ast.Attribute, node.func).value).value, names, only)
            if isinstance(held, Kwargs):
                held.removed += tuple(str(word) for word in evaluated(node.args[0], _ARGS, self.tree) or ())
        elif name == "_customize_cli_kwargs":
            # A class calls its base first; _customize has followed the bases already.
            held = names["frontend_kwargs"]
            return held if owner == "super()" else self._customize(names["cls"], held)
        return None

    def _declare_class(self, owner: str) -> None:
        module = _ARGS if owner.endswith("EngineArgs") else self.frontend
        found = self.method(owner, "add_cli_args", module)
        if found is None:
            raise SystemExit(f"vLLM {self.tree.release}: {owner} has no add_cli_args")
        self.follow(found[0], {"cls": owner, "__module__": found[1]})

    def _customize(self, owner: str, kwargs: dict[str, Kwargs]) -> dict[str, Kwargs]:
        """The changes that each class of the family makes, those of the bases first."""
        found = self.tree.define(owner, self.frontend)
        if found and isinstance(found[0], ast.ClassDef):
            for base in found[0].bases:
                self._customize(ast.unparse(base), kwargs)
            for node in found[0].body:
                if isinstance(node, ast.FunctionDef) and node.name == "_customize_cli_kwargs":
                    self.follow(node, {"frontend_kwargs": kwargs})
        return kwargs

    def _declare(self, node: ast.Call, names: Names) -> None:
        kwargs = Kwargs()
        for keyword in node.keywords:
            if keyword.arg:
                kwargs[keyword.arg] = t.cast(ast.expr, names.get(ast.unparse(keyword.value), keyword.value))
            else:
                for source in _unpacked(keyword.value):
                    known = self._value(source, names, None)
                    if isinstance(known, Kwargs):
                        kwargs = _merged(known, kwargs)
        spelled = [option for item in node.args for option in _option_strings(item, names)]
        long = [option[2:].replace("_", "-") for option in spelled if option.startswith("--")]
        if long:
            kwargs.module = kwargs.module or str(names.get("__module__", ""))
            for option in long:
                self.options[option] = kind(kwargs, self.tree)
                words, how = choices(kwargs, self.tree), readable(option, kwargs, self.tree)
                self.choices.update({option: words} if words else {})
                self.readable.update({option: how} if how else {})
            self.options.update({short: long[0] for short in spelled if not short.startswith("--")})


def _unpacked(node: ast.expr) -> t.Iterator[ast.expr]:
    """``**kwargs`` and ``**{**kwargs, "default": None}`` name their source."""
    if isinstance(node, ast.Dict):
        yield from (value for key, value in zip(node.keys, node.values) if key is None)
    else:
        yield node


def _merged(base: Kwargs, over: Kwargs) -> Kwargs:
    result = Kwargs({**base, **over})
    result.hint, result.module, result.removed = base.hint, base.module, base.removed
    return result


def _option_strings(node: ast.expr, names: Names) -> t.Iterator[str]:
    if isinstance(node, ast.Name):
        node = names.get(node.id, node)
    if isinstance(node, ast.Constant):
        if str(node.value).startswith("-"):
            yield str(node.value)
    elif isinstance(node, ast.JoinedStr):
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                name = ast.unparse(part.value).partition(".")[0]
                yield "--" + str(t.cast(ast.Constant, names[name]).value)


def _key(node: ast.Subscript) -> str:
    return str(node.slice.value) if isinstance(node.slice, ast.Constant) else ast.unparse(node.slice)


def _applies(test: ast.expr) -> bool:
    """Whether a condition holds for ``vllm serve MODEL``: only what it says of the command line is weighed."""
    if isinstance(test, ast.BoolOp):
        results = [_applies(value) for value in test.values]
        return all(results) if isinstance(test.op, ast.And) else any(results)
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not) and "argv" in ast.unparse(test):
        return not _applies(test.operand)
    if isinstance(test, ast.Compare) and "argv" in ast.unparse(test) and isinstance(test.left, ast.Constant):
        present = test.left.value == "serve"
        return present != isinstance(test.ops[0], ast.NotIn)
    return True
