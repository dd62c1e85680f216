# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""APT's files: what the repositories of a host are, and what keeps packages at their version."""

from __future__ import annotations

import re
import typing as t

from ..probes.files import Files

#: Above 1000 APT goes back to an older version for it, which a person's own choice of a version may mean.
_PRIORITY = 1001


def pin(names: t.Sequence[str], version: str) -> str:
    """A paragraph of APT's preferences. version may end with an asterisk. apt_preferences(5)."""
    return f"Package: {' '.join(names)}\nPin: version {version}\nPin-Priority: {_PRIORITY}\n"


def sources(files: Files) -> dict[str, list[str]]:
    """Addresses by the file of /etc/apt that names them."""
    folder = "/etc/apt/sources.list.d"
    names = [name for name in files.names(folder) if name.endswith((".list", ".sources"))]
    found = {name: named(files.text(f"{folder}/{name}")) for name in names}
    return {**found, "sources.list": named(files.text("/etc/apt/sources.list"))}


def named(text: str) -> list[str]:
    """The addresses that a file of /etc/apt names, of either format and switched on; without a slash at their end."""
    found = []
    for line in text.splitlines():
        old = re.match(r"\s*deb\s+(?:\[[^]]*\]\s*)?(\S+)", line)
        new = re.match(r"URIs:\s*(.+)", line, re.IGNORECASE)
        if old:
            found.append(old[1].rstrip("/"))
        elif new:
            found += [word.rstrip("/") for word in new[1].split()]
    return [] if re.search(r"^Enabled:\s*no\b", text, re.IGNORECASE | re.MULTILINE) else found


def elsewhere(url: str, sources: t.Mapping[str, t.Sequence[str]], own: str) -> str | None:
    """The file of another that names this repository already. Two that name different keys stop all of apt."""
    wanted = url.rstrip("/")
    return next((file for file, urls in sources.items() if wanted in urls and not file.startswith(f"{own}.")), None)
