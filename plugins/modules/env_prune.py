#!/usr/bin/python
# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove the Python environments of a host that nothing uses any more."""

from __future__ import annotations

DOCUMENTATION = r"""
module: env_prune
short_description: Remove the Python environments of a host that nothing uses any more
version_added: 0.1.0
description:
  - Removes environments that M(vllm.cluster.uv_env) made and that are not asked for.
  - An environment that a unit file of the host names, or that a process runs from, stays, whoever that is.
  - Directories that M(vllm.cluster.uv_env) did not make are never looked at.
notes:
  - Needs root, to see all processes.
options:
  folder:
    description: The directory that the environments are in.
    type: path
    required: true
  keep:
    description: Paths of environments that stay, used or not.
    type: list
    elements: path
    required: true
  lock:
    description: The file that M(vllm.cluster.uv_env) locks, so that nothing is removed that is being made.
    type: path
    default: /opt/vllm/uv.lock
  timeout:
    description: Seconds that another run on the same host is waited for.
    type: int
    default: 3600
attributes:
  check_mode:
    support: full
    description: Says what would be removed.
  diff_mode:
    support: full
    description: Shows the environments before and after.
  idempotent:
    support: full
    description: A second run finds nothing to remove.
seealso:
  - module: vllm.cluster.uv_env
author:
  - The vllm.cluster authors (@vllm-cluster)
"""

EXAMPLES = r"""
- name: Remove the environments of former releases
  vllm.cluster.env_prune:
    folder: /opt/vllm/envs
    keep: "{{ vllm_host_plan.environments | map(attribute='path') }}"
"""

RETURN = r"""
removed:
  description: Paths of the environments that are gone, or in check mode would be.
  returned: success
  type: list
  elements: str
in_use:
  description: By their path, the environments that are not asked for and stay, with what uses them.
  returned: success
  type: dict
  sample: {/opt/vllm/envs/vllm-0.31.0-cpu: [vllm-chat-0.service]}
"""

import shutil
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.vllm.cluster.plugins.module_utils.environments.lock import hold_lock
from ansible_collections.vllm.cluster.plugins.module_utils.environments.records import (
    record_path,
    recorded,
    write_record,
)
from ansible_collections.vllm.cluster.plugins.module_utils.environments.state import EnvironmentFailure, Record
from ansible_collections.vllm.cluster.plugins.module_utils.environments.usage import users


def remove(environment):
    """Remove an environment. A run that is cut off leaves one that is known to be unfinished."""
    write_record(environment, Record(False, "", "", {}))
    if environment.exists():
        shutil.rmtree(environment)
    record_path(environment).unlink()


def main():
    module = AnsibleModule(
        argument_spec={
            "folder": {"type": "path", "required": True},
            "keep": {"type": "list", "elements": "path", "required": True},
            "lock": {"type": "path", "default": "/opt/vllm/uv.lock"},
            "timeout": {"type": "int", "default": 3600},
        },
        supports_check_mode=True,
    )
    folder, keep = Path(module.params["folder"]), {Path(path) for path in module.params["keep"]}
    try:
        if not module.check_mode and folder.is_dir():
            hold_lock(Path(module.params["lock"]), module.params["timeout"])
        there = list(recorded(folder))
        used = users([path for path in there if path not in keep])
        unused = [path for path, names in used.items() if not names]
        for path in [] if module.check_mode else unused:
            remove(path)
    except EnvironmentFailure as failure:
        module.fail_json(msg=str(failure))
    except OSError as failure:
        module.fail_json(msg=f"Could not remove environments: {failure}")
    left = [path for path in there if path not in unused]
    texts = ["".join(f"{path}\n" for path in paths) for paths in (there, left)]
    module.exit_json(
        changed=bool(unused),
        removed=[str(path) for path in unused],
        in_use={str(path): names for path, names in used.items() if names},
        diff={"before_header": str(folder), "after_header": str(folder), "before": texts[0], "after": texts[1]},
    )


if __name__ == "__main__":
    main()
