# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the downloads package says when a model cannot be brought."""

from __future__ import annotations

from ..background.errors import WorkError


class DownloadError(WorkError):
    """A download that cannot go on. passing: whether another try may do, with nothing changed."""

    def __init__(self, path: str, value: str | None, rule: str, fix: str, passing: bool = False) -> None:
        self.passing = passing
        super().__init__(path, value, rule, fix)
