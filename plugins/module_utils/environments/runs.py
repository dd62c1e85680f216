# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How commands are run: what the makers of environments share."""

from __future__ import annotations

import typing as t

#: Runs a command with variables added to its environment: (argv, variables) -> (exit status, stdout, stderr).
Run = t.Callable[[list[str], dict[str, str]], tuple[int, str, str]]
