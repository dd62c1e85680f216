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
  - With O(conda_dir) also what conda left there, the packages in its cache that no environment of O(folder) was made
    from, and installations of it that the options do not name. One that somebody uses, or made environments in, stays.
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
  conda_dir:
    description:
      - Where M(vllm.cluster.uv_env) installs conda and keeps its packages. Unset, neither of them is looked at.
      - Where it is itself an installation of conda, its packages stay, since others may need them.
    type: path
  conda_checksum:
    description: The checksum of the installer in use. The installation that it made stays.
    type: str
  conda_path:
    description: A conda of the host that is in use instead.
    type: path
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
    conda_dir: /opt/vllm/conda
    conda_checksum: "{{ vllm_conda_checksum }}"
"""

RETURN = r"""
removed:
  description: Paths of the environments and installations of conda that are gone, or in check mode would be.
  returned: success
  type: list
  elements: str
packages:
  description: Names of what is gone from conda's cache, or in check mode would be.
  returned: success
  type: list
  elements: str
  sample: [python-3.11.9-0, python-3.11.9-0.conda]
in_use:
  description: By their path, the environments and installations that are not asked for and stay, with what uses them.
  returned: success
  type: dict
  sample: {/opt/vllm/envs/vllm-0.31.0-cpu: [vllm-chat-0.service]}
"""

import shutil
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.vllm.cluster.plugins.module_utils.environments import conda_leftovers
from ansible_collections.vllm.cluster.plugins.module_utils.environments.conda import CondaSettings
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


def prune(folder, keep, settings, check_mode):
    """there: what could be removed, each with its users. gone: of that, what nobody uses. packages: of conda's cache.

    settings: of conda; None: nothing of it but environments is looked at.
    """
    environments = list(recorded(folder))
    conda = conda_leftovers.installations(settings) if settings else []
    there = users([path for path in environments if path not in keep] + conda)
    for path in conda:
        there[path] += [f"environment {name}" for name in conda_leftovers.own_environments(path)]
    gone = [path for path, names in there.items() if not names]
    for path in [] if check_mode else gone:
        (conda_leftovers.remove_installation if path in conda else remove)(path)
    packages = conda_leftovers.packages(settings, folder, gone) if settings else []
    for path in [] if check_mode else packages:
        conda_leftovers.remove_package(path)
    return {**dict.fromkeys(environments, ()), **there}, gone, packages


def main():
    module = AnsibleModule(
        argument_spec={
            "folder": {"type": "path", "required": True},
            "keep": {"type": "list", "elements": "path", "required": True},
            "conda_dir": {"type": "path"},
            "conda_checksum": {"type": "str"},
            "conda_path": {"type": "path"},
            "lock": {"type": "path", "default": "/opt/vllm/uv.lock"},
            "timeout": {"type": "int", "default": 3600},
        },
        supports_check_mode=True,
    )
    given = module.params
    folder, keep, settings = Path(given["folder"]), {Path(path) for path in given["keep"]}, None
    if given["conda_dir"]:
        settings = CondaSettings(
            path=given["conda_path"], directory=given["conda_dir"], checksum=given["conda_checksum"]
        )
    try:
        if not module.check_mode and folder.is_dir():
            hold_lock(Path(given["lock"]), given["timeout"])
        there, gone, packages = prune(folder, keep, settings, module.check_mode)
    except EnvironmentFailure as failure:
        module.fail_json(msg=str(failure))
    except OSError as failure:
        module.fail_json(msg=f"Could not remove environments: {failure}")
    left = [path for path in there if path not in gone]
    texts = ["".join(f"{path}\n" for path in paths) for paths in ([*there, *packages], left)]
    module.exit_json(
        changed=bool(gone or packages),
        removed=[str(path) for path in gone],
        packages=[path.name for path in packages],
        in_use={str(path): names for path, names in there.items() if names},
        diff={"before_header": str(folder), "after_header": str(folder), "before": texts[0], "after": texts[1]},
    )


if __name__ == "__main__":
    main()
