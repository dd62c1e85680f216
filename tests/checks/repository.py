# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the repository as a whole must keep to. Each function gives ``file: complaint`` lines; none means good."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pip_settings

LINES = 350  # a file of more is two files
LICENCE = "SPDX-License-Identifier: GPL-3.0-or-later"
# what ansible-doc shows of a plugin; as long as it must be, and not counted
MANUAL = re.compile(r'^(?:DOCUMENTATION|EXAMPLES|RETURN) = r?("""|\'{3}).*?^\1\n', re.MULTILINE | re.DOTALL)
SCRIPTS = (".py", ".sh")

# A package index is a setting of the machine, never a name in the code.
INDEX = r"\bpy(?:pi\.org|thonhosted\.org)\b"

# vllm.cluster.<name>; not the Python path ansible_collections.vllm.cluster.plugins, nor vllm.cluster.<PLACEHOLDER>
FULL_NAME = re.compile(r"(?<![\w.])vllm\.cluster\.([a-z_]+)\b(?!\.[a-z])")
# a span of code in Markdown, or a line of a fenced block
CODE = re.compile(r"`([^`\n]+)`|^ *(?:\$ )?((?:make|ansible-playbook|\./tests/run/|sh ) ?.*)$", re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
TARGET = re.compile(r"\bmake ((?:[A-Z_]+=\S+ )*)([a-z][a-z-]*)")
FILE = re.compile(
    r"(?<![\w./~<{-])((?:docs|inventories|meta|molecule|playbooks|plugins|requirements|roles|tests|\.ci|\.config)"
    r"/[\w./-]*\w)(?![\w/]*[*<{$…])"
)


def lengths(root: Path, files: t.Iterable[Path]) -> list[str]:
    """Code, playbooks and roles stay short. Recorded data is not read by a person and may be long."""
    kinds = (".py", ".sh", ".yml", ".j2")
    counted = {name: _lines(root / name) for name in files if name.suffix in kinds and not _is_data(name)}
    return [f"{name}: {count} lines, more than {LINES}" for name, count in counted.items() if count > LINES]


def _is_data(name: Path) -> bool:
    return "golden" in name.parts or "data" in name.parts or "fixtures" in name.parts


def _lines(path: Path) -> int:
    return len(MANUAL.sub("", path.read_text()).splitlines())


def licences(root: Path, files: t.Iterable[Path]) -> list[str]:
    """Every script names the licence. Empty ``__init__.py`` files have nothing to license."""
    texts = {name: (root / name).read_text() for name in files if name.suffix in SCRIPTS}
    return [f"{name}: no {LICENCE}" for name, text in texts.items() if text.strip() and LICENCE not in text[:600]]


def machine(root: Path) -> list[str]:
    """What only this machine knows: where the checkout is, and the folders and indexes of its pip settings."""
    options = pip_settings.options()
    sources = " ".join(options.get(name, "") for name in ("find-links", "index-url", "extra-index-url")).split()
    return [str(root), *(source.replace("file://", "") for source in sources)]


def strangers(root: Path, files: t.Iterable[Path]) -> list[str]:
    """No word that belongs to one machine or to one package index."""
    pattern = re.compile("|".join([INDEX, *map(re.escape, machine(root))]))
    return [
        f"{name}:{number}: {found.group()} belongs to one machine or one index"
        for name in files
        if name.suffix not in (".png", ".svg", ".gz")
        for number, line in enumerate((root / name).read_text(errors="replace").splitlines(), 1)
        if (found := pattern.search(line))
    ]


def own_names(root: Path) -> set[str]:
    """What ``vllm.cluster.<name>`` may stand for: roles, plugins of every kind, playbooks, fragments."""
    globs = ("roles/*", "plugins/*/*.py", "playbooks/*.yml")
    return {path.stem for glob in globs for path in root.glob(glob)} - {"__init__"}


def full_names(root: Path, files: t.Iterable[Path]) -> list[str]:
    """Every full name that any text uses is there."""
    known = own_names(root)
    return [
        f"{name}: vllm.cluster.{word}: there is no such role, plugin or playbook"
        for name in files
        if name.suffix in (".yml", ".md", ".j2", ".py", ".rst") and name.parts[:2] != ("tests", "checks")
        for word in sorted(set(FULL_NAME.findall((root / name).read_text())))
        if word not in known
    ]


def documents(root: Path, files: t.Iterable[Path]) -> list[str]:
    """Relative links, make targets and files that Markdown names are there."""
    targets = set(re.findall(r"^([a-z][a-z-]*):", (root / "Makefile").read_text(), re.MULTILINE))
    complaints = []
    for name in files:
        if name.suffix == ".md":
            text = (root / name).read_text()
            complaints += [
                f"{name}: {told}" for told in _links(root, name, text) + _commands(root, name, text, targets)
            ]
    return complaints


def _links(root: Path, name: Path, text: str) -> list[str]:
    relative = [link.partition("#")[0] for link in LINK.findall(text) if "://" not in link and not link.startswith("#")]
    return [f"link to {link}: no such file" for link in relative if not (root / name.parent / link).exists()]


def _commands(root: Path, name: Path, text: str, targets: set[str]) -> list[str]:
    spans = [one or other for one, other in CODE.findall(text)]
    words = {word for span in spans for _variables, word in TARGET.findall(span)}
    missing = {f"make {word}: no such target" for word in words - targets}
    missing |= {
        f"{path}: no such file"
        for span in spans
        for path in FILE.findall(span)
        if not (root / path).exists() and not (root / name.parent / path).exists()
    }
    return sorted(missing)


CHECKS: tuple[t.Callable[[Path, t.Iterable[Path]], list[str]], ...] = (
    lengths,
    licences,
    strangers,
    full_names,
    documents,
)
