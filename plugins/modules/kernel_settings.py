#!/usr/bin/python
# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Give a host's kernel the settings that inference wants, now and at each boot."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kernel_settings
short_description: Set the kernel's parameters, without lowering what a host has already
version_added: 0.1.0
description:
  - Writes one file of sysctl.d(5) and tells the running kernel the same, all in one round trip.
  - A least value is raised and never lowered. Where the host exceeds it, it is left out of the file as well.
  - What cannot be set is told and does not fail. So it is in a container, which has but its own network's settings, and
    with parameters that a kernel does not have.
author:
  - The vllm.cluster authors (@vllm-cluster)
options:
  settings:
    description: Values by name, such as C(vm.swappiness). The host gets exactly these.
    type: dict
    default: {}
  at_least:
    description: Numbers by name, such as C(net.core.somaxconn); of several numbers each is the least.
    type: dict
    default: {}
  reserved_ports:
    description:
      - Ports and ranges of them (C(8000-8999)) that the kernel must not give to outgoing connections. Those within its
        range for these are added to C(net.ipv4.ip_local_reserved_ports); what others reserved stays.
    type: list
    elements: str
    default: []
  hugepages:
    description: How many huge pages of the default size are kept ready; 0 leaves their number alone.
    type: int
    default: 0
  numa_balancing:
    description: Whether the kernel moves memory between NUMA nodes by itself. V(keep) leaves it as it is.
    type: str
    choices: ['on', 'off', keep]
    default: keep
  path:
    description: The file. It is removed where it would be empty.
    type: path
    default: /etc/sysctl.d/90-vllm.conf
attributes:
  check_mode:
    support: full
    description: Tells the same. Whether the kernel takes a value shows in a real run alone.
  diff_mode:
    support: full
    description: Shows the file, and what the running kernel is told.
  idempotent:
    support: full
    description: A second run changes nothing.
"""

EXAMPLES = r"""
- name: Make room for many connections and mappings
  vllm.cluster.kernel_settings:
    settings: {vm.swappiness: 10}
    at_least: {net.core.somaxconn: 4096, vm.max_map_count: 262144}
    reserved_ports: [8000-8999, "52365"]
"""

RETURN = r"""
applied:
  description: What the running kernel has now, or would have, by name, of what it was told.
  returned: success
  type: dict
  sample: {net.core.somaxconn: "4096"}
left:
  description: What was not set, by name, and why.
  returned: success
  type: dict
  sample: {vm.max_map_count: "is its machine's, and this host is a container"}
"""

import os

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.vllm.cluster.plugins.module_utils.host import kernel
from ansible_collections.vllm.cluster.plugins.module_utils.host.drop_in import keep
from ansible_collections.vllm.cluster.plugins.module_utils.host.errors import HostError
from ansible_collections.vllm.cluster.plugins.module_utils.probes.files import Files
from ansible_collections.vllm.cluster.plugins.module_utils.probes.hardware import is_container


def tell(name, value, is_trial):
    """Tell the running kernel. Why it does not take the value; empty where it does. is_trial: only see if it may be."""
    path = kernel.path(name)
    try:
        handle = os.open(path, os.O_WRONLY)
        try:
            if is_trial:
                return ""
            os.write(handle, value.encode())
        finally:
            os.close(handle)
    except OSError as error:
        return f"the kernel does not take {value}: {error.strerror}"
    has = plain(Files().text(path))
    return "" if has == value else f"the kernel made {has} of {value}"


def plain(text):
    """A value as files of sysctl.d(5) have it."""
    return " ".join((text or "").split())


def run(module):
    """The module's result."""
    params, files = module.params, Files()
    wanted = kernel.read(
        params["settings"],
        params["at_least"],
        params["reserved_ports"],
        params["hugepages"],
        params["numa_balancing"],
    )
    names = {setting.name for setting in wanted} | {kernel.RANGE}
    # Some, such as the list of reserved ports, are empty and there.
    running = {name: files.text(kernel.path(name)) if files.exists(kernel.path(name)) else None for name in names}
    before = files.text(params["path"])
    decision = kernel.decide(wanted, before, running, is_container(files))
    told = {name: tell(name, value, module.check_mode) for name, value in decision.writes.items()}
    applied = {name: value for name, value in decision.writes.items() if not told[name]}
    # Of huge pages the kernel may find fewer than it is told: that is a change, too.
    partly = {name: plain(files.text(kernel.path(name))) for name in decision.writes if told[name]}
    applied.update({name: has for name, has in partly.items() if has != plain(running[name])})
    is_changed = keep(module, params["path"], decision.text)
    result = {
        "changed": is_changed or bool(applied),
        "applied": applied,
        "left": {**decision.left, **{name: why for name, why in told.items() if why}},
    }
    if module._diff:
        was = "".join(f"{name} = {plain(running[name])}\n" for name in applied)
        now = "".join(f"{name} = {value}\n" for name, value in applied.items())
        result["diff"] = [
            {"before": before, "after": decision.text, "before_header": params["path"], "after_header": params["path"]},
            {"before": was, "after": now, "before_header": "the running kernel", "after_header": "the running kernel"},
        ]
    return result


def main():
    module = AnsibleModule(
        argument_spec={
            "settings": {"type": "dict", "default": {}},
            "at_least": {"type": "dict", "default": {}},
            "reserved_ports": {"type": "list", "elements": "str", "default": []},
            "hugepages": {"type": "int", "default": 0},
            "numa_balancing": {"type": "str", "choices": ["on", "off", "keep"], "default": "keep"},
            "path": {"type": "path", "default": "/etc/sysctl.d/90-vllm.conf"},
        },
        supports_check_mode=True,
    )
    try:
        module.exit_json(**run(module))
    except HostError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
