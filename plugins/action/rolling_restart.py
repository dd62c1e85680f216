# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plan + what runs -> steps of a rolling restart. Documented in plugins/modules/rolling_restart.py."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.vllm.cluster.plugins.module_utils.restart import choice, steps, text

display = Display()

_NAMES = {"type": "list", "elements": "str", "default": []}
_ARGUMENTS = {
    "stage": {"type": "str", "choices": ["steps", "judge"], "default": "steps"},
    "plan": {"type": "dict"},
    "status_variable": {"type": "str", "default": "vllm_status"},
    "services": _NAMES,
    "sides": {**_NAMES, "choices": list(choice.SIDES)},
    "hosts": _NAMES,
    "parts": {**_NAMES, "choices": list(choice.PARTS), "default": ["engines"]},
    "allow_restart": {"type": "bool", "default": False},
    "show": {"type": "bool", "default": True},
    "roll": {"type": "dict"},
    "engine": {"type": "str"},
    "results": {"type": "list", "elements": "str"},
    "restart": {"type": "str"},
}


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        task_vars = task_vars or {}
        super().run(tmp, task_vars)
        options = self.validate_argument_spec(
            _ARGUMENTS,
            required_if=[("stage", "steps", ["plan"]), ("stage", "judge", ["roll", "engine", "results", "restart"])],
        )[1]
        if options["stage"] == "judge":
            return self._judge(options, task_vars)
        return self._steps(options, task_vars)

    def _steps(self, options: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        hostvars = task_vars["hostvars"]
        reports = {host: hostvars[host].get(options["status_variable"]) for host in options["plan"]["hosts"]}
        wanted = choice.Wanted(
            *(tuple(options[name]) for name in ("services", "sides", "hosts", "parts")), options["allow_restart"]
        )
        try:
            roll = steps.roll(options["plan"], reports, wanted)
        except choice.RestartError as error:
            found = error.problems
            reasons = (
                f" for {len(found)} reasons; no host was changed:\n  " if len(found) > 1 else "; no host was changed: "
            )
            return {
                "failed": True,
                "msg": f"The restart is refused{reasons}" + "\n  ".join(found),
                "refusals": list(found),
            }
        if options["show"]:
            # Straight to the person: as a task's result it would be one escaped line.
            display.display(text.as_text(roll))
        return {"changed": False, "roll": roll.document()}

    def _judge(self, options: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """Fails where one of a step's tasks did, with what that leaves."""
        done = {
            name: {host: task_vars["hostvars"][host].get(name) or {} for host in options["roll"]["hosts"]}
            for name in options["results"]
        }
        failed = [
            f"on {host}: {result.get('msg') or 'no reason is known'}"
            for results in done.values()
            for host, result in results.items()
            if result.get("failed") or result.get("unreachable")
        ]
        if not failed:
            return {"changed": False}
        touched = any(not result.get("skipped", not result) for result in done[options["restart"]].values())
        return {"failed": True, "msg": text.stopped(options["roll"], options["engine"], failed[0], touched)}
