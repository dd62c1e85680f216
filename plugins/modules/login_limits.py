#!/usr/bin/python
# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Give logins of a host the limits that inference wants."""

from __future__ import annotations

DOCUMENTATION = r"""
module: login_limits
short_description: Set what people and programs that they start by hand may hold
version_added: 0.1.0
description:
  - Writes one file of limits.d, which PAM reads at each login. Units of systemd have limits of their own and do not
    read it.
  - Each limit is tried before, in a process of its own. One that the kernel does not grant root is left out and told.
    pam_limits would fail at it at each login, and old ones let nobody in then.
author:
  - The vllm.cluster authors (@vllm-cluster)
options:
  limits:
    description:
      - Values by name. V(unlimited) or a number. C(core), C(memlock) and C(stack) are in KiB, as limits.conf(5) has it;
        C(nofile) and C(nproc) are counts. For all users, and root.
    type: dict
    default: {}
  path:
    description: The file. It is removed where it would be empty.
    type: path
    default: /etc/security/limits.d/90-vllm.conf
attributes:
  check_mode:
    support: full
    description: Tries the limits, and writes nothing.
  diff_mode:
    support: full
    description: Shows the file.
  idempotent:
    support: full
    description: A second run changes nothing.
"""

EXAMPLES = r"""
- name: Let programs lock memory and open many files
  vllm.cluster.login_limits:
    limits: {memlock: unlimited, nofile: 1048576}
"""

RETURN = r"""
left:
  description: What was not set, by name, and why.
  returned: success
  type: dict
  sample: {memlock: the kernel does not grant root unlimited}
"""

import os
import resource

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.vllm.cluster.plugins.module_utils.host import limits
from ansible_collections.vllm.cluster.plugins.module_utils.host.drop_in import keep
from ansible_collections.vllm.cluster.plugins.module_utils.host.errors import HostError
from ansible_collections.vllm.cluster.plugins.module_utils.probes.files import Files


def is_granted(name, value):
    """Whether the kernel gives it to a process of root's, tried in one that ends at once."""
    number, amount = limits.kernel_value(name, value)
    child = os.fork()
    if child == 0:
        try:
            resource.setrlimit(number, (amount, amount))
        except (ValueError, OSError):
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


def run(module):
    """The module's result."""
    wanted, path = limits.read(module.params["limits"]), module.params["path"]
    refused = {name: value for name, value in wanted.items() if not is_granted(name, value)}
    left = {name: f"the kernel does not grant root {value}" for name, value in refused.items()}
    text = limits.text({name: value for name, value in wanted.items() if name not in left})
    before = Files().text(path)
    result = {"changed": keep(module, path, text), "left": left}
    if module._diff:
        result["diff"] = {"before": before, "after": text, "before_header": path, "after_header": path}
    return result


def main():
    module = AnsibleModule(
        argument_spec={
            "limits": {"type": "dict", "default": {}},
            "path": {"type": "path", "default": "/etc/security/limits.d/90-vllm.conf"},
        },
        supports_check_mode=True,
    )
    try:
        module.exit_json(**run(module))
    except HostError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
