#!/usr/bin/python
# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_status
short_description: Tell what of vLLM runs on a host, without a plan
version_added: 0.1.0
description:
  - Reads the units that the collection wrote on a host, asks each engine for a token at the address that its clients
    use, and reads what the guards say. All of a host in one call.
  - It needs no plan and no probe. What the units are is written in their files.
  - A host that is not reached is an answer (RV(reached)), and no failure.
  - In check mode it asks too, the completions of one token included.
author:
  - The vllm.cluster authors (@vllm-cluster)
extends_documentation_fragment:
  - vllm.cluster.read_only
options:
  address:
    description: The address by which clients reach the host.
    type: str
    required: true
  api_keys:
    description:
      - API keys by service name, and of front doors by the name of their unit. The action of this name takes them from
        the variable C(vllm_services).
    type: dict
    default: {}
  timeout:
    description: Seconds for each request that makes no token.
    type: float
    default: 2
  token_timeout:
    description: Seconds for each completion.
    type: float
    default: 6
  command_timeout:
    description: Seconds that C(systemctl), C(journalctl) and C(nvidia-smi) may take, each.
    type: int
    default: 3
notes:
  - Needs root, to read what the units are made of.
seealso:
  - module: vllm.cluster.service_status
  - module: vllm.cluster.vllm_health
"""

EXAMPLES = r"""
- name: See what runs
  vllm.cluster.host_status:
    address: "{{ ansible_host }}"
  register: vllm_status
"""

RETURN = r"""
reached:
  description: Whether the host was reached.
  returned: always
  type: bool
msg:
  description: Why it was not reached.
  returned: when it was not
  type: str
units:
  description:
    - The units of ours, with C(name), C(kind) (such as V(engine), V(ray), V(door); null in files of earlier releases),
      C(service), C(engine), C(active_state), C(sub_state), C(result), C(restarts) (by systemd since it was started),
      C(pid), C(uptime) (seconds) and C(invocation).
  returned: when the host was reached
  type: list
  elements: dict
engines:
  description:
    - The host's shares of engines, with C(engine), C(service), C(role) (V(head) or V(worker)), C(urls), C(model),
      C(version), C(unit), and C(ok), C(failed_rung), C(rungs), C(progress), C(reason), C(hint) as in
      M(vllm.cluster.vllm_health). The rungs of a worker are its unit and what its guard says.
  returned: when the host was reached
  type: list
  elements: dict
doors:
  description:
    - The front doors that stand on the host, with C(service), C(url), C(unit), and C(ok), C(failed_rung) and C(rungs)
      as of engines. The rungs are climbed through the door, with a client's key.
  returned: when the host was reached
  type: list
  elements: dict
guards:
  description:
    - What the guards say, with C(engine), C(unit), C(running), C(silent) (seconds since a guard wrote last, where that
      is too long), C(role), C(member), C(phase), C(epoch), C(head_epoch), C(epoch_age), C(suspect), C(members),
      C(restarts) and C(last_action) (C(text), C(at) in Unix time, C(seconds) ago).
  returned: when the host was reached
  type: list
  elements: dict
gpus:
  description: The GPUs that nvidia-smi tells, with C(index), C(name), C(memory_bytes) and C(memory_used_bytes).
  returned: when the host was reached
  type: list
  elements: dict
gpu_error:
  description: Why nvidia-smi tells nothing, or null.
  returned: when the host was reached
  type: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.vllm.cluster.plugins.module_utils.probes.commands import Commands
from ansible_collections.vllm.cluster.plugins.module_utils.status import engines, host
from ansible_collections.vllm.cluster.plugins.module_utils.units.host_files import HostFiles


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "address": {"type": "str", "required": True},
            # Of the top level, so that no log of the invocation ever holds it in any form.
            "api_keys": {"type": "dict", "default": {}, "no_log": True},
            "timeout": {"type": "float", "default": 2},
            "token_timeout": {"type": "float", "default": 6},
            "command_timeout": {"type": "int", "default": 3},
        },
        supports_check_mode=True,
    )
    params = module.params
    limits = host.Limits(params["timeout"], params["token_timeout"])
    commands = Commands(module, params["command_timeout"])
    try:
        found = host.look(commands, HostFiles(), params["address"], params["api_keys"], limits)
    except engines.NoStates as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"the unit files cannot be read: {error}")
    module.exit_json(changed=False, reached=True, **found)


if __name__ == "__main__":
    main()
