#!/usr/bin/python
# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: peer_check
short_description: Check the network between the members of an engine, from each to each
version_added: 0.1.0
description:
  - Runs on all members at the same time. Each listens on its own address and connects to every other, so that both
    directions of each pair are known.
  - Checks the interface and its address, what host names stand for, connections to each of O(members[].ports) and to a
    port that the kernel chooses, latency, the largest packet that passes uncut, loss, throughput of one connection, and
    whether the clocks agree.
  - A member that is not there, or cannot be reached, does not fail the task and does not hang it. It ends after
    O(timeout) seconds at the latest, and RV(report) says what was met.
  - Only addresses of O(members) are answered.
options:
  name:
    description: Name of this host in O(members).
    type: str
    required: true
  members:
    description: All members, this one included, in the same order on all of them.
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
          - Ports to listen on and to connect to, such as the planned ones of the engine. They must be free.
          - The first carries the check, over TCP and UDP.
        type: list
        elements: int
        required: true
      interface:
        description: Name of the interface that should have the address.
        type: str
      hostname:
        description: Name that the others look up. Without it none is looked up.
        type: str
  timeout:
    description: Seconds after which the check ends. Who did not come in two thirds of it is absent.
    type: float
    default: 10
  throughput:
    description: Seconds of sending, for all peers together. V(0) sends nothing.
    type: float
    default: 1
  clock_limit:
    description: Seconds by which clocks may differ.
    type: float
    default: 5
  resolve:
    description: Whether this host's own name and the members' host names are looked up.
    type: bool
    default: true
  command_timeout:
    description: Seconds that a command which lists interfaces may take.
    type: int
    default: 10
notes:
  - All members must run it at the same time. With fewer forks than members, start it with C(async) and C(poll) of 0.
  - Run it as root, otherwise the process that holds a busy port is not named.
extends_documentation_fragment:
  - vllm.cluster.read_only
seealso:
  - module: vllm.cluster.collective_test
  - module: vllm.cluster.host_probe
author:
  - The vllm.cluster authors (@vllm-cluster)
"""

EXAMPLES = r"""
- name: Check the network between two members
  vllm.cluster.peer_check:
    name: "{{ inventory_hostname }}"
    members:
      - {name: gpu1, address: 10.9.0.1, interface: ib0, hostname: gpu1, ports: [20000, 29501]}
      - {name: gpu2, address: 10.9.0.2, interface: ib1, hostname: gpu2, ports: [20000]}
  register: peers

- name: Stop when this member alone can tell that something is wrong
  ansible.builtin.assert:
    that: peers.findings | selectattr('level', 'equalto', 'error') | length == 0
    fail_msg: "{{ peers.findings | map(attribute='what') | join('; ') }}"
"""

RETURN = r"""
report:
  description: What this member met. The reports of all members together tell which direction is closed.
  returned: always
  type: dict
  contains:
    name:
      description: Name of the member.
      type: str
    address:
      description: Its address.
      type: str
    started:
      description: When it began, in seconds since 1970 by its own clock. Likewise ended.
      type: float
    ended:
      description: When it ended.
      type: float
    listening:
      description: For each of its ports null, or why it could not listen there.
      type: dict
      sample: {"20000": null, "29501": EADDRINUSE}
    side:
      description: Address and port that the kernel chose, and that the peers tried, or null; side_error tells why.
      type: list
      elements: raw
    side_error:
      description: Why there is none, else null.
      type: str
    peers:
      description:
        - For each peer, what the way to it is worth.
        - Its state is V(ok), V(refused), V(timeout), V(unreachable), V(silent), V(strange) or V(failed).
        - Its latency_ms (best, median, worst), clock (offset_s by which the peer is ahead, error_s), datagrams (sent,
          arrived), packet (mtu, tried and largest that arrived, in bytes of IP), ports and side (states), throughput
          (mbits, retransmits, error) are there where the state is V(ok).
      type: dict
    heard:
      description:
        - For each peer, what arrived from it - connections, datagrams, the largest in bytes, half_open when it began to
          connect and the answer did not reach it, unreached (the peers that it cannot reach), gone.
      type: dict
    strangers:
      description: Addresses that connected and are those of no member.
      type: list
      elements: str
    local:
      description: What the member knows alone - interface, names (what each name stands for), holders of busy ports.
      type: dict
