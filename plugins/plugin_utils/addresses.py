# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the inventory says that a host is."""

from __future__ import annotations

import typing as t


def address(host: str, task_vars: t.Mapping[str, t.Any]) -> str:
    """The address by which members and clients reach the host: ``vllm_address``, ``ansible_host``, or its name."""
    variables = task_vars["hostvars"][host]
    return str(variables.get("vllm_address") or variables.get("ansible_host") or host)
