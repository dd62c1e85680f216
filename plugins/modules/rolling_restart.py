# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rolling_restart
short_description: Find the steps of a rolling restart, or why there must be none
version_added: 0.1.0
description:
  - Runs on the controller, from the plan and from what M(vllm.cluster.host_status) told of each host.
  - Puts the chosen engines and servers in order, one at a time, and tells of each who serves meanwhile.
    C(playbooks/restart.yml) takes the steps.
  - Refuses what clients would notice without O(allow_restart), and what cannot be done at all.
author:
  - The vllm.cluster authors (@vllm-cluster)
extends_documentation_fragment:
  - vllm.cluster.read_only
options:
  stage:
    description:
      - V(steps) finds the steps.
      - V(judge) fails where one of a step's tasks failed, and says what state that leaves.
    type: str
    choices: [steps, judge]
    default: steps
  plan:
    description: The whole plan, for V(steps).
    type: dict
  status_variable:
    description: The variable in which each host's M(vllm.cluster.host_status) result was registered.
    type: str
    default: vllm_status
  services:
    description: Names of services; none stands for all.
    type: list
    elements: str
    default: []
  sides:
    description: Sides of services with prefill and decode engines; none stands for all engines of every service.
    type: list
    elements: str
    choices: [prefill, decode]
    default: []
  hosts:
    description: Hosts of which engines must have a member, or front doors must stand on; none stands for all.
    type: list
    elements: str
    default: []
  parts:
    description:
      - What is restarted. V(doors) restarts vllm-router when its answers have ended, and reloads nginx.
      - V(servers) restarts the servers of connectors (LMCache, Mooncake's master), and all engines that use them.
    type: list
    elements: str
    choices: [engines, servers, doors]
    default: [engines]
  allow_restart:
    description: Consent to restarts that clients notice.
    type: bool
    default: false
  show:
    description: Whether the steps are shown, where Ansible's other output goes.
    type: bool
    default: true
  roll:
    description: RV(roll) of the task that found the steps; for V(judge).
    type: dict
  engine:
    description: The engine whose step is judged.
    type: str
  results:
    description: Names of the variables in which the tasks of the step registered what they did, in their order.
    type: list
    elements: str
  restart:
    description: That one of O(results) in which the restart itself is.
    type: str
seealso:
  - module: vllm.cluster.router_workers
"""

EXAMPLES = r"""
- name: Find the steps
  vllm.cluster.rolling_restart:
    plan: "{{ planned.plan }}"
    services: [chat]
  run_once: true
  register: found
"""

RETURN = r"""
roll:
  description:
    - C(engines), the steps in their order, with C(engine), C(service), C(kind), C(head), C(hosts), C(unit), C(units),
      C(door), C(workers), C(meanwhile), C(serves), and of a server C(along), the engines that restart with it; C(doors)
      to renew after them; C(left), what is not restarted and why; and C(hosts), on which something is done.
  returned: for V(steps)
  type: dict
refusals:
  description: What forbids the restart, each with its fix.
  returned: when it is refused
  type: list
  elements: str
"""