findings:
  description: What this member alone can tell to be wrong. See RV(report).
  returned: always
  type: list
  elements: dict
  contains:
    id:
      description: Stable name.
      type: str
      sample: interface-missing
    level:
      description: V(error) or V(warning).
      type: str
    from:
      description: The member that it is about, or from which the direction goes.
      type: str
    to:
      description: The member to which the direction goes, or null.
      type: str
    what:
      description: What is wrong.
      type: str
    fix:
      description: What to do.
      type: str
"""

import platform

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.vllm.cluster.plugins.module_utils.preflight import local
from ansible_collections.vllm.cluster.plugins.module_utils.preflight.exchange import Settings, take_part
from ansible_collections.vllm.cluster.plugins.module_utils.preflight.judge import Limits, judge_peers
from ansible_collections.vllm.cluster.plugins.module_utils.preflight.members import MembersError, read_members
from ansible_collections.vllm.cluster.plugins.module_utils.probes.commands import Commands
from ansible_collections.vllm.cluster.plugins.module_utils.probes.containers import Docker
from ansible_collections.vllm.cluster.plugins.module_utils.probes.files import Files
from ansible_collections.vllm.cluster.plugins.module_utils.probes.interfaces import read_interfaces
from ansible_collections.vllm.cluster.plugins.module_utils.probes.processes import Units
from ansible_collections.vllm.cluster.plugins.module_utils.probes.rdma import read_ports
from ansible_collections.vllm.cluster.plugins.module_utils.probes.sockets import read_listeners

#: Seconds that a name may take.
_NAME_TIMEOUT = 3.0


def _holders(listening, files, commands):
    busy = [port for port, error in listening.items() if error == "EADDRINUSE"]
    if not busy:
        return {}
    return local.holders(busy, read_listeners(files, Units(files, Docker(commands).containers).of))


def main():
    member = {
        "name": {"type": "str", "required": True},
        "address": {"type": "str", "required": True},
        "ports": {"type": "list", "elements": "int", "required": True},
        "interface": {"type": "str"},
        "hostname": {"type": "str"},
    }
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "members": {"type": "list", "elements": "dict", "required": True, "options": member},
            "timeout": {"type": "float", "default": 10},
            "throughput": {"type": "float", "default": 1},
            "clock_limit": {"type": "float", "default": 5},
            "resolve": {"type": "bool", "default": True},
            "command_timeout": {"type": "int", "default": 10},
        },
        supports_check_mode=True,
    )
    params = module.params
    for option, least, most in (("timeout", 1, 300), ("throughput", 0, 60), ("clock_limit", 0, 1e9)):
        if not least <= params[option] <= most:
            fix = f"Fix: give a number from {least:g} to {most:g}"
            module.fail_json(msg=f"{option} = {params[option]:g}: is out of its range. {fix}")
    try:
        members = read_members(params["members"], params["name"])
    except MembersError as error:
        module.fail_json(msg=str(error))
    me = next(item for item in members if item.name == params["name"])
    files, commands = Files(), Commands(module, params["command_timeout"])
    interface = local.read_interface(me, read_interfaces(files, commands, read_ports(files)).interfaces)
    names = local.resolve(me, members, platform.node(), _NAME_TIMEOUT) if params["resolve"] else []
    report = take_part(me, members, Settings(params["timeout"], params["throughput"], mtu=interface["mtu"]))
    holders = _holders(report["listening"], files, commands)
    report["local"] = {"interface": interface, "names": names, "holders": holders}
    findings = judge_peers(members, {me.name: report}, Limits(clock_s=params["clock_limit"]), complete=False)
    module.exit_json(changed=False, report=report, findings=[finding.as_dict() for finding in findings])


if __name__ == "__main__":
    main()
