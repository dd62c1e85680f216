# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The texts of unit and environment files: whose they are, what a running process owes to them, what may be shown."""

from __future__ import annotations

import difflib
import hashlib
import re
import typing as t

from .errors import UnitError

TARGET = "vllm.target"
#: Names that this collection takes for itself; whether a file is ours is told by its stamp.
PATTERN = re.compile(r"vllm-[A-Za-z0-9][A-Za-z0-9._-]*\.service", re.ASCII)
#: The line of an environment file under which every value is secret.
SECRETS_MARK = "# Secrets: what stands below is never shown."

_STAMP = "[X-vllm.cluster]\nUnit="
#: The section that says what a unit is in the plan's words, for those who find it on the host.
_MARKS = "[X-vllm.cluster.plan]"
_HIDDEN = "(hidden)"
#: What systemd takes from a unit when it reloads its files; everything else reached the process when it began.
_LIVE_SECTIONS = ("[Unit]", "[Install]", "[X-vllm.cluster]", _MARKS)
_LIVE_SETTINGS = (
    *("ExecReload", "ExecStop", "KillMode", "KillSignal"),
    *("Restart", "RestartSec", "SuccessExitStatus", "TimeoutStartSec", "TimeoutStopSec"),
)


def check_name(name: t.Any) -> None:
    """Raises UnitError unless ``name`` may be a unit of ours. It becomes part of paths."""
    if not isinstance(name, str) or not PATTERN.fullmatch(name):
        raise UnitError(f"{name!r} cannot be a unit's name: it must look like vllm-<service>-<engine>.service")


def stamp(name: str, text: str) -> str:
    """``text`` with the section by which its file is known as ours; systemd passes over X- sections.

    The unit's own name is part of it: a person's copy under another name is not ours.
    """
    return f"{text.rstrip()}\n\n{_STAMP}{name}\n"


def is_stamped(name: str, text: str) -> bool:
    """Whether the text is one that stamp made for this unit."""
    return text.endswith(f"\n{_STAMP}{name}\n")


def marks(text: str) -> dict[str, str]:
    """What the unit's text says that it is: ``Kind``, ``Engine`` and so on (plan_unit.py); {} where it says nothing."""
    section = text.partition(f"\n{_MARKS}\n")[2].partition("\n[")[0]
    pairs = (line.partition("=") for line in section.split("\n"))
    return {name: value.replace("%%", "%") for name, equals, value in pairs if equals}


def digest(text: str, environment: str) -> str:
    """Digest of what a process is made from: equal digests mean that a restart would change nothing for it.

    It covers secrets, so it is for files of mode 0600 only.
    """
    parts = (process_part(text), "\n".join(_without_comments(environment)))
    return hashlib.sha256("\0".join(parts).encode(errors="surrogateescape")).hexdigest()


def process_part(text: str) -> str:
    """The lines of a unit's text that its process depends on."""
    kept: list[str] = []
    section = ""
    live = False
    for line in _without_comments(text):
        if line.startswith("["):
            section, live = line, False
        elif not line.startswith((" ", "\t")):  # else: the line before goes on
            live = line.partition("=")[0] in _LIVE_SETTINGS
        if section not in _LIVE_SECTIONS and not live:
            kept.append(line)
    return "\n".join(kept)


def process_differs(before: str, after: str) -> bool:
    """Whether a process of the one unit text would differ from one of the other."""
    return process_part(before) != process_part(after)


def environment_differs(before: str, after: str) -> bool:
    """Whether the environment files differ in more than comments."""
    return _without_comments(before) != _without_comments(after)


def _without_comments(text: str) -> list[str]:
    """Lines as systemd sees them; str.splitlines would also break at signs that values may hold."""
    return [line for line in text.split("\n") if line.strip() and not line.startswith(("#", ";"))]


def masked(before: str | None, after: str | None) -> tuple[str, str]:
    """The assignments of two versions of an environment file as they may be shown; None is an absent file.

    Hidden are the values below SECRETS_MARK (in a file without that line: all), and those of the same variables in
    the other version. A hidden value that changes says so, and no more. Comments are left out: with them the shown
    text could equal the true one, which Ansible knows as secret and would blot out.
    """
    names = _hidden_names(before) | _hidden_names(after)
    old, new = _assignments(before), _assignments(after)
    changed = {name for name in names if name in old and old[name] != new.get(name)}
    return _shown(old, names, set()), _shown(new, names, changed)


def _hidden_names(text: str | None) -> set[str]:
    above, mark, below = (text or "").partition(f"{SECRETS_MARK}\n")
    return set(_assignments(below if mark else above))


def _assignments(text: str | None) -> dict[str, str]:
    pairs = (line.partition("=") for line in _without_comments(text or ""))
    return {name: value for name, equals, value in pairs if equals}


def _shown(values: t.Mapping[str, str], hidden: set[str], changed: set[str]) -> str:
    told = {name: "(hidden, changed)" if name in changed else "(hidden)" for name in hidden}
    return "".join(f"{name}={told.get(name, value)}\n" for name, value in values.items())


def changed_lines(before: str, after: str) -> list[str]:
    """The lines that differ, each after ``-`` or ``+``."""
    compared = list(difflib.unified_diff(before.split("\n"), after.split("\n"), n=0, lineterm=""))
    return [line for line in compared[2:] if not line.startswith("@@")]  # the first two name the files
