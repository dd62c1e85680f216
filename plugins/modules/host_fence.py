#!/usr/bin/python
# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Close a host's internal ports to strangers, and open them to members where a firewall closes everything."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_fence
short_description: Close a host's internal ports to everyone but the engine's members
version_added: 0.1.0
description:
  - Gives the host the fence of its plan, as one transaction. The fence is an nftables table of its own,
    C(inet vllm_cluster), that refuses new TCP connections from strangers to the ports it names. Nothing else is
    closed, and no other table is read or changed.
  - Connections that stand are never touched, and a changed fence takes the place of the old one without a gap.
  - Where ufw or firewalld runs, which close everything that is not named, members and clients are let in there too.
    ufw's rules carry the comment C(vllm.cluster), firewalld gets a policy C(vllm-cluster). What the fence no longer
    names is taken out again.
  - The unit C(vllm-fence.service) loads the fence at boot, and an addition to C(nftables.service) after each of its
    starts and reloads, which flush all tables.
author:
  - The vllm.cluster authors (@vllm-cluster)
attributes:
  check_mode:
    support: full
    description: Tells the same actions as a real run.
  diff_mode:
    support: full
    description: Shows the files that change.
  idempotent:
    support: full
    description: A second run changes nothing. A table that somebody changed or flushed is loaded again.
options:
  fence:
    description:
      - Who may reach which ports, as the plan holds it (C(hosts.<host>.network.fence)). An empty list removes
        everything that this module made.
    type: list
    elements: dict
    required: true
  never_closed:
    description: Ports that the fence must not close, such as that of ssh. A fence that would is refused.
    type: list
    elements: int
    default: []
notes:
  - Needs root, systemd, and nft where the fence closes a port. Without nft nothing is changed, and RV(missing) says so.
  - A reload of firewalld drops its settings that are not permanent, as C(firewall-cmd --reload) always does. It is
    reloaded only when the policy changes.
"""

EXAMPLES = r"""
- name: Fence the ports between members
  vllm.cluster.host_fence:
    fence: "{{ vllm_host_plan.network.fence }}"
    never_closed: "{{ vllm_host_plan.network.never_closed }}"

- name: Remove the fence
  vllm.cluster.host_fence:
    fence: []
"""

RETURN = r"""
actions:
  description: What was done, or in check mode would be, in this order.
  returned: success
  type: list
  elements: str
  sample: [write /etc/vllm/fence.nft, load the table inet vllm_cluster]
missing:
  description: The package that must be installed first; nothing was changed. Null where nothing is missing.
  returned: success
  type: str
  sample: nftables
"""

import os

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.vllm.cluster.plugins.module_utils.fence import apply, host, items
from ansible_collections.vllm.cluster.plugins.module_utils.fence.errors import FenceError
from ansible_collections.vllm.cluster.plugins.module_utils.host import drop_in
from ansible_collections.vllm.cluster.plugins.module_utils.units.errors import UnitError


class Files:
    """Replaces files in one step, readable for all: nothing of a fence is secret."""

    def __init__(self, module):
        self._module = module

    def write(self, path, text):
        drop_in.write(self._module, path, text.encode())

    def remove(self, path):
        if os.path.lexists(path):
            os.unlink(path)


def own_ssh_port():
    """The port by which this very run came in, where sudo left the variable."""
    words = os.environ.get("SSH_CONNECTION", "").split()
    return [int(words[3])] if len(words) == 4 and words[3].isdecimal() else []


def run(module):
    """The module's result."""
    module.run_command_environ_update = {"LC_ALL": "C"}  # what ufw says is read
    programs = {name: module.get_bin_path(name) for name in ("nft", "systemctl", "ufw", "firewall-cmd")}
    here = host.Host(module.run_command, host.Paths(), programs)
    found = here.look()
    never = [*module.params["never_closed"], *own_ssh_port()]
    wanted = apply.want(items.read(module.params["fence"]), never, here, found)
    steps = apply.decide(wanted, found, here)
    result = {"changed": bool(steps), "actions": [step.what for step in steps], "missing": None}
    if module._diff:
        result["diff"] = [
            {"before": found.files[path] or "", "after": text, "before_header": path, "after_header": path}
            for path, text in wanted.files.items()
            if (found.files[path] or "") != text
        ]
    if wanted.rules and programs["nft"] is None:
        return {**result, "missing": "nftables", "changed": module.check_mode and bool(steps)}
    if steps and not module.check_mode:
        apply.apply(steps, wanted, here, Files(module), os.path.join(module.tmpdir, "trial.nft"))
    return result


def main():
    module = AnsibleModule(
        argument_spec={
            "fence": {"type": "list", "elements": "dict", "required": True},
            "never_closed": {"type": "list", "elements": "int", "default": []},
        },
        supports_check_mode=True,
    )
    try:
        module.exit_json(**run(module))
    except (FenceError, UnitError) as error:
        module.fail_json(msg=f"The fence is not set up: {error}")
    except OSError as error:
        module.fail_json(msg=f"The fence's files could not be changed: {error}")


if __name__ == "__main__":
    main()
