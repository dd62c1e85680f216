#!/usr/bin/python
# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a bare host lacks: packages, and somebody who keeps its clock."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_readiness_info
short_description: Tell which packages a host lacks and who keeps its clock
version_added: 0.1.0
description:
  - Looks which of some packages are installed, by dpkg or rpm, and asks no repository.
  - Tells which daemon keeps the host's clock, and what is to be done where none does. One that runs is left alone,
    whichever it is. A container has its machine's clock.
author:
  - The vllm.cluster authors (@vllm-cluster)
extends_documentation_fragment:
  - vllm.cluster.read_only
options:
  packages:
    description: Names of packages.
    type: list
    elements: str
    default: []
  time_servers:
    description: Names or addresses that the daemon is to ask, for C(text) of RV(clock).
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: See what the host lacks
  vllm.cluster.host_readiness_info:
    packages: [curl, numactl]
  register: readiness
"""

RETURN = r"""
family:
  description: V(debian) or V(redhat), by whose packages the host has; empty for neither.
  returned: success
  type: str
missing:
  description: Those of O(packages) that are not installed.
  returned: success
  type: list
  elements: str
clock:
  description:
    - C(action) is V(none), V(start) or V(install); C(daemon) and C(unit) say who keeps the clock, or is to; C(file),
      C(form) and C(text) where and how its servers are named, null where the collection names none; C(why)
      tells the reason.
  returned: success
  type: dict
  sample: {action: start, daemon: timesyncd, unit: systemd-timesyncd.service, why: it is on the host and does not run}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.vllm.cluster.plugins.module_utils.host import clock
from ansible_collections.vllm.cluster.plugins.module_utils.host.errors import HostError
from ansible_collections.vllm.cluster.plugins.module_utils.probes.commands import Commands
from ansible_collections.vllm.cluster.plugins.module_utils.probes.files import Files
from ansible_collections.vllm.cluster.plugins.module_utils.probes.hardware import is_container
from ansible_collections.vllm.cluster.plugins.module_utils.repositories import installed
from ansible_collections.vllm.cluster.plugins.module_utils.units.errors import UnitError
from ansible_collections.vllm.cluster.plugins.module_utils.units.systemctl import Systemctl


def main():
    module = AnsibleModule(
        argument_spec={
            "packages": {"type": "list", "elements": "str", "default": []},
            "time_servers": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    files, commands, wanted = Files(), Commands(module, 20), module.params["packages"]
    family = installed.family(commands)
    there = installed.read(files, commands, wanted)[0] if wanted else {}
    systemctl = module.get_bin_path("systemctl")
    try:
        states = Systemctl(module.run_command, systemctl).show(list(clock.UNITS)) if systemctl else {}
    except UnitError:  # no systemd runs here
        states = {}
    try:
        found = clock.decide(states, is_container(files), family, module.params["time_servers"])
    except HostError as error:
        module.fail_json(msg=str(error))
    missing = [name for name in wanted if name not in there]
    module.exit_json(changed=False, family=family, missing=missing, clock=found)


if __name__ == "__main__":
    main()
