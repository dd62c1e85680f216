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
  - >-
    What a model needs is known from, in this order, C(model_config) of its service, the model's directory on a probed
    host, the probes file, and C(config.json) of the hub at C(vllm_hub_endpoint). The hub is asked for a few small
    files, at most 5 seconds a model, with C(secrets.HF_TOKEN) of the service if there is one.
options:
  stage:
    description:
      - V(intent) checks what can be checked without the hosts, and tells which hosts to probe for what.
      - V(probes) saves what the hosts of the play are to O(save_probes), and plans nothing.
      - V(plan) makes the plan.
      - V(changes) tells what would be done to the units of all hosts, from what M(vllm.cluster.host_units) said of each
        in check mode.
    type: str
    choices: [intent, probes, plan, changes]
    default: plan
  probe_variable:
    description: The variable in which each host's M(vllm.cluster.host_probe) result was registered.
    type: str
    default: vllm_probe
  plan:
    description: The plan, for O(stage=changes).
    type: dict
  units_variable:
    description: The variable with each host's M(vllm.cluster.host_units) result, for O(stage=changes).
    type: str
  probes_file:
    description:
      - Plan from this file instead of from registered probes, so that no host is needed. C(docs/planning.md) of the
        collection tells its form.
      - A relative path starts where C(ansible-playbook) was started.
    type: str
  save_probes:
    description: Write the registered probes, and what is known of the models, to this file on the controller.
    type: str
  show:
    description:
      - Print the plan. V(text) is one screen a service, V(json) the document, V(html) the page.
    type: str
    choices: [none, text, json, html]
    default: none
  page:
    description:
      - Write the plan as an HTML page, with the cluster drawn, to this file on the controller.
      - The page needs nothing else, neither a network nor scripts.
    type: str
  apply:
    description: Refuse also what is planned well, but what the roles of this release cannot start.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    description: Plans as ever, and tells which files it would write.
  diff_mode:
    support: none
    description: A page or a file of probes is too long to be compared by eye.
  idempotent:
    support: full
    description: Equal input gives equal bytes, and a file that holds them already is left alone.
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

- name: Plan from saved probes, and draw the cluster
  vllm.cluster.plan:
    probes_file: vllm-probes.json
    page: plan.html
  run_once: true
"""

RETURN = r"""
members:
  description: Hosts that the intent names.
  returned: with O(stage=intent)
  type: list
  elements: str
services:
  description: The services, with C(name), C(model), C(replicas) (null when not written) and C(hosts).
  returned: with O(stage=intent)
  type: list
  elements: dict
requests:
  description: What to probe on each of them.
  returned: with O(stage=intent)
  type: dict
driver_needs:
  description:
    - What the services of each host ask of its NVIDIA driver, for O(vllm.cluster.nvidia_plan#module:needs). An empty
      list for a host whose services run on the CPU.
  returned: with O(stage=intent)
  type: dict
container_hosts:
  description: Hosts with a service that runs in containers.
  returned: with O(stage=intent)
  type: list
  elements: str
saved:
  description: Hosts whose probes the file holds.
  returned: with O(save_probes)
  type: list
  elements: str
page:
  description: The file that holds the page.
  returned: with O(page)
  type: str
plan:
  description: The plan. docs/plan.md of the collection tells its shape.
  returned: with O(stage=plan)
  type: dict
units:
  description:
    - What would become of each unit, with C(host), C(unit), C(what), C(why) and C(asks) (whether consent is needed).
    - C(what) is V(made), V(started), V(restarted), V(restarted with its group), V(removed), V(rewritten, runs on)
      or V(left).
  returned: with O(stage=changes)
  type: list
  elements: dict
unseen:
  description: Hosts that could not be looked at, with the reason.
  returned: with O(stage=changes)
  type: dict
refusals:
  description: Every refusal, with id, path, value, rule and fix.
  returned: when the plan is refused
  type: list
  elements: dict
"""
