# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Python sources of one vLLM release, read and never run."""

from __future__ import annotations

import ast
import functools
import re
import typing as t
from pathlib import Path

Definition = t.Union[ast.ClassDef, ast.FunctionDef, ast.expr]


class SourceTree:
    """An unpacked source distribution or wheel, or the site-packages folder that vLLM is installed in."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.package = root / "vllm"
        self._modules: dict[str, ast.Module | None] = {}
        if not (self.package / "engine" / "arg_utils.py").is_file():
            raise SystemExit(f"{root} holds no vllm package with its Python sources")

    @functools.cached_property
    def release(self) -> str:
        """The release number that the build wrote into the package."""
        text = (self.package / "_version.py").read_text(encoding="utf-8")
        found = re.search(r"^(?:__version__ = )?version = '([^'+]+)", text, re.MULTILINE)
        if found is None:
            raise SystemExit(f"{self.package / '_version.py'} names no version")
        return found.group(1)

    def module(self, name: str) -> ast.Module | None:
        """The syntax tree of a dotted module, or None where there is none."""
        if name not in self._modules:
            self._modules[name] = self._parse(name)
        return self._modules[name]

    def _parse(self, name: str) -> ast.Module | None:
        path = self.root.joinpath(*name.split("."))
        for file in (path.with_suffix(".py"), path / "__init__.py"):
            if file.is_file():
                return ast.parse(file.read_text(encoding="utf-8"))
        return None

    def first_module(self, *names: str) -> str:
        """The first of these modules that the release has."""
        for name in names:
            if self.module(name) is not None:
                return name
        raise SystemExit(f"vLLM {self.release} has none of {', '.join(names)}: teach the scanner its new place")

    def files_with(self, word: str, *folders: str) -> t.Iterator[tuple[str, str]]:
        """(path below the package, text) of each Python file that holds the word; folders narrow the search."""
        for top in [self.package / folder for folder in folders] or [self.package]:
            for file in [top] if top.is_file() else sorted(top.rglob("*.py")):
                text = file.read_text(encoding="utf-8")
                if word in text:
                    yield file.relative_to(self.package).as_posix(), text

    def define(self, name: str, module: str, depth: int = 0) -> tuple[Definition, str] | None:
        """What a name stands for in a module at run time, and the module that says so; None: not vLLM's own."""
        body = self.module(module)
        if body is None or depth > 8:
            return None
        for node in _run_time(body.body):
            if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and node.name == name:
                return node, module
            if isinstance(node, ast.Assign) and any(isinstance(x, ast.Name) and x.id == name for x in node.targets):
                return node.value, module
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == name:
                return (node.value, module) if node.value is not None else None
            if isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    if (alias.asname or alias.name) == name:
                        return self.define(alias.name, self.origin(node, module), depth + 1)
        return None

    def origin(self, node: ast.ImportFrom, module: str) -> str:
        """The dotted module that an import of a module names."""
        if not node.level:
            return node.module or ""
        is_package = self.root.joinpath(*module.split("."), "__init__.py").is_file()
        parts = module.split(".")[: None if is_package and node.level == 1 else -node.level + is_package]
        return ".".join([*parts, *((node.module or "").split(".") if node.module else [])])


def _run_time(body: t.Sequence[ast.stmt]) -> t.Iterator[ast.stmt]:
    """The statements of a module that run, those under TYPE_CHECKING left out."""
    for node in body:
        if isinstance(node, ast.If):
            checking = "TYPE_CHECKING" in ast.unparse(node.test)
            yield from _run_time(node.orelse if checking else [*node.body, *node.orelse])
        elif isinstance(node, ast.Try):
            yield from _run_time(node.body)
        else:
            yield node
