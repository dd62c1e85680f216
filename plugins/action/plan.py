# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Intent + probes -> plan, on the controller. Documented in plugins/modules/plan.py."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import lookup_loader
from ansible.utils.display import Display
from ansible_collections.vllm.cluster.plugins.module_utils.planning import intent, plan, render
from ansible_collections.vllm.cluster.plugins.module_utils.planning.errors import PlanError
from ansible_collections.vllm.cluster.plugins.module_utils.planning.keys import FLEET

display = Display()


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        task_vars = task_vars or {}
        super().run(tmp, task_vars)
        _result, args = self.validate_argument_spec(
            argument_spec={
                "stage": {"type": "str", "choices": ["intent", "plan"], "default": "plan"},
                "probe_variable": {"type": "str", "default": "vllm_probe"},
                "show": {"type": "str", "choices": ["none", "text", "json"], "default": "none"},
            }
        )
        try:
            wanted = intent.parse(self._variables(task_vars), self._selector(task_vars))
            if args["stage"] == "intent":
                return self._intent(wanted)
            return self._plan(wanted, args, task_vars)
        except PlanError as error:
            count = len(error.refusals)
            head = (
                f"The plan is refused for {count} reasons; no host was changed:\n  "
                if count > 1
                else "The plan is refused; no host was changed: "
            )
            return {
                "failed": True,
                "msg": head + "\n  ".join(str(refusal) for refusal in error.refusals),
                "refusals": [refusal.as_dict() for refusal in error.refusals],
            }

    def _intent(self, wanted: intent.Intent) -> dict[str, t.Any]:
        self._warn(plan.check(wanted))
        return {"changed": False, "members": list(wanted.members), "requests": plan.requests(wanted)}

    def _plan(self, wanted: intent.Intent, args: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        hostvars = task_vars["hostvars"]
        probes, addresses = {}, {}
        for host in wanted.members:
            variables = hostvars[host]
            registered = variables.get(args["probe_variable"])
            probes[host] = registered.get("probe") if registered else None
            addresses[host] = str(variables.get("vllm_address") or variables.get("ansible_host") or host)
        document = plan.plan(wanted, _plain(probes), addresses)
        if args["show"] != "none":
            # Straight to the person: as a task's result it would be one escaped line.
            display.display(render.as_json(document) if args["show"] == "json" else render.as_text(document))
        return {"changed": False, "plan": document}

    def _warn(self, warnings: list[dict[str, str]]) -> None:
        for item in warnings:
            display.warning(f"{item['path']}: {item['message']}. Fix: {item['fix']}")

    def _variables(self, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """The plan's variables, templated, and the names of the rest: no other value is looked at."""
        found: dict[str, t.Any] = {}
        for name in task_vars:
            if name in FLEET:
                try:
                    found[name] = _plain(self._templar.template(task_vars[name]))
                except Exception as error:
                    raise AnsibleActionFail(f"{name} cannot be templated: {error}") from error
            elif name.startswith("vllm"):
                found[name] = None
        return found

    def _selector(self, task_vars: dict[str, t.Any]) -> intent.Select:
        lookup = lookup_loader.get("ansible.builtin.inventory_hostnames", loader=self._loader, templar=self._templar)
        return lambda pattern: list(lookup.run([pattern], variables=task_vars))


def _plain(value: t.Any) -> t.Any:
    """Own containers, so that nothing is templated again while the planner reads."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
