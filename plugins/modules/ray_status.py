#!/usr/bin/python
# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ray_status
short_description: Tell which hosts are in a Ray cluster, what it has and what waits
version_added: 0.1.0
description:
  - Reads a running cluster through its dashboard (O(url)) on the head, or a C(ray status) output that somebody saved
    (O(text)). Starts no Ray process and changes nothing.
  - Fails naming the hosts of O(expected) that are not in the cluster.
  - A host with another Ray or Python never joins, since Ray refuses it there. On such a host O(unit) tells it, with the
    versions of both.
author:
  - The vllm.cluster authors (@vllm-cluster)
extends_documentation_fragment:
  - vllm.cluster.read_only
options:
  url:
    description: Where this host reaches the dashboard, such as V(http://127.0.0.1:8265). It is on the head alone.
    type: str
  token_file:
    description:
      - File on this host with the cluster's token, where it has one. The plan has it as C(secret_file) of the group.
      - The token is sent in a header and is in no command line and no result.
    type: path
  timeout:
    description: Seconds for each of three requests.
    type: float
    default: 10
  text:
    description: What C(ray status) printed, whole or in part, of any Ray from 1.7 on.
    type: str
  unit:
    description:
      - systemd unit of Ray on this host. Its log tells why Ray did not start or may not join.
      - With nothing else, for members that are not the head, fails when Ray is refused or its unit does not run.
    type: str
  expected:
    description:
      - The hosts that must be in the cluster. One that is missing fails the task.
      - A C(ray status) output mostly names no addresses. With O(text) only the number of nodes is judged then.
    type: list
    elements: dict
    default: []
    suboptions:
      host:
        description: How the host is called in messages.
        type: str
        required: true
      address:
        description: Its address as Ray knows it (C(--node-ip-address)).
        type: str
        required: true
notes:
  - Ray takes about 30 seconds to see that a host lost its power. Until then its node is told as alive.
seealso:
  - module: vllm.cluster.vllm_health
"""

EXAMPLES = r"""
- name: See that both members are in the cluster, on the head
  vllm.cluster.ray_status:
    url: http://127.0.0.1:8265
    token_file: /etc/vllm/groups/r1-0.secret
    unit: vllm-r1-0-ray.service
    expected:
      - {host: gpu1, address: 10.9.0.1}
      - {host: gpu2, address: 10.9.0.2}

- name: See why a member does not join, on that member
  vllm.cluster.ray_status:
    unit: vllm-r1-0-ray.service

- name: Read what is in a ticket
  vllm.cluster.ray_status:
    text: "{{ lookup('ansible.builtin.file', 'ray-status.txt') }}"
  register: ray
"""

RETURN = r"""
ray_version:
  description: The cluster's Ray, which all its nodes have. Null with O(text) and on members without a dashboard.
  returned: always
  type: str
session:
  description: Name of the cluster's session, new at every start of the head, or null.
  returned: always
  type: str
  sample: session_2026-11-21_11-07-14_156453_214
nodes:
  description: The nodes that Ray knows, those that live first. Empty without O(url).
  returned: always
  type: list
  elements: dict
  contains:
    host:
      description: The name from O(expected), or null.
      type: str
    address:
      description: Where the other nodes reach it.
      type: str
    node_id:
      description: Ray's name for it, new at every start.
      type: str
    head:
      description: Whether it is the head.
      type: bool
    alive:
      description: Whether Ray takes it for alive.
      type: bool
    state:
      description: V(alive) or V(dead).
      type: str
    message:
      description: Why it died, or null.
      type: str
    resources:
      description: What it has, by name. Memory in bytes, the rest in Ray's units.
      type: dict
      sample: {CPU: 192, GPU: 8, memory: 1649267441664}
missing:
  description: The hosts of O(expected) that no living node has, with C(host), C(address) and C(why).
  returned: always
  type: list
  elements: dict
resources:
  description:
    - "What the cluster has, by name, each with C(total), C(used), C(available), C(reserved) and C(reserved_used) (of
      placement groups). Null where nothing tells."
  returned: always
  type: dict
  sample: {GPU: {available: 0, reserved: 16, reserved_used: 16, total: 16, used: 16}}
demands:
  description:
    - "What waits for resources, each with C(kind) (V(tasks) or V(placement_groups)), C(bundles), C(count) and
      C(at_least). Null where nothing tells. An engine that waits for GPUs is a placement group here."
  returned: always
  type: list
  elements: dict
status:
  description:
    - All that the C(ray status) output holds, with C(nodes) (lists of C(active), C(idle), C(pending), C(failed)),
      C(constraints), C(by_node), C(error), C(warnings) and C(complete). Null where there was none.
  returned: always
  type: dict
unit:
  description: The unit as systemd tells it, or null without O(unit).
  returned: always
  type: dict
  sample: {active_state: active, sub_state: running, result: success, restarts: 0, pid: 812, uptime: 34.2}
reason:
  description: Why the unit's last start failed, as M(vllm.cluster.vllm_health) tells it, or null.
  returned: always
  type: dict
skew:
  description:
    - The versions that keep this host out. C(ray) and C(python) are this host's, C(cluster_ray) and C(cluster_python)
      those of the head.
    - Null where there is no skew, or nobody can tell.
  returned: always
  type: dict
  sample: {cluster_python: 3.11.2, cluster_ray: 2.60.0, python: 3.11.2, ray: 2.59.0}
