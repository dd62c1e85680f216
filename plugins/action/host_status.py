# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask a host what runs, with the services' keys; silence is an answer. Documented in plugins/modules/host_status.py."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ansible_collections.vllm.cluster.plugins.plugin_utils.addresses import address
from ansible_collections.vllm.cluster.plugins.plugin_utils.secrets import api_keys


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        task_vars = task_vars or {}
        result = super().run(tmp, task_vars)
        arguments = {"address": address(str(task_vars["inventory_hostname"]), task_vars), **self._task.args}
        if "vllm_services" in task_vars and "api_keys" not in arguments:
            arguments["api_keys"] = api_keys(self._templar)
        try:
            answer = self._execute_module(
                module_name="vllm.cluster.host_status", module_args=arguments, task_vars=task_vars
            )
        except AnsibleConnectionFailure as error:
            answer = {"changed": False, "reached": False, "msg": str(error.message or error)}
        if answer.pop("unreachable", False):
            answer = {"changed": False, "reached": False, "msg": answer.get("msg")}
        return {**result, "reached": True, **answer}
