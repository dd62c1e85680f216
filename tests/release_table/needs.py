# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a release needs and brings, from the files of its source distribution that build its wheels and images."""

from __future__ import annotations

import ast
import re
import typing as t
from pathlib import Path

from source_tree import SourceTree

_PIN = re.compile(r"(?P<name>[A-Za-z0-9_.-]+)(?:\[[^]]*\])?\s*(?P<range>[<>=!~][^;#]*)?")
_CONNECTOR_PACKAGES = ("nixl", "lmcache", "mooncake-transfer-engine")
_TAGGED = re.compile(r"v\$\{?RELEASE_VERSION\}?-cu(\d\d)(\d)\b")


def facts(tree: SourceTree) -> dict[str, str]:
    """Fact -> value in this release; a fact that the tree does not tell is left out.

    An unpacked wheel holds neither requirement files nor Dockerfile: it tells python and gpu_memory_utilization only.
    """
    found = {
        "gpu_memory_utilization": _utilization(tree),
        "python": _python(tree),
        "cuda": _cuda(tree),
        "cuda_variant": _cuda_variant(tree),
        "image_entrypoint": _entrypoint(tree),
    }
    pins = {**_pins(tree, "cuda"), **_pins(tree, "kv_connectors")}
    for name in ("torch", "ray", *_CONNECTOR_PACKAGES):
        found[name] = pins.get(name)
    return {name: value for name, value in found.items() if value is not None}


def tells_needs(tree: SourceTree) -> bool:
    """True where the tree holds the requirement files, so that a fact that was not found is really absent."""
    return _requirement_file(tree, "cuda") is not None


def _requirement_file(tree: SourceTree, name: str) -> Path | None:
    for file in (tree.root / "requirements" / f"{name}.txt", tree.root / f"requirements-{name}.txt"):
        if file.is_file():
            return file
    return None


def _pins(tree: SourceTree, name: str) -> dict[str, str]:
    """Distribution -> version range without blanks; an empty range for any version."""
    file = _requirement_file(tree, name)
    result: dict[str, str] = {}
    for line in file.read_text(encoding="utf-8").splitlines() if file else ():
        found = _PIN.match(line.partition("#")[0].strip())
        if found:
            result[found["name"].lower()] = (found["range"] or "").replace(" ", "")
    return result


def _python(tree: SourceTree) -> str | None:
    """The range of Pythons, lower bound first."""
    metadata = [tree.root / "PKG-INFO", *sorted(tree.root.glob("vllm*.dist-info/METADATA"))]
    for file in metadata:
        if file.is_file():
            found = re.search(r"^Requires-Python: (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            if found:
                clauses = [clause.strip() for clause in found.group(1).split(",")]
                return ",".join(sorted(clauses, reverse=True))
    return None


def _docker_file(tree: SourceTree) -> str:
    for file in (tree.root / "docker" / "Dockerfile", tree.root / "Dockerfile"):
        if file.is_file():
            return file.read_text(encoding="utf-8")
    return ""


def _build_files(tree: SourceTree) -> t.Iterator[str]:
    for file in sorted((tree.root / ".buildkite").rglob("*")):
        if file.suffix in (".sh", ".yaml", ".yml"):
            yield file.read_text(encoding="utf-8")


def _cuda(tree: SourceTree) -> str | None:
    """CUDA of the image without a CUDA suffix: as the release pipeline says, else the Dockerfile's default."""
    for text in _build_files(tree):
        for line in text.splitlines():
            found = re.search(r"CUDA_VERSION=(\d+\.\d+)", line)
            if found and "vllm-release-repo" in line and "--target vllm-openai" in line and "-cu1" not in line:
                return found.group(1)
    found = re.search(r"^ARG CUDA_VERSION=(\d+\.\d+)", _docker_file(tree), re.MULTILINE)
    return found.group(1) if found else None


def _cuda_variant(tree: SourceTree) -> str | None:
    """CUDA of the other published image, tagged ``vX.Y.Z-cu129`` or the like."""
    found = {f"{major}.{minor}" for text in _build_files(tree) for major, minor in _TAGGED.findall(text)}
    if len(found) > 1:
        raise SystemExit(f"vLLM {tree.release} publishes several CUDA variants, {found}: the table holds one")
    return found.pop() if found else None


def _entrypoint(tree: SourceTree) -> str | None:
    """``api_server``, whose model is an option, or ``serve``, whose model is an argument."""
    found = re.findall(r"^ENTRYPOINT (\[.+\])", _docker_file(tree), re.MULTILINE)
    if not found:
        return None
    command: list[str] = ast.literal_eval(found[-1])
    script = tree.root / "docker" / "entrypoints" / Path(command[0]).name
    text = script.read_text(encoding="utf-8") if script.is_file() else " ".join(command)
    return "serve" if "vllm serve" in text else "api_server" if "api_server" in text else None


def _utilization(tree: SourceTree) -> str | None:
    module = tree.first_module("vllm.config.cache", "vllm.config", "vllm.engine.arg_utils")
    for owner, place in (("CacheConfig", module), ("EngineArgs", "vllm.engine.arg_utils")):
        found = tree.define(owner, place)
        for node in found[0].body if found and isinstance(found[0], ast.ClassDef) else ():
            if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "gpu_memory_utilization" and node.value:
                default = re.search(r"0\.\d+", ast.unparse(node.value))
                if default:
                    return str(float(default.group()))
    return None
