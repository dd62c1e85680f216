# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring models to a host and show how far it is. Documented in plugins/modules/model_download.py."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.vllm.cluster.plugins.module_utils.downloads import agreement
from ansible_collections.vllm.cluster.plugins.plugin_utils.following import follow
from ansible_collections.vllm.cluster.plugins.plugin_utils.secrets import look_up

_LOCAL = ("directory", "generated")
_OWN = ("found_variable", "report_interval")

Result = dict[str, t.Any]


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_diff = True

    def run(self, tmp: t.Any = None, task_vars: Result | None = None) -> Result:
        task_vars = task_vars or {}
        result = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        operation = arguments.pop("operation", "bring")
        own = {name: arguments.pop(name) for name in _OWN if name in arguments}
        models = arguments.get("models") or []
        if not isinstance(models, list) or not all(isinstance(item, dict) for item in models):
            raise AnsibleActionFail("models must be a list of mappings, as hosts.<host>.models of the plan is")
        arguments["models"] = [item for item in models if item.get("kind") not in _LOCAL]
        arguments["tokens"] = {**(arguments.get("tokens") or {}), **self._tokens(arguments["models"])}
        if operation == "agree":
            return {**result, **self._agree(own, task_vars)}
        if operation == "resolve":
            return {**result, **self._resolve(arguments, own, task_vars)}
        if not arguments["models"]:
            return {**result, "changed": False, "models": [], "lacking": []}
        if operation == "bring":
            return {**result, **self._bring(arguments, own, task_vars)}
        return {**result, **self._module(operation, arguments, task_vars)}

    def _module(self, operation: str, arguments: Result, task_vars: Result) -> Result:
        found: Result = self._execute_module(
            module_name="vllm.cluster.model_download",
            module_args={**arguments, "operation": operation},
            task_vars=task_vars,
        )
        return found

    def _tokens(self, models: list[Result]) -> dict[str, str]:
        """Tokens of single models. They are put in here, and only here: the option hides them."""
        return {item["path"]: look_up(self._templar, item["token"]) for item in models if item.get("token")}

    def _bring(self, arguments: Result, own: Result, task_vars: Result) -> Result:
        host = str(task_vars.get("inventory_hostname", "?"))
        looked = self._registered(own, task_vars).get(host)
        if looked and not any(model["changed"] for model in looked["models"]):
            return {"changed": False, "models": looked["models"]}
        interval = float(own.get("report_interval", 10))
        answer = self._module("start", arguments, task_vars)
        return follow(lambda way: self._module(way, arguments, task_vars), answer, host, interval, "the download")

    def _resolve(self, arguments: Result, own: Result, task_vars: Result) -> Result:
        """One commit for all hosts, of models that name none: that of a host that has the model, else the newest."""
        commits, unknown = agreement.commits(self._registered(own, task_vars))
        if not unknown or self._task.check_mode:
            return {"changed": False, "commits": commits}
        tokens = self._tokens(unknown)
        answer = self._module("resolve", {**arguments, "models": unknown, "tokens": tokens}, task_vars)
        if answer.get("failed") or answer.get("unreachable"):
            return answer
        return {**answer, "commits": {**commits, **answer["commits"]}}

    def _agree(self, own: Result, task_vars: Result) -> Result:
        fault = agreement.fault(self._registered(own, task_vars))
        return {"failed": True, "changed": False, "msg": fault} if fault else {"changed": False}

    def _registered(self, own: Result, task_vars: Result) -> dict[str, Result]:
        """What this module's results on the hosts of the play were, by host."""
        name, hostvars = own.get("found_variable"), task_vars.get("hostvars") or {}
        hosts = task_vars.get("ansible_play_hosts") or [] if name else []
        found = {str(host): hostvars[host].get(name) for host in hosts}
        return {host: item for host, item in found.items() if item and "models" in item}
