# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Front doors of the plan -> texts, on the controller. Documented in plugins/modules/router_files.py."""

from __future__ import annotations

import inspect
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.vllm.cluster.plugins.module_utils.router import follow, keys, nginx, reading, units
from ansible_collections.vllm.cluster.plugins.plugin_utils.secrets import look_up


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_diff = True

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        plan = arguments.pop("plan", None)
        if not isinstance(plan, list):
            raise AnsibleActionFail("plan must be a list of front doors, as hosts.<host>.routers of the plan is")
        arguments.update(routers={}, keys={})
        for index, item in enumerate(plan):
            try:
                router = reading.parse(item)
                told = {reference: look_up(self._templar, reference) for reference in keys.references(router)}
                arguments["routers"][router.service] = nginx.text(router)
                if units.follows(router):
                    arguments["follow"] = inspect.getsource(follow)
                arguments["keys"][router.service] = keys.text(router, told)
            except reading.RouterError as error:
                # "from None": a chained traceback is shown with -vvv.
                raise AnsibleActionFail(f"plan[{index}].{error}") from None
        result.update(
            self._execute_module(module_name="vllm.cluster.router_files", module_args=arguments, task_vars=task_vars)
        )
        return result
