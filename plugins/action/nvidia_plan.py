# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host has, to what is to be done, on the controller. Documented in plugins/modules/nvidia_plan.py."""

from __future__ import annotations

import typing as t

from ansible import constants
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.vllm.cluster.plugins.module_utils.nvidia import decide, wanted
from ansible_collections.vllm.cluster.plugins.module_utils.planning.errors import Refusals

display = Display()


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        task_vars = task_vars or {}
        result = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        refusals = Refusals()
        settings = wanted.read(arguments.get("settings") or {}, arguments.get("needs") or [], refusals)
        if refusals:  # before the host is asked
            return {**result, **_refused(refusals, "")}
        result.update(
            self._execute_module(module_name="vllm.cluster.nvidia_plan", module_args=arguments, task_vars=task_vars)
        )
        if result.get("failed") or "found" not in result:
            return result
        plan = decide.decide(settings, result["found"], refusals)
        result["plan"] = plan
        host = task_vars["inventory_hostname"]
        stage = arguments.get("stage", "before")
        if stage == "before":
            if boolean(arguments.get("show", True)):
                self._show(host, plan)
            self._ask(plan, refusals)
        elif stage == "after":
            _finish(plan, refusals)
        return {**result, **_refused(refusals, host)} if refusals else result

    def _show(self, host: str, plan: dict[str, t.Any]) -> None:
        will = [f"to do: {step}" for step in plan["steps"]] or ["nothing to do"]
        for line in [*plan["lines"], *will]:
            display.display(f"  {host}: {line}", color=constants.COLOR_VERBOSE)

    def _ask(self, plan: dict[str, t.Any], refusals: Refusals) -> None:
        """Consent that is missing: in check mode nothing is done anyway, so it is only told."""
        for item in plan["asks"]:
            if self._task.check_mode:
                display.warning(f"{item['path']}: {item['rule']}. A real run asks for consent: {item['fix']}")
            else:
                refusals.add("nvidia-consent", item["path"], False, item["rule"], item["fix"])


def _finish(plan: dict[str, t.Any], refusals: Refusals) -> None:
    """What must not be left as it is at the end."""
    for item in plan["asks"]:
        refusals.add("nvidia-consent", item["path"], False, item["rule"], item["fix"])
    if plan["action"] in (decide.INSTALL, decide.CHANGE):
        rule = f"the driver that was to be installed is not there: {plan['lines'][-1]}"
        refusals.add("nvidia-broken", "vllm_nvidia_source", None, rule, "see what the package manager said")
    for problem in plan["problems"]:
        fix = "mend it, then run again (docs/nvidia.md)"
        refusals.add("nvidia-broken", "vllm_nvidia_source", None, problem, fix)


def _refused(refusals: Refusals, host: str) -> dict[str, t.Any]:
    found = refusals.refusals
    head = f"The NVIDIA driver of {host}" if host else "The NVIDIA driver"
    joint = "\n  " if len(found) > 1 else " "
    return {
        "failed": True,
        "msg": f"{head} is not as it must be:{joint}" + joint.join(str(item) for item in found),
        "refusals": [item.as_dict() for item in found],
    }
