# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small files of a host, such as those of /proc and /sys."""

from __future__ import annotations

import os
import re


class Files:
    """Reads below ``root``, which is / but for tests. What is not there, or cannot be read, is nothing."""

    def __init__(self, root: str = "/") -> None:
        self.root = root

    def at(self, path: str) -> str:
        """Where a path of the host is."""
        return os.path.join(self.root, path.lstrip("/"))

    def text(self, path: str) -> str:
        """The text of a file; empty without one. sysfs gives errors for values that a device does not have now."""
        try:
            with open(self.at(path), encoding="utf-8", errors="replace") as file:
                return file.read()
        except OSError:
            return ""

    def word(self, path: str) -> str | None:
        """The text of a file without blanks around it, None for nothing."""
        return self.text(path).strip() or None

    def number(self, path: str) -> int | None:
        """The number in a file; None for none, and for -1, which stands for unknown in sysfs."""
        word = self.text(path).strip()
        return int(word) if re.fullmatch(r"[0-9]{1,18}", word) else None

    def names(self, path: str) -> list[str]:
        """The names in a directory, sorted with numbers by their size."""
        try:
            return sorted(os.listdir(self.at(path)), key=_natural)
        except OSError:
            return []

    def exists(self, path: str) -> bool:
        return os.path.exists(self.at(path))

    def target(self, path: str) -> str | None:
        """The real path of a link, None for no link."""
        where = self.at(path)
        return os.path.realpath(where) if os.path.islink(where) else None


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"([0-9]{1,18})", name)]
