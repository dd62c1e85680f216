#!/usr/bin/python
# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_units
short_description: Give a host exactly the systemd units of its plan
version_added: 0.1.0
description:
  - Applies the whole set of a host's vLLM units as one transaction. Files that differ are written, units that the set
    no longer names are stopped and removed, systemd reloads its files once, and only the units whose process would
    come out different are restarted, together with those that must restart with them.
  - A unit keeps running when no line changes that its process was made from. Changed dependencies, time-outs, restart
    rules and comments are written and reloaded, and nobody is interrupted.
  - A unit that was written but not yet restarted when an earlier run was interrupted is restarted by the next run.
  - With O(plan), which the role P(vllm.cluster.engine#role) uses, the texts are rendered on the controller from the
    templates C(unit.service.j2), C(unit.env.j2) and C(vllm.target.j2), found as the M(ansible.builtin.template)
    action finds its own, and secrets are taken from the variable C(vllm_services). With O(units) the texts are yours.
author:
  - The vllm.cluster authors (@vllm-cluster)
attributes:
  check_mode:
    support: full
    description: Reports the same actions as a real run. Warns where a real run would ask for O(allow_restart).
  diff_mode:
    support: full
    description: Shows changed files. Values of secrets are hidden; that one changed is said.
  idempotent:
    support: full
    description: A second run changes nothing, and costs one call of C(systemctl show).
options:
  plan:
    description:
      - The host's units as the plan holds them (C(hosts.<host>.units)).
      - Read on the controller, which hands O(units), O(environments) and O(target) to the host instead.
    type: list
    elements: dict
  units:
    description:
      - All vLLM services that the host shall have.
      - A unit with a name of ours that is not in the list is removed (see O(prune)).
    type: list
    elements: dict
    suboptions:
      name:
        description: Name of the unit, C(vllm-<service>-<engine>[-<part>].service).
        type: str
        required: true
      text:
        description:
          - Text of the unit file.
          - A section that marks the file as ours, C([X-vllm.cluster]), is added at its end.
        type: str
        required: true
      restart_with:
        description: Units of O(units) whose restart must restart this one.
        type: list
        elements: str
        default: []
      restart_freely:
        description: Whether nobody is interrupted when it restarts, so that O(allow_restart) is not asked for.
        type: bool
        default: false
  environments:
    description:
      - For every item of O(units) its environment file, C(name of the unit -> text).
      - "Values that follow the line C(# Secrets: what stands below is never shown.) are hidden in diffs; in a text
        without that line all are."
    type: dict
  target:
    description: Text of C(vllm.target), which the units are part of. It is removed when O(units) is empty.
    type: str
  allow_restart:
    description:
      - Consent to restart or remove units that are running.
      - Without it a run that would do so changes nothing and fails, naming the units and what changed.
    type: bool
    default: false
  prune:
    description: Whether units of ours that O(units) does not name are stopped and removed.
    type: bool
    default: true
  unit_dir:
    description: Where unit files are.
    type: path
    default: /etc/systemd/system
  environment_dir:
    description: Where environment files are, readable for root only.
    type: path
    default: /etc/vllm/units
  record_dir:
    description: Where is noted, readable for root only, what each running unit was started from.
    type: path
    default: /var/lib/vllm-units
notes:
  - Needs systemd 240 or newer and root.
  - A unit file, or a unit known to systemd, that has a wanted name and is not ours is never touched. The run fails.
seealso:
  - module: ansible.builtin.systemd_service
"""

EXAMPLES = r"""
- name: Apply the host's part of the plan
  vllm.cluster.host_units:
    plan: "{{ vllm_host_plan.units }}"
    allow_restart: "{{ vllm_allow_restart }}"

- name: Apply units of one's own making
  vllm.cluster.host_units:
    units:
      - name: vllm-chat-0.service
        text: |
          [Unit]
          PartOf=vllm.target
          [Service]
          EnvironmentFile=/etc/vllm/units/vllm-chat-0.env
          ExecStart=/opt/vllm/envs/vllm/bin/vllm serve /srv/models/chat
          Restart=always
          [Install]
          WantedBy=vllm.target
    environments:
      vllm-chat-0.service: |
        OMP_NUM_THREADS="2"
    target: |
      [Install]
      WantedBy=multi-user.target

- name: Remove every unit of ours
  vllm.cluster.host_units:
    units: []
    allow_restart: true
"""

RETURN = r"""
actions:
  description: What was done, or in check mode would be, a unit an item; removals first, then the order of O(units).
  returned: success
  type: list
  elements: dict
  contains:
    unit:
      description: Name of the unit.
      type: str
      returned: always
    operations:
      description: Some of V(write unit), V(write environment), V(enable), V(start), V(restart), V(remove).
      type: list
      elements: str
      returned: always
    reasons:
      description: Why.
      type: list
      elements: str
      returned: always
    changes:
      description: Of a unit that is there already, what its process would notice. Secrets are named, never told.
      type: list
      elements: str
      returned: always
      sample: ["--port: 8000 -> 8001"]
  sample:
    - unit: vllm-chat-0.service
      operations: [write unit, restart]
      reasons: [the unit file changes]
restarted:
  description: Units that were running, or that systemd was trying to run, and that began anew.
  returned: success
  type: list
  elements: str
started:
  description: Units that were down and are running now.
  returned: success
  type: list
  elements: str
removed:
  description: Units that are no more.
  returned: success
  type: list
  elements: str
reloaded:
  description: Whether systemd read its files again.
  returned: success
  type: bool
consent_needed:
  description: Running units among the restarted and removed ones, for which O(allow_restart) is needed.
  returned: success
  type: list
  elements: str
failed_unit:
  description: The unit that could not be brought to its wanted state.
  returned: failure
  type: str
failed_step:
  description: What was being done then.
  returned: failure
  type: str
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.vllm.cluster.plugins.module_utils.units import report, texts
from ansible_collections.vllm.cluster.plugins.module_utils.units.apply import apply, look
from ansible_collections.vllm.cluster.plugins.module_utils.units.errors import UnitError
from ansible_collections.vllm.cluster.plugins.module_utils.units.host_files import (
    ENVIRONMENT_DIR,
    RECORD_DIR,
    UNIT_DIR,
    HostFiles,
)
from ansible_collections.vllm.cluster.plugins.module_utils.units.systemctl import Systemctl
from ansible_collections.vllm.cluster.plugins.module_utils.units.transaction import Transaction, Wanted, decide


def wanted_units(params: dict[str, t.Any]) -> list[Wanted]:
    """The module's options as wanted units, the target first. Raises UnitError for options that do not fit together."""
    environments = dict(params["environments"] or {})
    units = []
    for item in params["units"]:
        texts.check_name(item["name"])
        if not isinstance(environments.get(item["name"]), str):
            raise UnitError("environments has no text for it", unit=item["name"])
        text = texts.stamp(item["name"], item["text"])
        follows, freely = tuple(item["restart_with"]), item["restart_freely"]
        units.append(Wanted(item["name"], text, environments[item["name"]], follows, freely))
    unknown = sorted(set(environments) - {unit.name for unit in units})
    if unknown:
        raise UnitError(f"environments names {', '.join(unknown)}, and units does not")
    if units and params["target"] is None:
        raise UnitError("the text of the target that units are part of is missing", unit=texts.TARGET)
    if not units:
        return []
    return [Wanted(texts.TARGET, texts.stamp(texts.TARGET, params["target"]), None), *units]


class HostUnits:
    """One run of the module."""

    def __init__(self, module: AnsibleModule) -> None:
        self._module = module
        params = module.params
        self._wanted = wanted_units(params)
        self._files = HostFiles(params["unit_dir"], params["environment_dir"], params["record_dir"])
        self._systemctl = Systemctl(module.run_command, module.get_bin_path("systemctl", required=True))

    def run(self) -> dict[str, t.Any]:
        transaction, result = self._decide()
        if self._module.check_mode or not transaction.changes:
            return result
        with self._files.lock():
            # Another run may have changed the host while this one waited.
            transaction, result = self._decide()
            apply(transaction, self._wanted, self._found, self._files, self._systemctl)
        return result

    def _decide(self) -> tuple[Transaction, dict[str, t.Any]]:
        self._found = look(self._wanted, self._files, self._systemctl)
        transaction = decide(self._wanted, self._found, self._files.unit_dir, self._module.params["prune"])
        subject = (transaction, self._wanted, self._found, self._files)
        refusal = "" if self._module.params["allow_restart"] else report.refusal(*subject)
        if refusal and not self._module.check_mode:
            raise UnitError(refusal)
        if refusal:
            self._module.warn(f"A real run will ask for consent. {refusal}")
        result = report.result(*subject)
        if self._module._diff:
            result["diff"] = report.diffs(*subject)
        return transaction, result


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "plan": {"type": "list", "elements": "dict"},
            "units": {
                "type": "list",
                "elements": "dict",
                "options": {
                    "name": {"type": "str", "required": True},
                    "text": {"type": "str", "required": True},
                    "restart_with": {"type": "list", "elements": "str", "default": []},
                    "restart_freely": {"type": "bool", "default": False},
                },
            },
            # Of the top level, so that no log of the invocation, journal included, ever holds it in any form.
            "environments": {"type": "dict", "no_log": True},
            "target": {"type": "str"},
            "allow_restart": {"type": "bool", "default": False},
            "prune": {"type": "bool", "default": True},
            "unit_dir": {"type": "path", "default": UNIT_DIR},
            "environment_dir": {"type": "path", "default": ENVIRONMENT_DIR},
            "record_dir": {"type": "path", "default": RECORD_DIR},
        },
        mutually_exclusive=[("plan", "units")],
        required_one_of=[("plan", "units")],
        supports_check_mode=True,
    )
    if module.params["plan"] is not None:
        module.fail_json(msg="plan is read on the controller, by the action of this name: call it by its full name")
    try:
        module.exit_json(**HostUnits(module).run())
    except UnitError as error:
        module.fail_json(**error.as_result())


if __name__ == "__main__":
    main()
