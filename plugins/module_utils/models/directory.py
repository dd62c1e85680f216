# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a model's directory is complete, told by its own files and nothing else.

Every shard that the index names must be there, hold the tensors that the index says, and be exactly as long as its own
header demands. That finds what a broken download leaves, without a network and without reading the weights.
"""

from __future__ import annotations

import dataclasses
import os
import re
import typing as t

from .checkpoint import Header, pickle_problem, safetensors_header
from .document import CONFIG, parse_object
from .errors import ModelError

SAFETENSORS = "safetensors"
PICKLE = "pickle"
NONE = "none"

_INDEXES = {
    SAFETENSORS: ("model.safetensors.index.json", ".safetensors.index.json"),
    PICKLE: ("pytorch_model.bin.index.json", ".bin.index.json"),
}
_FILES = {SAFETENSORS: re.compile(r".+\.safetensors"), PICKLE: re.compile(r"pytorch_model.*\.bin")}
_NUMBERED = re.compile(r"(.+-)(\d{1,6})-of-(\d{1,6})(\.\w+)")
_LEFTOVERS = (".incomplete", ".parallel_tmp", ".aria2", ".part", ".crdownload")
_MOST_TEXT = 64 * 2**20  # bytes of an index; the longest known have 20 MiB


@dataclasses.dataclass(frozen=True)
class Problem:
    """file: its name in the directory. rule: what is wrong. fix: what to do."""

    file: str
    rule: str
    fix: str = "download it again"

    def as_dict(self) -> dict[str, str]:
        return dataclasses.asdict(self)


@dataclasses.dataclass(frozen=True)
class Completeness:
    """kind: ``safetensors``, ``pickle`` (pytorch_model.bin) or ``none``. shards: files of weights that must be there.

    tensor_bytes: of all tensors; None unless complete, and for pickle, which does not tell. file_bytes: of the shards
    that are there. leftovers: of downloads that did not end; they do not make the directory incomplete.
    """

    kind: str
    shards: tuple[str, ...]
    file_bytes: int
    tensor_bytes: int | None
    problems: tuple[Problem, ...]
    leftovers: tuple[str, ...]

    @property
    def complete(self) -> bool:
        return not self.problems

    def as_dict(self) -> dict[str, t.Any]:
        return {**dataclasses.asdict(self), "complete": self.complete}


def check(path: str) -> Completeness:
    """Raises ModelError when the directory cannot be listed."""
    try:
        names = sorted(os.listdir(path))
    except OSError as error:
        raise ModelError(path, None, f"cannot be listed ({error.strerror})", "name a model's directory") from None
    problems = list(_config_problems(os.path.join(path, CONFIG)))
    kind, wanted = _wanted(path, names, problems)
    headers: dict[str, Header] = {}
    for shard in wanted:
        problem = _shard_problem(path, shard, kind, headers)
        if problem is not None:
            problems.append(problem)
    for shard, tensors in wanted.items():
        absent = tensors - headers[shard].tensors if shard in headers else frozenset()
        if absent:
            problems.append(Problem(shard, f"lacks {len(absent)} tensors of the index, such as {min(absent)}"))
    whole = kind == SAFETENSORS and not problems
    return Completeness(
        kind,
        tuple(wanted),
        sum(_size(os.path.join(path, shard)) for shard in wanted),
        sum(header.tensor_bytes for header in headers.values()) if whole else None,
        tuple(problems),
        tuple(_leftovers(path)),
    )


def _config_problems(file: str) -> t.Iterator[Problem]:
    if not os.path.isfile(file):
        yield Problem(CONFIG, "is missing")
        return
    try:
        parse_object(read_text(file), CONFIG)
    except ModelError as error:
        yield Problem(CONFIG, error.rule, error.fix)


def _wanted(path: str, names: t.Sequence[str], problems: list[Problem]) -> tuple[str, dict[str, frozenset[str]]]:
    """The kind of weights, and which shards there must be with which tensors (none known without an index)."""
    for kind, (usual, ending) in _INDEXES.items():
        indexes = [name for name in names if name.endswith(ending)]
        if indexes:
            chosen = usual if usual in indexes else indexes[0]
            return kind, _from_index(path, chosen, problems)
        files = [name for name in names if _FILES[kind].fullmatch(name)]
        if files:
            return kind, dict.fromkeys(_with_gaps(files), frozenset())
    problems.append(Problem("model.safetensors", "is missing, and so is every other file of weights"))
    return NONE, {}


def _from_index(path: str, name: str, problems: list[Problem]) -> dict[str, frozenset[str]]:
    try:
        found = parse_object(read_text(os.path.join(path, name)), name).get("weight_map")
    except ModelError as error:
        problems.append(Problem(name, error.rule))
        return {}
    if not isinstance(found, dict) or not found:
        problems.append(Problem(name, "has no weight_map"))
        return {}
    tensors: dict[str, set[str]] = {}
    for tensor, shard in found.items():
        if not isinstance(shard, str) or not shard or os.path.basename(shard) != shard or shard in (".", ".."):
            problems.append(Problem(name, f"names {str(shard)[:80]!r}, which is no file beside it"))
            return {}
        tensors.setdefault(shard, set()).add(tensor)
    return {shard: frozenset(tensors[shard]) for shard in sorted(tensors)}


def _with_gaps(files: t.Sequence[str]) -> list[str]:
    """The files, and those that their numbers (00002-of-00004) tell of."""
    found = set(files)
    for file in files:
        match = _NUMBERED.fullmatch(file)
        if match is not None:
            start, number, count, ending = match.groups()
            found.update(
                f"{start}{at:0{len(number)}}-of-{count}{ending}" for at in range(1, min(int(count), 10_000) + 1)
            )
    return sorted(found)


def _shard_problem(path: str, shard: str, kind: str, headers: dict[str, Header]) -> Problem | None:
    file = os.path.join(path, shard)
    if not os.path.isfile(file):
        return Problem(shard, "is missing")
    if kind == PICKLE:
        rule = pickle_problem(file)
        return Problem(shard, rule) if rule else None
    try:
        header = safetensors_header(file)
    except ModelError as error:
        return Problem(shard, error.rule, error.fix)
    size = _size(file)
    if size != header.size:
        return Problem(shard, f"is {size} bytes long, but its own header demands {header.size}")
    headers[shard] = header
    return None


def _leftovers(path: str) -> t.Iterator[str]:
    for folder, _folders, files in os.walk(path):
        for file in sorted(files):
            if file.endswith(_LEFTOVERS):
                yield os.path.relpath(os.path.join(folder, file), path)


def _size(file: str) -> int:
    return os.path.getsize(file) if os.path.isfile(file) else 0


def read_text(file: str) -> str:
    """A small text file. Raises ModelError when it cannot be read, is no text, or is far too long."""
    name = os.path.basename(file)
    try:
        if os.path.getsize(file) > _MOST_TEXT:
            raise ModelError(name, os.path.getsize(file), f"is longer than {_MOST_TEXT} bytes", "replace it")
        with open(file, encoding="utf-8-sig") as handle:
            return handle.read()
    except OSError as error:
        raise ModelError(name, None, f"cannot be read ({error.strerror})", "make it readable") from None
    except UnicodeDecodeError:
        raise ModelError(name, None, "is no text", "download it again") from None
