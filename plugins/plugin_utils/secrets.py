# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets of the intent, for action plugins: looked up when a module needs them, and handed on as no_log options."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail
from ansible_collections.vllm.cluster.plugins.module_utils.planning import secrets
from ansible_collections.vllm.cluster.plugins.module_utils.planning.errors import PlanError

if t.TYPE_CHECKING:
    from ansible.template import Templar


def look_up(templar: Templar, reference: str) -> str:
    """The value behind a reference of the plan, from the task's ``vllm_services``; none fails the task."""
    try:
        return secrets.resolve(templar.resolve_variable_expression("vllm_services"), reference)
    except PlanError as error:
        # "from None": a chained traceback is shown with -vvv.
        raise AnsibleActionFail(str(error)) from None


def api_keys(templar: Templar) -> dict[str, str]:
    """The API key of each service that has one, by the service's name."""
    return secrets.api_keys(templar.resolve_variable_expression("vllm_services"))
