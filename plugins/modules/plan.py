#!/usr/bin/python
# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: plan
short_description: Turn intent and probes into the plan of every host
version_added: 0.1.0
description:
  - Reads the C(vllm_*) variables of the inventory (the intent) and what M(vllm.cluster.host_probe) found.
  - Runs on the controller and touches no host. Run it once a play (C(run_once)).
  - Refuses what cannot work; each refusal names the item's path, the value, the rule and the fix.
options:
  stage:
    description:
      - V(intent) checks what can be checked without the hosts, and tells which hosts to probe for what.
      - V(plan) makes the plan.
    type: str
    choices: [intent, plan]
    default: plan
  probe_variable:
    description: The variable in which each host's M(vllm.cluster.host_probe) result was registered.
    type: str
    default: vllm_probe
  show:
    description: Print the plan, as a table for persons or as JSON for machines.
    type: str
    choices: [none, text, json]
    default: none
attributes:
  check_mode:
    support: full
    description: Changes nothing, so check mode does the same.
  diff_mode:
    support: none
    description: Changes nothing, so there is no difference to show.
  idempotent:
    support: full
    description: Equal input gives equal bytes.
  action:
    support: full
    description: Runs on the controller alone.
author:
  - The vllm.cluster authors (@vllm-cluster)
"""

EXAMPLES = r"""
- name: Check the intent
  vllm.cluster.plan:
    stage: intent
  run_once: true
  register: intent

- name: Probe the hosts that the intent names
  vllm.cluster.host_probe:
    paths: "{{ intent.requests[inventory_hostname].paths }}"
  register: vllm_probe
  when: inventory_hostname in intent.members

- name: Plan
  vllm.cluster.plan:
    show: text
  run_once: true
  register: planned
"""

RETURN = r"""
members:
  description: Hosts that the intent names.
  returned: with O(stage=intent)
  type: list
  elements: str
requests:
  description: What to probe on each of them.
  returned: with O(stage=intent)
  type: dict
plan:
  description: The plan. docs/plan.md of the collection tells its shape.
  returned: with O(stage=plan)
  type: dict
refusals:
  description: Every refusal, with path, value, rule and fix.
  returned: when the plan is refused
  type: list
  elements: dict
"""
