#!/usr/bin/python
# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The half of the module that runs on the host: what is there. The action of this name decides, on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: nvidia_plan
short_description: Tell what a host needs of NVIDIA's driver and what goes with it, and what would be done
version_added: 0.1.0
description:
  - Finds GPUs by the PCI bus, so without a driver, and reads which driver, packages and kernel modules the host has,
    and who uses the GPUs. All in one round trip.
  - >-
    Chooses the driver's branch and flavour (open or proprietary kernel modules) from the GPUs' generation and from the
    CUDA that the host's services are built for, and says what a run of the role C(nvidia) does, with reasons.
  - Refuses what cannot work, and asks for consent by the names of the variables that give it. Changes nothing.
author:
  - The vllm.cluster authors (@vllm-cluster)
extends_documentation_fragment:
  - vllm.cluster.read_only
options:
  needs:
    description: What the host's services ask of the driver, as RV(vllm.cluster.plan#module:driver_needs) has it.
    type: list
    elements: dict
    default: []
  settings:
    description:
      - The variables of the role C(nvidia) by their names without C(vllm_nvidia_). What is left out has its default.
    type: dict
    default: {}
  stage:
    description:
      - V(before) asks for consent. In check mode it warns instead of failing.
      - V(changed) decides anew after something was done, and neither asks nor refuses for the driver's state.
      - V(after) refuses a driver that does not work, or that only a reboot makes work.
    type: str
    choices: [before, changed, after]
    default: before
  show:
    description: Print the reasons and what a run does, with O(stage=before).
    type: bool
    default: true
  root:
    description:
      - A folder in whose place C(/) stands for the PCI bus, kernel modules, Secure Boot and what tells a container. For
        tests on hosts without a GPU alone.
    type: path
    default: /
  timeout:
    description: Seconds that each command may take.
    type: int
    default: 20
attributes:
  action:
    support: full
    description: Decides on the controller, which has the tables of releases.
"""

EXAMPLES = r"""
- name: See what the host's driver is and should be
  vllm.cluster.nvidia_plan:
    needs: "{{ intent.driver_needs[inventory_hostname] }}"
    settings: {source: network, hold: true}
  register: nvidia
"""

RETURN = r"""
found:
  description: What the host has.
  returned: success
  type: dict
plan:
  description:
    - What is to be done. C(action) is V(none), V(keep), V(install) or V(change); C(lines) are the reasons, C(steps)
      what a run does. docs/nvidia.md of the collection tells the rest.
  returned: success
  type: dict
refusals:
  description: Every refusal, with id, path, value, rule and fix.
  returned: when refused
  type: list
  elements: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.vllm.cluster.plugins.module_utils.nvidia import found
from ansible_collections.vllm.cluster.plugins.module_utils.probes.commands import Commands
from ansible_collections.vllm.cluster.plugins.module_utils.probes.files import Files


def main():
    module = AnsibleModule(
        argument_spec={
            "needs": {"type": "list", "elements": "dict", "default": []},
            "settings": {"type": "dict", "default": {}},
            "stage": {"type": "str", "choices": ["before", "changed", "after"], "default": "before"},
            "show": {"type": "bool", "default": True},
            "root": {"type": "path", "default": "/"},
            "timeout": {"type": "int", "default": 20},
        },
        supports_check_mode=True,
    )
    commands = Commands(module, module.params["timeout"])
    module.exit_json(changed=False, found=found.read(Files(), Files(module.params["root"]), commands))


if __name__ == "__main__":
    main()
