# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Units of the plan -> texts, on the controller. Documented in plugins/modules/host_units.py."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.template import trust_as_template
from ansible_collections.vllm.cluster.plugins.module_utils.units.errors import UnitError
from ansible_collections.vllm.cluster.plugins.module_utils.units.host_files import ENVIRONMENT_DIR, HostFiles
from ansible_collections.vllm.cluster.plugins.module_utils.units.plan_unit import template_variables
from ansible_collections.vllm.cluster.plugins.module_utils.units.texts import SECRETS_MARK
from ansible_collections.vllm.cluster.plugins.plugin_utils.secrets import look_up


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_diff = True

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        task_vars = task_vars or {}
        result = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        plan = arguments.pop("plan", None)
        if plan is not None:
            if "units" in arguments:
                raise AnsibleActionFail("parameters are mutually exclusive: plan|units")
            try:
                arguments.update(self._texts(plan, arguments, task_vars))
            except UnitError as error:
                # "from None": a chained traceback is shown with -vvv.
                raise AnsibleActionFail(str(error)) from None
        result.update(
            self._execute_module(module_name="vllm.cluster.host_units", module_args=arguments, task_vars=task_vars)
        )
        return result

    def _texts(self, plan: t.Any, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        if not isinstance(plan, list) or not all(isinstance(unit, dict) for unit in plan):
            raise AnsibleActionFail("plan must be a list of units, as hosts.<host>.units of the plan is")
        files = HostFiles(environment_dir=arguments.get("environment_dir") or ENVIRONMENT_DIR)
        unit_template = self._template("unit.service.j2")
        environment_template = self._template("unit.env.j2")
        units, environments = [], {}
        for unit in plan:
            variables = {
                "unit": template_variables(unit, self._secrets(unit)),
                "environment_file": files.environment_path(unit["name"]),
                "secrets_mark": SECRETS_MARK,
            }
            text = self._render(unit_template, task_vars, variables)
            units.append(
                {
                    "name": unit["name"],
                    "text": text,
                    "restart_with": unit.get("restart_with") or [],
                    "restart_freely": unit.get("kind") == "guard",
                }
            )
            environments[unit["name"]] = self._render(environment_template, task_vars, variables)
        target = self._render(self._template("vllm.target.j2"), task_vars, {})
        return {"units": units, "environments": environments, "target": target}

    def _secrets(self, unit: dict[str, t.Any]) -> dict[str, str]:
        references = unit.get("secrets") or {}
        return {variable: look_up(self._templar, reference) for variable, reference in references.items()}

    def _template(self, name: str) -> str:
        return self._loader.get_text_file_contents(self._find_needle("templates", name))

    def _render(self, template: str, task_vars: dict[str, t.Any], variables: dict[str, t.Any]) -> str:
        templar = self._templar.copy_with_new_env(available_variables={**task_vars, **variables})
        overrides = {"trim_blocks": True, "lstrip_blocks": True}
        return str(templar.template(trust_as_template(template), escape_backslashes=False, overrides=overrides))
