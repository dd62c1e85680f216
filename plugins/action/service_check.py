# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services of the plan -> what the module asks, with their keys. Documented in plugins/modules/service_check.py."""

from __future__ import annotations

import typing as t

from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.vllm.cluster.plugins.plugin_utils import whole_plan
from ansible_collections.vllm.cluster.plugins.plugin_utils.secrets import look_up

display = Display()


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        task_vars = task_vars or {}
        result = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        plan = whole_plan.take(arguments)
        show = boolean(arguments.pop("show_summary", False))
        if plan is not None:
            host = task_vars["inventory_hostname"]
            arguments["services"] = [item for service in plan["services"] for item in self._items(service, host)]
            arguments["api_keys"] = {
                item["name"]: look_up(self._templar, service["api_key"])
                for service in plan["services"]
                if service.get("api_key")
                for item in self._items(service, host)
            }
            if not arguments["services"]:
                msg = "no service has a front door on this host"
                return {**result, "changed": False, "services": [], "summary": [], "msg": msg}
        answer = self._execute_module(
            module_name="vllm.cluster.service_check", module_args=arguments, task_vars=task_vars
        )
        if show and answer.get("summary"):
            # One call, so that the lines of several hosts do not mix. A debug task would print them as JSON strings.
            display.display("\n".join(answer["summary"]))
        return {**result, **answer}

    def _items(self, service: dict[str, t.Any], host: str) -> list[dict[str, t.Any]]:
        """The module's ``services``: one for each endpoint on the host."""
        endpoints = [endpoint for endpoint in service["endpoints"] if endpoint["host"] == host]
        alone = len(endpoints) == 1
        return [
            {
                "name": service["name"] if alone else f"{service['name']} ({endpoint['unit']})",
                "url": endpoint["url"],
                "model": service["served_model_name"],
                # A certificate names what clients call, and not the host's address.
                **({"validate_certs": False} if endpoint["url"].startswith("https:") else {}),
            }
            for endpoint in endpoints
        ]
