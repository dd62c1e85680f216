# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option ``plan`` of actions that look into it for the services of a host."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail


def take(arguments: dict[str, t.Any]) -> dict[str, t.Any] | None:
    """The plan, taken out of the task's arguments; None without one. It and ``services`` exclude each other."""
    plan = arguments.pop("plan", None)
    if plan is None:
        return None
    if "services" in arguments:
        raise AnsibleActionFail("parameters are mutually exclusive: services|plan")
    if not isinstance(plan, dict) or not isinstance(plan.get("services"), list):
        raise AnsibleActionFail("plan must be the whole plan: it holds no list of services")
    return plan
