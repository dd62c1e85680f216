# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services of the plan -> what the module asks, with keys. Documented in plugins/modules/kv_transfer_check.py."""

from __future__ import annotations

import typing as t

from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.vllm.cluster.plugins.module_utils.kv_transfer import planned, report
from ansible_collections.vllm.cluster.plugins.plugin_utils import whole_plan
from ansible_collections.vllm.cluster.plugins.plugin_utils.secrets import look_up

display = Display()

_MODULE = "vllm.cluster.kv_transfer_check"


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        task_vars = task_vars or {}
        result = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        plan = whole_plan.take(arguments)
        show = boolean(arguments.pop("show_summary", False))
        not_done: list[dict[str, t.Any]] = []
        if plan is not None:
            host = task_vars["inventory_hostname"]
            doors = planned.doors(plan, host)
            not_done = [report.not_done(*item) for item in planned.doorless(plan, host)]
            arguments["services"] = [door.service for door in doors]
            arguments["api_keys"] = self._keys((door.service["name"], door.api_key) for door in doors)
            arguments["engine_keys"] = self._keys((door.service["name"], door.engine_key) for door in doors)
            if not doors:
                lines = self._show(not_done, [], show)
                msg = "no service with prefill and decode engines has its front door on this host"
                return {**result, "changed": False, "services": not_done, "summary": lines, "msg": msg}
        answer = self._execute_module(module_name=_MODULE, module_args=arguments, task_vars=task_vars)
        if "services" in answer:
            answer["services"] = [*answer["services"], *not_done]
            answer["summary"] = self._show(not_done, answer["summary"], show)
        return {**result, **answer}

    def _keys(self, references: t.Iterable[tuple[str, str | None]]) -> dict[str, str]:
        return {name: look_up(self._templar, reference) for name, reference in references if reference}

    def _show(self, not_done: t.Sequence[t.Mapping[str, t.Any]], lines: t.Sequence[str], show: bool) -> list[str]:
        """The whole summary; shown if asked for. What could not be asked is told in any case."""
        told = [*lines, *(line for item in not_done for line in report.summary(item))]
        for item in not_done:
            display.warning(f"service {item['name']}: {item['findings'][0]['what']}")
        if show and told:
            # One call, so that the lines of several hosts do not mix.
            display.display("\n".join(told))
        return told
