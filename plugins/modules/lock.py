#!/usr/bin/python
# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write a lock, or compare the hosts with one. Runs on the controller, as an action plugin."""

from __future__ import annotations

DOCUMENTATION = r"""
module: lock
short_description: Write a lock of what is deployed, or compare the hosts with one
version_added: 0.1.0
description:
  - A lock holds the drivers, the digests of images, the versions of vLLM, Ray, torch and Python, and the commits and
    files of models. C(vllm_lock) of the inventory names one to deploy exactly that.
  - Runs on the controller.
options:
  plan:
    description: The plan.
    type: dict
    required: true
  operation:
    description: V(write) writes O(path). V(compare) refuses what the hosts have otherwise than O(path).
    type: str
    choices: [write, compare]
    required: true
  path:
    description: The lock, a file on the controller.
    type: path
    required: true
  facts_variable:
    description: Variable of each host with what M(vllm.cluster.lock_facts) returned.
    type: str
    required: true
  probe_variable:
    description: Variable of each host with what M(vllm.cluster.host_probe) returned.
    type: str
    default: vllm_probe
attributes:
  check_mode:
    support: full
    description: Says whether the file would change.
  diff_mode:
    support: none
    description: The file is best compared by its own history.
  idempotent:
    support: full
    description: A lock that says the same is not written again.
author:
  - The vllm.cluster authors (@vllm-cluster)
"""

EXAMPLES = r"""
- name: Write the lock
  vllm.cluster.lock:
    operation: write
    plan: "{{ plan }}"
    path: vllm.lock.yml
    facts_variable: lock_facts
  run_once: true
"""

RETURN = r"""
lock:
  description: What the hosts have.
  returned: success
  type: dict
"""
