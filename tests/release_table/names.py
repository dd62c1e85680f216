# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Environment variables, KV connectors with their keys, and subcommands, as the sources of a release declare them."""

from __future__ import annotations

import ast
import re
import typing as t

from source_tree import SourceTree

_KV = "vllm.distributed.kv_transfer.kv_connector"
_FACTORIES = {
    "kv_connectors": f"{_KV}.factory",
    "ec_connectors": "vllm.distributed.ec_transfer.ec_connector.factory",
}
#: Code that serves one connector and lies outside the folder or file of its class.
_ANNEXES = {
    "OffloadingConnector": (
        "distributed/kv_transfer/kv_connector/v1/offloading",
        "v1/kv_offload",
    ),
    "LMCacheConnectorV1": ("distributed/kv_transfer/kv_connector/v1/lmcache_integration",),
    "PyNcclConnector": ("distributed/kv_transfer/kv_pipe/pynccl_pipe.py",),
}
#: Keys that are read outside the code of their connector, and where.
_READ_ELSEWHERE = {"HiSparseConnector": ("host_pool_gib", "config/kv_transfer.py")}
#: The word before a subcommand, by the class that it builds on.
_NESTED = {"BenchmarkSubcommandBase": "bench ", "LaunchSubcommandBase": "launch "}
_VARIABLE = re.compile(r"(?:VLLM|MOONCAKE|LMCACHE)_[A-Z0-9_]+")


def environment_variables(tree: SourceTree) -> set[str]:
    """Variables of vllm/envs.py, and those that other files read: vLLM's own and its connectors'."""
    found = tree.define("environment_variables", "vllm.envs")
    if found is None or not isinstance(found[0], ast.Dict):
        raise SystemExit(f"vLLM {tree.release}: vllm/envs.py holds no environment_variables")
    names = {key.value for key in found[0].keys if isinstance(key, ast.Constant) and isinstance(key.value, str)}
    for _path, text in tree.files_with("env"):
        if _VARIABLE.search(text) and ("environ" in text or "getenv" in text):
            names |= set(_read_variables(ast.parse(text)))
    return names


def _read_variables(module: ast.Module) -> t.Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and node.args:
            called, first = ast.unparse(node.func), node.args[0]
            reads = called.endswith(("getenv", "environ.get", "environ.setdefault", "environ.pop"))
        elif isinstance(node, ast.Subscript):
            reads, first = ast.unparse(node.value).endswith("environ"), node.slice
        elif isinstance(node, ast.Compare):
            reads, first = ast.unparse(node.comparators[0]).endswith("environ"), node.left
        else:
            continue
        if reads and isinstance(first, ast.Constant) and _VARIABLE.fullmatch(str(first.value)):
            yield str(first.value)


def connectors(tree: SourceTree, family: str) -> dict[str, str]:
    """Registered name -> dotted module of its class. family: kv_connectors or ec_connectors."""
    body = tree.module(_FACTORIES[family])
    calls = [node for node in ast.walk(body or ast.Module([], [])) if isinstance(node, ast.Call)]
    return {
        str(node.args[0].value): str(node.args[1].value)
        for node in calls
        if ast.unparse(node.func).endswith(".register_connector")
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[1], ast.Constant)
    }


def transfer_keys(tree: SourceTree) -> set[str]:
    """Keys of the JSON value of --kv-transfer-config."""
    found = tree.define("KVTransferConfig", tree.first_module("vllm.config.kv_transfer", "vllm.config"))
    body = found[0].body if found and isinstance(found[0], ast.ClassDef) else []
    return {item.target.id for item in body if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)}


def extra_keys(tree: SourceTree) -> dict[str, set[str]]:
    """Connector -> the keys of kv_connector_extra_config that its code reads."""
    known = connectors(tree, "kv_connectors")
    homes = {name: _homes(tree, name, module) for name, module in known.items()}
    result: dict[str, set[str]] = {name: set() for name in known}
    for path, text in tree.files_with("extra_config", "distributed/kv_transfer", "v1"):
        keys = set(_read_keys(ast.parse(text)))
        # The nearest home wins: mooncake/store is not the business of the connector in mooncake/.
        fits = [(len(home), name) for name, places in homes.items() for home in places if _within(path, home)]
        nearest = max((length for length, _name in fits), default=0)
        for length, name in fits:
            if length == nearest:
                result[name] |= keys
    for name, (key, place) in _READ_ELSEWHERE.items():
        if name in result and f'"{key}"' in (tree.package / place).read_text(encoding="utf-8"):
            result[name].add(key)
    return result


def _homes(tree: SourceTree, name: str, module: str) -> tuple[str, ...]:
    """Paths below the package whose code belongs to a connector."""
    parts = module.split(".")[1:]
    if tree.package.joinpath(*parts).is_dir():
        own = "/".join(parts)
    else:
        # A connector with a folder to itself shares it with its helpers; one in the common folder has just its file.
        folder = "/".join(parts[:-1])
        own = folder if parts[-2] not in ("v1", "kv_connector") else "/".join(parts) + ".py"
    present = (place for place in _ANNEXES.get(name, ()) if (tree.package / place).exists())
    return (own, *present)


def _within(path: str, home: str) -> bool:
    return path == home or path.startswith(home + "/")


def _read_keys(module: ast.Module) -> t.Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            named = node.func.attr == "get_from_extra_config"
            held = node.func.attr in ("get", "pop") and "extra_config" in ast.unparse(node.func.value)
            key: ast.expr | None = node.args[0] if named or held else None
        elif isinstance(node, ast.Subscript) and "extra_config" in ast.unparse(node.value):
            key = node.slice
        elif isinstance(node, ast.Compare) and "extra_config" in ast.unparse(node.comparators[0]):
            key = node.left
        else:
            continue
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            yield key.value


def commands(tree: SourceTree) -> set[str]:
    """Subcommands of the vllm program, nested ones with their parent: ``bench serve``."""
    folder = tree.package / "entrypoints" / "cli"
    if not folder.is_dir():  # before 0.7.3
        calls = ast.walk(tree.module("vllm.scripts") or ast.Module([], []))
        added = [node.args[0] for node in calls if isinstance(node, ast.Call) and _adds_parser(node)]
        return {str(name.value) for name in added if isinstance(name, ast.Constant)}
    found: set[str] = set()
    for file in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and node.bases:
                base = ast.unparse(node.bases[0])
                if "Subcommand" in base:
                    found |= {_NESTED.get(base, "") + name for name in _own_name(node)}
    return found


def _adds_parser(node: ast.Call) -> bool:
    return ast.unparse(node.func) == "subparsers.add_parser" and bool(node.args)


def _own_name(node: ast.ClassDef) -> t.Iterator[str]:
    assigned = [item for item in ast.walk(node) if isinstance(item, ast.Assign)]
    for item in assigned:
        if ast.unparse(item.targets[0]) in ("name", "self.name") and isinstance(item.value, ast.Constant):
            yield str(item.value.value)
