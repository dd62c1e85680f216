#!/usr/bin/python
# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: engine_wait
short_description: Wait until a host's engines make tokens, showing how far they are
version_added: 0.1.0
description:
  - Asks M(vllm.cluster.vllm_health) again and again, one call for all engines of the host, until one call finds all of
    them healthy. When they are healthy already that is one round trip.
  - Shows a line when an engine enters another phase, and every O(report_interval) seconds, with host, unit, phase, time
    and the last log line. Loading a large model takes many minutes.
  - Fails as soon as waiting is of no use, with the reason found in the journal, the line that says so and what to do.
    That is when a unit has stopped, when it ended for a reason that starting again cannot cure, or when it was
    restarted O(max_restarts) times.
  - At the time-out (C(start_timeout_s) of the unit, counted from the beginning of the task) it says in which phase the
    engine is stuck and since when.
author:
  - The vllm.cluster authors (@vllm-cluster)
attributes:
  check_mode:
    support: full
    description: Does not wait, and says so.
  diff_mode:
    support: none
    description: There is nothing to change.
  idempotent:
    support: full
    description: It never changes anything.
options:
  units:
    description:
      - The host's units as the plan holds them (C(hosts.<host>.units)). Those of another kind than V(engine) are passed
        over.
      - The API key that C(secrets.VLLM_API_KEY) refers to is looked up in C(vllm_services) on the controller.
    type: list
    elements: dict
    required: true
  interval:
    description: Seconds between the end of one call and the next.
    type: float
    default: 3
  report_interval:
    description: Seconds after which an engine that stays in one phase is shown again.
    type: float
    default: 10
  max_restarts:
    description: How many restarts during the wait fail the task when their reason might pass by itself.
    type: int
    default: 2
  timeout:
    description: Seconds for each request that makes no token.
    type: float
    default: 5
  token_timeout:
    description: Seconds for the completion of one token.
    type: float
    default: 30
  former_envs:
    description: Environments that the engines could go back to. A failure names them, and how.
    type: list
    elements: path
    default: []
  show_progress:
    description: Whether the lines are shown. They go where Ansible's other output goes.
    type: bool
    default: true
seealso:
  - module: vllm.cluster.vllm_health
"""

EXAMPLES = r"""
- name: Wait until this host's engines make tokens
  vllm.cluster.engine_wait:
    units: "{{ vllm_plan.hosts[inventory_hostname].units }}"
"""

RETURN = r"""
engines:
  description:
    - One item for each engine, as the last call found it. RV(engines[].rungs), RV(engines[].progress) and
      RV(engines[].reason) are those of M(vllm.cluster.vllm_health).
  returned: when it waited
  type: list
  elements: dict
  contains:
    engine:
      description: Name of the engine.
      type: str
    unit:
      description: Its systemd unit.
      type: str
    ok:
      description: Whether it is healthy.
      type: bool
    waited:
      description: Seconds from the beginning of the task until it was found healthy.
      type: float
    uptime:
      description: Seconds that its main process was running at the last call.
      type: float
    restarts:
      description: How often systemd has restarted it since it was last started by hand or by Ansible.
      type: int
    rungs:
      description: The four rungs.
      type: dict
    progress:
      description: How far it has come.
      type: dict
    reason:
      description: Why its last start that ended failed, or null.
      type: dict
seconds:
  description: Seconds that the task waited.
  returned: when it waited
  type: float
  sample: 41.3
"""
