# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring container images to a host and show how far it is. Documented in plugins/modules/container_image.py."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.vllm.cluster.plugins.module_utils.images import reference
from ansible_collections.vllm.cluster.plugins.plugin_utils.following import follow

_LOGIN = {"username", "password"}
Result = dict[str, t.Any]


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_diff = True

    def run(self, tmp: t.Any = None, task_vars: Result | None = None) -> Result:
        task_vars = task_vars or {}
        result = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        operation, interval = arguments.pop("operation", "bring"), float(arguments.pop("report_interval", 10))
        images = arguments.get("images")
        if not isinstance(images, list) or not all(isinstance(item, dict) for item in images):
            raise AnsibleActionFail("images must be a list of mappings, as hosts.<host>.images of the plan is")
        _check_logins(arguments.get("logins") or {})
        if not images and operation != "prune":
            return {**result, "changed": False, "images": []}
        if operation != "bring":
            return {**result, **self._module(operation, arguments, task_vars)}
        # Docker gives no login to a registry that is not asked for.
        asked = {reference.parse(item["reference"]).login for item in images}
        logins = arguments.get("logins") or {}
        arguments["logins"] = {name: login for name, login in logins.items() if name in asked}
        host = str(task_vars.get("inventory_hostname", "?"))
        answer = self._module("start", arguments, task_vars)
        found = follow(lambda way: self._module(way, arguments, task_vars), answer, host, interval, "the pull")
        return {**result, **found}

    def _module(self, operation: str, arguments: Result, task_vars: Result) -> Result:
        found: Result = self._execute_module(
            module_name="vllm.cluster.container_image",
            module_args={**arguments, "operation": operation},
            task_vars=task_vars,
        )
        return found


def _check_logins(logins: t.Any) -> None:
    """A login's value is never shown."""
    fix = "Fix: write {registry: {username: …, password: …}}; docker.io is Docker Hub"
    if not isinstance(logins, dict):
        raise AnsibleActionFail(f"vllm_image_logins: is no mapping of registries. {fix}")
    for name, login in logins.items():
        if not isinstance(login, dict) or set(login) != _LOGIN or not all(login.values()):
            raise AnsibleActionFail(f"vllm_image_logins.{name}: needs username and password, and nothing else. {fix}")
        if "/" in str(name):
            raise AnsibleActionFail(f"vllm_image_logins.{name}: is no registry, which is host or host:port. {fix}")
