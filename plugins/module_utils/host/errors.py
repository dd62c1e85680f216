# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong with a host's settings."""

from __future__ import annotations


class HostError(Exception):
    """A setting that is none. The message names the variable, its value, the rule and what to do."""

    def __init__(self, path: str, value: object, rule: str, fix: str) -> None:
        super().__init__(f"{path} = {value}: {rule}. Fix: {fix}")
