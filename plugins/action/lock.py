# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write a lock, or compare the hosts with one. Documented in plugins/modules/lock.py."""

from __future__ import annotations

import json
import typing as t

import yaml
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.vllm.cluster.plugins.module_utils.lock import document, pins
from ansible_collections.vllm.cluster.plugins.module_utils.planning.errors import PlanError, Refusals
from ansible_collections.vllm.cluster.plugins.plugin_utils import controller_file, lock_file

_HEAD = "# Written by playbooks/lock.yml. To deploy exactly this: -e vllm_lock=<this file>\n"
_ARGUMENTS = {
    "plan": {"type": "dict", "required": True},
    "operation": {"type": "str", "choices": ["write", "compare"], "required": True},
    "path": {"type": "str", "required": True},
    "facts_variable": {"type": "str", "required": True},
    "probe_variable": {"type": "str", "default": "vllm_probe"},
}
display = Display()


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        task_vars = task_vars or {}
        super().run(tmp, task_vars)
        _result, args = self.validate_argument_spec(argument_spec=_ARGUMENTS)
        hosts = args["plan"]["hosts"]
        seen = {host: task_vars["hostvars"][host].get(args["facts_variable"]) for host in hosts}
        unseen = [host for host, facts in seen.items() if not facts or facts.get("failed") or "images" not in facts]
        if unseen:
            raise AnsibleActionFail(
                f"{', '.join(unseen)}: not looked at, so no lock can be made. Fix: reach these hosts"
            )
        probes = {host: (task_vars["hostvars"][host].get(args["probe_variable"]) or {}).get("probe") for host in hosts}
        try:
            now = document.make(args["plan"], seen, probes)
            if args["operation"] == "compare":
                refusals = Refusals()
                pins.compare(lock_file.read(args["path"]), now, args["path"], refusals)
                refusals.raise_if_any()
                return {"changed": False, "lock": now}
        except PlanError as error:
            text = "\n  ".join(str(refusal) for refusal in error.refusals)
            return {"failed": True, "changed": False, "msg": text}
        # Ansible's texts carry tags, which YAML does not take.
        plain = json.loads(json.dumps(now))
        text = _HEAD + yaml.safe_dump(plain, sort_keys=True, default_flow_style=False, width=120)
        changed = controller_file.write(args["path"], text, self._task.check_mode)
        display.display(f"{args['path']} {'is written' if changed else 'is up to date'}")
        return {"changed": changed, "lock": now}
