#!/usr/bin/python
# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell what a host's container engine is, and what would be done to it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: container_engine_plan
short_description: Tell what a host's container engine is and should be, and what would be done
version_added: 0.1.0
description:
  - Reads packages, repositories, settings and running containers of Docker in one round trip, and decides what the role
    C(container_engine) does. Changes nothing.
  - Refuses what cannot work, and asks for consent by the names of the variables that give it. In check mode it warns
    where consent is missing.
author:
  - The vllm.cluster authors (@vllm-cluster)
extends_documentation_fragment:
  - vllm.cluster.read_only
options:
  state:
    description: Whether an engine answers, or one that the role started is stopped.
    type: str
    choices: [started, stopped]
    default: started
  source:
    description: Docker's own packages, the distribution's where no engine is, or whatever is there.
    type: str
    choices: [docker-ce, distribution, existing]
    default: distribution
  package:
    description: The distribution's package.
    type: str
    default: docker.io
  version:
    description: Version of Docker's own packages; empty for the one that is there, else the newest.
    type: str
    default: ''
  containerd_version:
    description: Version of C(containerd.io).
    type: str
    default: ''
  base_url:
    description: Above Docker's repositories.
    type: str
    default: https://download.docker.com/linux
  key_fingerprint:
    description: Of the key that signs them; empty for Docker's own.
    type: str
    default: ''
  hold:
    description: Whether the packages are held at their version.
    type: bool
    default: true
  replace:
    description: Consent to remove the distribution's packages that cannot stay.
    type: bool
    default: false
  interrupt:
    description: Consent to stop running containers.
    type: bool
    default: false
  registry_mirrors:
    description: Mirrors of Docker Hub.
    type: list
    elements: str
    default: []
  insecure_registries:
    description: Registries without TLS, or with certificates that nobody knows.
    type: list
    elements: str
    default: []
  data_root:
    description: Where images and containers are.
    type: str
    default: ''
  live_restore:
    description: Whether containers go on while the daemon is restarted; V(keep) leaves the setting as it is.
    type: str
    choices: ['on', 'off', keep]
    default: keep
  log:
    description: Options of containers' logs, such as C(max-size).
    type: dict
    default: {}
  ulimits:
    description: Limits of containers by name, in the kernel's own units; -1 is unlimited.
    type: dict
    default: {}
  daemon:
    description: Settings in Docker's own words, over all others.
    type: dict
    default: {}
  daemon_path:
    description: The file of settings.
    type: path
    default: /etc/docker/daemon.json
  timeout:
    description: Seconds that each command may take.
    type: int
    default: 20
"""

EXAMPLES = r"""
- name: See what the host's container engine is and should be
  vllm.cluster.container_engine_plan:
    source: docker-ce
    version: 28.5.1
  register: engine
"""

RETURN = r"""
found:
  description: What the host has.
  returned: success
  type: dict
plan:
  description: What is to be done; C(steps) tells it in words. All of it is empty where nothing is.
  returned: success
  type: dict
"""

import dataclasses

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.vllm.cluster.plugins.module_utils.container_engine import decide, found
from ansible_collections.vllm.cluster.plugins.module_utils.probes.commands import Commands
from ansible_collections.vllm.cluster.plugins.module_utils.probes.files import Files

SWITCH = {"type": "bool", "default": False}
TEXT = {"type": "str", "default": ""}
LIST = {"type": "list", "elements": "str", "default": []}
DICT = {"type": "dict", "default": {}}


def main():
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["started", "stopped"], "default": "started"},
            "source": {"type": "str", "choices": ["docker-ce", "distribution", "existing"], "default": "distribution"},
            "package": {"type": "str", "default": "docker.io"},
            "version": TEXT,
            "containerd_version": TEXT,
            "base_url": {"type": "str", "default": "https://download.docker.com/linux"},
            "key_fingerprint": {"type": "str", "default": "", "no_log": False},
            "hold": {"type": "bool", "default": True},
            "replace": SWITCH,
            "interrupt": SWITCH,
            "registry_mirrors": LIST,
            "insecure_registries": LIST,
            "data_root": TEXT,
            "live_restore": {"type": "str", "choices": ["on", "off", "keep"], "default": "keep"},
            "log": DICT,
            "ulimits": DICT,
            "daemon": DICT,
            "daemon_path": {"type": "path", "default": "/etc/docker/daemon.json"},
            "timeout": {"type": "int", "default": 20},
        },
        supports_check_mode=True,
    )
    params = module.params
    there = found.read(Files(), Commands(module, params["timeout"]), params["daemon_path"])
    plan, problems = decide.decide(params, there)
    for problem in problems:
        if problem.consent and module.check_mode:
            module.warn(f"{problem}. A real run asks for this consent")
    refused = [problem for problem in problems if not (problem.consent and module.check_mode)]
    if refused:
        module.fail_json(msg="The container engine is not touched: " + "\n  ".join(map(str, refused)))
    module.exit_json(changed=False, found=there, plan=dataclasses.asdict(plan))


if __name__ == "__main__":
    main()
