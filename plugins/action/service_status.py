# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Statuses of hosts + services of the intent -> one screen. Documented in plugins/modules/service_status.py."""

from __future__ import annotations

import json
import typing as t

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.vllm.cluster.plugins.module_utils.status import screen
from ansible_collections.vllm.cluster.plugins.module_utils.status.join import join

display = Display()

_SHOW = {"text": screen.screen, "json": lambda found: json.dumps(found, indent=2, sort_keys=True, ensure_ascii=False)}


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        task_vars = task_vars or {}
        super().run(tmp, task_vars)
        options = self.validate_argument_spec(
            {
                "services": {"type": "list", "elements": "dict", "required": True},
                "hosts": {"type": "list", "elements": "str", "required": True},
                "status_variable": {"type": "str", "default": "vllm_status"},
                "show": {"type": "str", "choices": ["none", "text", "json"], "default": "none"},
                "fail_when_unhealthy": {"type": "bool", "default": True},
            }
        )[1]
        hostvars = task_vars["hostvars"]
        reports = {host: hostvars[host].get(options["status_variable"]) for host in options["hosts"]}
        found = join(options["services"], reports)
        if options["show"] != "none":
            # Straight to the person: as a task's result it would be one escaped line.
            display.display(_SHOW[options["show"]](found))
        failed = not found["ok"] and options["fail_when_unhealthy"]
        return {"changed": False, "failed": failed, "msg": screen.verdict(found), "status": found}
