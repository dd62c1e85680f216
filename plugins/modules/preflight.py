#!/usr/bin/python
# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight
short_description: Decide what a preflight checks, and judge what it met
version_added: 0.1.0
description:
  - The controller's half of the role P(vllm.cluster.preflight#role), which asks the hosts by
    M(vllm.cluster.host_probe), M(vllm.cluster.peer_check) and M(vllm.cluster.collective_test).
  - Runs on the controller and touches no host. Run each stage once a play (C(run_once)).
options:
  stage:
    description:
      - V(choose) tells which engines of several hosts are checked, and what to probe on their hosts.
      - V(prepare) tells what the hosts do, in rounds whose engines share no host, and judges the probes.
      - V(peers) judges what M(vllm.cluster.peer_check) returned in a round, V(collective) what
        M(vllm.cluster.collective_test) did.
      - V(report) shows all findings, and fails when one is an error.
    type: str
    choices: [choose, prepare, peers, collective, report]
    required: true
  plan:
    description: The whole plan. For V(choose) and V(prepare).
    type: dict
  when:
    description:
      - V(auto) takes engines that do not run on all of their hosts, or run there on another address or interface than
        planned.
      - V(always) takes every engine of several hosts, V(never) none.
    type: str
    choices: [auto, always, never]
    default: auto
  engines:
    description: Names of engines. For V(prepare) what V(choose) returned, for V(collective) what V(peers) returned.
    type: list
    elements: str
  consent:
    description: Whether a collective may run beside an engine that runs, or on GPUs that somebody uses.
    type: bool
    default: false
  round:
    description: One of RV(rounds). For V(peers) and V(collective).
    type: dict
  results:
    description: What V(prepare), V(peers) and V(collective) returned. For V(report).
    type: list
    elements: dict
  variables:
    description: >-
      Variables in which each host's results were registered. The last that was not skipped counts.
    type: list
    elements: str
extends_documentation_fragment:
  - vllm.cluster.read_only
attributes:
  action:
    support: full
    description: Runs on the controller alone.
seealso:
  - module: vllm.cluster.peer_check
  - module: vllm.cluster.collective_test
author:
  - The vllm.cluster authors (@vllm-cluster)
"""

EXAMPLES = r"""
- name: Decide which engines need it
  vllm.cluster.preflight:
    stage: choose
    plan: "{{ vllm_plan }}"
    when: always
    variables: [vllm_probe]
  run_once: true
  register: chosen
"""

RETURN = r"""
engines:
  description: Names of the engines that are checked.
  returned: with O(stage=choose)
  type: list
  elements: str
requests:
  description: Options of M(vllm.cluster.host_probe), by host.
  returned: with O(stage=choose)
  type: dict
rounds:
  description: What the hosts do. The engines of a round share no host.
  returned: with O(stage=prepare)
  type: list
  elements: dict
findings:
  description:
    - By engine, a list of findings as M(vllm.cluster.peer_check) returns them.
    - With O(stage=report) one list, each with the engines that it is about.
  returned: with the other stages
  type: raw
collective:
  description: Engines over whose members a collective may run.
  returned: with O(stage=peers)
  type: list
  elements: str
told:
  description: Lines for a person.
  returned: with all stages but V(report)
  type: list
  elements: str
"""
