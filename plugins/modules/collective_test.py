#!/usr/bin/python
# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: collective_test
short_description: Run a real collective over the members of an engine
version_added: 0.1.0
description:
  - Runs on all members at the same time. The members first meet without torch, as M(vllm.cluster.peer_check) does, so
    that an absent member, a wrong interface or a closed direction is known in seconds and no rank is started.
  - Then the Python of the engine's environment runs C(torch.distributed) over all ranks, with the engine's own
    variables. It sums tensors of several sizes (all-reduce), checks every element, and measures.
  - Tells which way the data took, from NCCL's own output and from the counters of interfaces and RDMA ports.
  - It ends after twice O(meet_timeout), once O(timeout) and a few seconds, and leaves no process behind.
options:
  name:
    description: Name of this host in O(members).
    type: str
    required: true
  members:
    description: All members, the head first, in the same order on all of them.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The inventory's name of the host.
        type: str
        required: true
      address:
        description: IP address of its interface in the cluster's network.
        type: str
        required: true
      ports:
        description:
          - A free port, with which the members meet. The ranks meet at that of the first member.
        type: list
        elements: int
        required: true
      interface:
        description: Name of the interface that should have the address.
        type: str
      ranks:
        description: How many ranks run there, one a GPU.
        type: int
        default: 1
  python:
    description:
      - Words that start the engine's Python, such as V([/opt/vllm/envs/vllm-0.33.0-cuda/bin/python]).
      - What must stand before it, as for a container, comes first. It has to pass standard input on.
    type: list
    elements: str
    required: true
  backend:
    description: V(gloo) on CPUs, V(nccl) on GPUs.
    type: str
    choices: [gloo, nccl]
    default: gloo
  environment:
    description: Variables of the engine on this member. Do not give secrets.
    type: dict
    default: {}
  devices:
    description:
      - GPUs of this member's ranks, as the environment's C(CUDA_VISIBLE_DEVICES) numbers them. Empty for all in order.
    type: list
    elements: int
    default: []
  sizes:
    description: Sizes of the tensors in bytes, each a multiple of 4.
    type: list
    elements: int
    default: [1024, 1048576, 16777216]
  repeat:
    description: Seconds for which each size is repeated, roughly.
    type: float
    default: 0.5
  meet_timeout:
    description: Seconds for the members to meet.
    type: float
    default: 10
  timeout:
    description: Seconds for the ranks, from the start of their Python to the end.
    type: float
    default: 30
  command_timeout:
    description: Seconds that a command which lists interfaces may take.
    type: int
    default: 10
notes:
  - All members must run it at the same time. With fewer forks than members, start it with C(async) and C(poll) of 0.
  - The GPUs must be free - stop the engine before.
extends_documentation_fragment:
  - vllm.cluster.read_only
seealso:
  - module: vllm.cluster.peer_check
author:
  - The vllm.cluster authors (@vllm-cluster)
"""

EXAMPLES = r"""
- name: Sum tensors over two hosts of eight GPUs
  vllm.cluster.collective_test:
    name: "{{ inventory_hostname }}"
    members:
      - {name: gpu1, address: 10.9.0.1, interface: ib0, ports: [29501], ranks: 8}
      - {name: gpu2, address: 10.9.0.2, interface: ib0, ports: [29501], ranks: 8}
    python: [/opt/vllm/envs/vllm-0.33.0-cuda/bin/python]
    backend: nccl
    environment: {NCCL_SOCKET_IFNAME: ib0, GLOO_SOCKET_IFNAME: ib0}
    timeout: 60
  register: collective

- name: Show what one link carries
  ansible.builtin.debug:
    msg: "{{ collective.report.sizes | map(attribute='busbw') | max }} GB/s"
