# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: service_status
short_description: Join what runs on hosts with the services that are wanted, and show it on one screen
version_added: 0.1.0
description:
  - Runs on the controller, from what M(vllm.cluster.host_status) told of each host.
  - What is healthy is folded; what is not is told one by one. Hosts that are not reached are told like the others.
author:
  - The vllm.cluster authors (@vllm-cluster)
extends_documentation_fragment:
  - vllm.cluster.read_only
options:
  services:
    description: The services of the intent, as M(vllm.cluster.plan) returns them with C(stage=intent).
    type: list
    elements: dict
    required: true
  hosts:
    description: The hosts that services name.
    type: list
    elements: str
    required: true
  status_variable:
    description: The variable in which each host's M(vllm.cluster.host_status) result was registered.
    type: str
    default: vllm_status
  show:
    description: Whether and how the status is shown, where Ansible's other output goes.
    type: str
    choices: [none, text, json]
    default: none
  fail_when_unhealthy:
    description: Whether a service that does not serve, or a host that does not answer, fails the task.
    type: bool
    default: true
seealso:
  - module: vllm.cluster.host_status
"""

EXAMPLES = r"""
- name: Check the intent
  vllm.cluster.plan:
    stage: intent
  run_once: true
  register: intent

- name: See what runs
  vllm.cluster.host_status:
    address: "{{ ansible_host }}"
  register: vllm_status
  when: inventory_hostname in intent.members

- name: Show it
  vllm.cluster.service_status:
    services: "{{ intent.services }}"
    hosts: "{{ intent.members }}"
    show: text
  run_once: true
"""

RETURN = r"""
status:
  description: Services, engines, hosts, problems and notes. docs/status.md of the collection tells the shape.
  returned: always
  type: dict
msg:
  description: One line on what serves, and the first thing that is wrong.
  returned: always
  type: str
"""