"""

import time
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.vllm.cluster.plugins.module_utils.clients import ray_cluster, ray_status, transport
from ansible_collections.vllm.cluster.plugins.module_utils.diagnosis import report
from ansible_collections.vllm.cluster.plugins.module_utils.probes.commands import Commands
from ansible_collections.vllm.cluster.plugins.module_utils.status import engines

#: Seconds that systemctl and journalctl may take.
_PATIENCE_S = 20
#: What ``ray start`` prints once its node is in the cluster.
_STARTED = "Ray runtime started."


def read_token(module: AnsibleModule) -> str | None:
    path = module.params["token_file"]
    if path is None:
        return None
    try:
        with open(path, encoding="ascii") as handle:
            token = handle.read().strip()
    except (OSError, UnicodeDecodeError) as error:
        module.fail_json(
            msg=f"token_file: {path} cannot be read: {getattr(error, 'strerror', None) or 'no ASCII text'}"
        )
    if not token:
        module.fail_json(msg=f"token_file: {path} is empty")
    module.no_log_values.add(token)
    return token


def look_at_unit(module: AnsibleModule, found: dict[str, t.Any]) -> str | None:
    """Put what systemd says of the unit into ``found``; returns what is wrong with it, or None."""
    name = module.params["unit"]
    commands = Commands(module, _PATIENCE_S)
    try:
        state = engines.states(commands, [name])[name]
    except engines.NoStates as error:
        module.fail_json(msg=str(error))
    found["unit"] = report.unit_words(state, time.monotonic())
    attempts = engines.attempts(commands, name)[-2:]
    texts = ["\n".join(line.text for line in attempt.lines) for attempt in attempts]
    if state.running and texts and _STARTED in texts[-1]:
        return None
    # A start that Ray refuses lasts some seconds, in which its unit runs: what ended the one before it holds on.
    found["skew"] = next((skew for skew in map(ray_cluster.refused, reversed(texts)) if skew), None)
    if state.running and not found["skew"]:
        return None
    found["reason"] = report.findings(attempts, state, None, time.time())["reason"]
    why = f". Reason: {report.reason_text(found['reason'])}" if found["reason"] else ""
    return f"{name}: {state.explain() if not state.running else 'Ray does not start'}{why}"


def missing_text(missing: list[dict[str, str]], version: str) -> str:
    hosts = "; ".join(f"{item['host']} ({item['address']}) {item['why']}" for item in missing)
    return f"Not in the Ray cluster: {hosts}. Fix: look at Ray's unit on it; this cluster takes Ray {version} only"


def judge_text(module: AnsibleModule, found: dict[str, t.Any]) -> str | None:
    """What is wrong with a status that somebody saved, as far as it tells."""
    status, expected = found["status"], module.params["expected"]
    count = ray_cluster.active(status)
    if count is None:
        return f"text: {status['error'] or '; '.join(status['warnings'])}"
    there = ray_cluster.addresses(status)
    if len(there) >= count:
        nodes = [{"address": address, "alive": True} for address in there]
        found["missing"] = ray_cluster.missing(nodes, expected)
        hosts = ", ".join(f"{item['host']} ({item['address']})" for item in found["missing"])
        return f"Not in the Ray cluster: {hosts}" if hosts else None
    if count >= len(expected):
        return None
    return (
        f"{count} of {len(expected)} nodes are in the cluster. The text names no addresses. Fix: ask the cluster (url)"
    )


def main() -> None:
    spec = {
        "url": {"type": "str"},
        "token_file": {"type": "path"},
        "timeout": {"type": "float", "default": 10},
        "text": {"type": "str"},
        "unit": {"type": "str"},
        "expected": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {"host": {"type": "str", "required": True}, "address": {"type": "str", "required": True}},
        },
    }
    module = AnsibleModule(
        argument_spec=spec,
        supports_check_mode=True,
        required_one_of=[("url", "text", "unit")],
        mutually_exclusive=[("url", "text"), ("unit", "text")],
    )
    module.run_command_environ_update = {"LANG": "C", "LC_ALL": "C"}
    params = module.params
    found: dict[str, t.Any] = {"ray_version": None, "session": None, "nodes": [], "missing": [], "resources": None}
    found.update({"demands": None, "status": None, "unit": None, "reason": None, "skew": None})
    wrong: str | None = None
    if params["unit"]:
        wrong = look_at_unit(module, found)
    if params["url"]:
        fault = transport.fault(params["url"])
        if fault:
            module.fail_json(msg=f"url: {fault}")
        try:
            found.update(ray_cluster.look(params["url"], read_token(module), params["timeout"]))
        except ray_cluster.RayError as error:
            module.fail_json(msg=f"{error}. {wrong}" if wrong else str(error), **found)
        found["nodes"] = ray_cluster.named(found["nodes"], params["expected"])
        found["missing"] = ray_cluster.missing(found["nodes"], params["expected"])
        wrong = missing_text(found["missing"], found["ray_version"]) if found["missing"] else None
    elif params["text"] is not None:
        found["status"] = ray_status.read(params["text"])
        wrong = judge_text(module, found)
    elif params["expected"]:
        module.fail_json(msg="expected: a unit does not tell who is in the cluster. Fix: give url, on the head")
    if found["status"]:
        found["resources"], found["demands"] = found["status"]["resources"], found["status"]["demands"]
    if wrong:
        module.fail_json(msg=wrong, **found)
    module.exit_json(changed=False, **found)


if __name__ == "__main__":
    main()