"""

RETURN = r"""
report:
  description: What this member saw. The reports of all members together tell who is to blame.
  returned: always
  type: dict
  contains:
    name:
      description: Name of the member.
      type: str
    backend:
      description: V(gloo) or V(nccl).
      type: str
    environment:
      description: Those of O(environment) that name interfaces or steer NCCL.
      type: dict
    choice:
      description:
        - The interface that the environment makes the backend take - variable, its value, name, address, and error
          where there is no such interface or it has no address.
      type: dict
    met:
      description: How the members met, as RV(vllm.cluster.peer_check#module:report) has it, without measurements.
      type: dict
    met_again:
      description: How they met after ranks had failed on the way, else null.
      type: dict
    ran:
      description: Whether ranks were started. They are not where members could not meet.
      type: bool
    why:
      description: Why no rank ran or none answered, else null.
      type: str
    ranks:
      description: For each rank of this member its number, the stage that it reached, sizes, error, and missing ranks.
      type: list
      elements: dict
    sizes:
      description:
        - For each size bytes, right, seconds (of one), first_s (of the first), times, and in 10^9 bytes a second algbw
          and busbw as nccl-tests counts them. Those of this member's slowest rank.
      type: list
      elements: dict
      sample: [{bytes: 1048576, right: true, seconds: 0.0011, first_s: 0.004, times: 50, algbw: 0.9532, busbw: 0.9532}]
    transport:
      description:
        - What NCCL printed - version, networks, interfaces, devices, links, bootstrap, channels by way, settings,
          reasons why RDMA is not used, warnings. Null where no rank ran, empty for Gloo.
      type: dict
    traffic:
      description: Bytes that interfaces and RDMA ports moved meanwhile, whoever sent them.
      type: dict
      sample: {interfaces: {eth0: 33817213}, rdma: {}}
    log:
      description: The end of what the ranks printed.
      type: str
findings:
  description: What this member alone can tell to be wrong, as M(vllm.cluster.peer_check) returns findings.
  returned: always
  type: list
  elements: dict
"""

import math
import platform
import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.vllm.cluster.plugins.module_utils.preflight import launch, local
from ansible_collections.vllm.cluster.plugins.module_utils.preflight.collective import judge_collective
from ansible_collections.vllm.cluster.plugins.module_utils.preflight.exchange import Settings, everyone_met, take_part
from ansible_collections.vllm.cluster.plugins.module_utils.preflight.members import MembersError, read_members
from ansible_collections.vllm.cluster.plugins.module_utils.probes.commands import Commands
from ansible_collections.vllm.cluster.plugins.module_utils.probes.containers import Docker
from ansible_collections.vllm.cluster.plugins.module_utils.probes.files import Files
from ansible_collections.vllm.cluster.plugins.module_utils.probes.interfaces import read_interfaces
from ansible_collections.vllm.cluster.plugins.module_utils.probes.processes import Units
from ansible_collections.vllm.cluster.plugins.module_utils.probes.rdma import read_ports
from ansible_collections.vllm.cluster.plugins.module_utils.probes.sockets import read_listeners

#: Seconds that a name may take, and that the ranks' parent has to end after its own time-out.
_NAME_TIMEOUT = 3.0
_GRACE = 5
_LOG = 8000


def check(params):
    """What is wrong with an option, as path, value, rule and fix; None for nothing."""
    for option, least, most in (("timeout", 5, 600), ("meet_timeout", 1, 300), ("repeat", 0, 60)):
        if not least <= params[option] <= most:
            return f"{option} = {params[option]:g}: is out of its range. Fix: give a number from {least} to {most}"
    for number, size in enumerate(params["sizes"]):
        if size < 4 or size % 4 or size > 1 << 32:
            return f"sizes[{number}] = {size}: is no multiple of 4 from 4 to 4294967296. Fix: give such a one"
    if not params["python"] or not params["python"][0].startswith("/"):
        return (
            f"python = {params['python']}: does not begin with a path. Fix: give the engine's Python by its whole path"
        )
    return None


def own_addresses(me):
    """What the host's own name stands for."""
    return local.resolve(me, [me], platform.node(), _NAME_TIMEOUT)[0]["addresses"]


def run(module, me, members, report, files):
    """Run this member's ranks, and put into the report what they tell."""
    params = module.params
    timeout = params["timeout"]
    text = launch.given(
        members,
        me,
        params["backend"],
        params["sizes"],
        params["repeat"],
        timeout,
        {name: str(value) for name, value in params["environment"].items()},
        params["devices"],
    )
    before, begin = launch.counters(files), time.monotonic()
    answer = Commands(module, math.ceil(timeout) + _GRACE).run(*launch.command(params["python"]), data=text)
    report["traffic"] = launch.traffic(before, launch.counters(files))
    told = launch.read(answer.out, sum(member.ranks for member in members))
    report["ran"] = True
    if told is None:
        late = time.monotonic() - begin > timeout
        how = "did not end in time" if answer.stopped and late else f"ended with status {answer.status}"
        report["why"] = f"{params['python'][0]} {how}: {answer.text.strip()[-500:]}"
        report["log"] = answer.text[-_LOG:]
    else:
        report.update(told, log=told["log"][-_LOG:])


def main():
    member = {
        "name": {"type": "str", "required": True},
        "address": {"type": "str", "required": True},
        "ports": {"type": "list", "elements": "int", "required": True},
        "interface": {"type": "str"},
        "ranks": {"type": "int", "default": 1},
    }
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "members": {"type": "list", "elements": "dict", "required": True, "options": member},
            "python": {"type": "list", "elements": "str", "required": True},
            "backend": {"type": "str", "choices": ["gloo", "nccl"], "default": "gloo"},
            "environment": {"type": "dict", "default": {}},
            "devices": {"type": "list", "elements": "int", "default": []},
            "sizes": {"type": "list", "elements": "int", "default": [1024, 1048576, 16777216]},
            "repeat": {"type": "float", "default": 0.5},
            "meet_timeout": {"type": "float", "default": 10},
            "timeout": {"type": "float", "default": 30},
            "command_timeout": {"type": "int", "default": 10},
        },
        supports_check_mode=True,
    )
    params = module.params
    fault = check(params)
    if fault is not None:
        module.fail_json(msg=fault)
    try:
        members = read_members(params["members"], params["name"])
    except MembersError as error:
        module.fail_json(msg=str(error))
    me = next(item for item in members if item.name == params["name"])
    files, commands = Files(), Commands(module, params["command_timeout"])
    interfaces = read_interfaces(files, commands, read_ports(files)).interfaces
    environment = {name: str(value) for name, value in params["environment"].items()}
    choice = launch.choice(params["backend"], environment, me, interfaces, own_addresses(me))
    settings = Settings(params["meet_timeout"], thorough=False, side=choice["address"])
    met = take_part(me, members, settings)
    busy = [port for port, error in met["listening"].items() if error == "EADDRINUSE"]
    listeners = read_listeners(files, Units(files, Docker(commands).containers).of) if busy else []
    held = local.holders(busy, listeners)
    met["local"] = {"interface": local.read_interface(me, interfaces), "names": [], "holders": held}
    report = {
        "name": me.name,
        "backend": params["backend"],
        "environment": {name: environment[name] for name in sorted(environment) if launch.is_told(name)},
        "choice": choice,
        "met": met,
        "met_again": None,
        "ran": False,
        "why": None,
        "ranks": [],
        "sizes": [],
        "transport": None,
        "traffic": {"interfaces": {}, "rdma": {}},
        "log": "",
    }
    if choice["error"] is None and everyone_met(met):
        run(module, me, members, report, files)
        if any(launch.broke_off(rank) for rank in report["ranks"]):
            report["met_again"] = take_part(me, members, settings)
    else:
        report["why"] = choice["error"] or "the members could not meet"
    findings = judge_collective(members, {me.name: report}, complete=False)
    module.exit_json(changed=False, report=report, findings=[finding.as_dict() for finding in findings])


if __name__ == "__main__":
    main()
