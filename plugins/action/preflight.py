# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's steps of a preflight. Documented in plugins/modules/preflight.py."""

from __future__ import annotations

import typing as t

from ansible import constants
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.vllm.cluster.plugins.module_utils.preflight import schedule, verdict

display = Display()

_ARGUMENTS: dict[str, t.Any] = {
    "stage": {"type": "str", "choices": ["choose", "prepare", "peers", "collective", "report"], "required": True},
    "plan": {"type": "dict"},
    "when": {"type": "str", "choices": ["auto", "always", "never"], "default": "auto"},
    "engines": {"type": "list", "elements": "str"},
    "consent": {"type": "bool", "default": False},
    "round": {"type": "dict"},
    "results": {"type": "list", "elements": "dict"},
    "variables": {"type": "list", "elements": "str"},
}
_NEEDED = [
    ("stage", "choose", ["plan", "variables"]),
    ("stage", "prepare", ["plan", "engines", "variables"]),
    ("stage", "peers", ["round", "variables"]),
    ("stage", "collective", ["round", "engines", "variables"]),
    ("stage", "report", ["results"]),
]


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        task_vars = task_vars or {}
        super().run(tmp, task_vars)
        _result, args = self.validate_argument_spec(argument_spec=_ARGUMENTS, required_if=_NEEDED)
        return {"changed": False, **getattr(self, f"_{args['stage']}")(args, task_vars)}

    def _choose(self, args: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        chosen = schedule.choose(args["plan"], self._probes(args, task_vars), args["when"])
        self._say(chosen["told"])
        return chosen

    def _prepare(self, args: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        forks = int(task_vars.get("ansible_forks") or constants.DEFAULT_FORKS)
        return schedule.prepare(args["plan"], args["engines"], self._probes(args, task_vars), forks, args["consent"])

    def _peers(self, args: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        return verdict.judge_round(args["round"], self._results(args["round"]["hosts"], args, task_vars))

    def _collective(self, args: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        results = self._results(args["round"]["hosts"], args, task_vars)
        return verdict.judge_sums(args["round"], args["engines"], results)

    def _report(self, args: dict[str, t.Any], _task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        findings, told = verdict.merge(args["results"])
        self._say(told)
        for finding in findings:
            if finding["level"] == "warning":
                display.warning(verdict.line(finding))
        answer: dict[str, t.Any] = {"findings": findings}
        message = verdict.failure(findings)
        if message:
            answer.update(failed=True, msg=message)
        elif findings:
            self._say(["Preflight found no error."])
        else:
            self._say(["Preflight found nothing wrong."])
        return answer

    def _probes(self, args: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        results = self._results(args["plan"]["hosts"], args, task_vars)
        return {host: (result or {}).get("probe") for host, result in results.items()}

    def _results(self, hosts: t.Iterable[str], args: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """By host the last of the variables that holds what a module returned; a skipped task registers, too."""
        known = task_vars["hostvars"]
        found: dict[str, t.Any] = dict.fromkeys(hosts)
        for host in found:
            registered = [known[host].get(name) for name in args["variables"]] if host in known else []
            found[host] = next((item for item in reversed(registered) if item and not item.get("skipped")), None)
        return found

    def _say(self, lines: t.Sequence[str]) -> None:
        if lines:
            # One call, so that lines of several hosts do not mix.
            display.display("\n".join(lines))
