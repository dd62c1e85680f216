#!/usr/bin/python
# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring container images to a host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: container_image
short_description: Bring container images to a host
version_added: 0.1.0
description:
  - Pulls images, loads them from archives, or builds them from others, through the socket of the host's Docker.
  - An image that is there by the wanted digest or id costs one look, and no registry is asked. A tag that is there is
    not pulled again, unless O(refresh) says so.
  - Before a pull the registry is asked for the image's size, and what does not fit the disk is refused.
  - The work is done by a process of its own. It goes on when the connection to the host is lost, and a run that is
    told the same joins it. Meanwhile its progress is shown every O(report_interval) seconds.
  - Logins go to Docker with the pull. They are written nowhere, and no program gets them as an argument.
  - Images that this module brought are noted in C(/etc/vllm/images.json), and only those are ever removed.
options:
  images:
    description: The images, as the plan's C(hosts.<name>.images) names them.
    type: list
    elements: dict
    required: true
    suboptions:
      reference:
        description: What units run. C(name:tag), C(name@sha256:…), or C(sha256:…), the id of an image.
        type: str
        required: true
      name:
        description: The image's name, where O(images[].reference) is its digest. For the reader.
        type: str
      digest:
        description: The digest that O(images[].reference) names, or null. For the reader.
        type: str
      size_bytes:
        description: The image's size on the disk where it is there, or null. For the reader.
        type: int
      archive:
        description: File of the host that holds the image, as C(docker save) writes it. No registry is asked then.
        type: path
      base:
        description: Reference of the image that this one is built from, with Ray added. It comes earlier in the list.
        type: str
      ray:
        description: Version of that Ray.
        type: str
  operation:
    description:
      - V(bring) brings what is not there. V(look) only tells what is there.
      - V(prune) removes what this module once brought and O(images) does not name, but for what containers use.
      - V(start) and V(follow) are the steps of V(bring), for its action plugin.
    type: str
    choices: [bring, look, prune, start, follow]
    default: bring
  refresh:
    description: Whether registries are asked for newer images of tags.
    type: bool
    default: false
  logins:
    description: Registry (C(docker.io) is Docker Hub) to C(username) and C(password).
    type: dict
    default: {}
  pip_environment:
    description: Variables of pip and uv when an image is built, such as C(PIP_INDEX_URL). They stay in its history.
    type: dict
    default: {}
  socket:
    description: Where the container engine listens.
    type: path
    default: /var/run/docker.sock
  timeout:
    description: Seconds that one image may take.
    type: int
    default: 7200
  report_interval:
    description: Seconds between two lines of progress. V(0) shows none.
    type: float
    default: 10
  run_dir:
    description: Where the worker's lock and status are.
    type: path
    default: /run/vllm-images
attributes:
  check_mode:
    support: full
    description: Says which images would be brought or removed.
  diff_mode:
    support: full
    description: Shows the images that come and go.
  idempotent:
    support: full
    description: An image that is there is left alone.
author:
  - The vllm.cluster authors (@vllm-cluster)
"""

EXAMPLES = r"""
- name: Bring the images that the plan names
  vllm.cluster.container_image:
    images: "{{ vllm_host_plan.images }}"
    logins:
      registry.example:5000: {username: puller, password: "{{ vault_registry_password }}"}

- name: Load an image where no registry is reached
  vllm.cluster.container_image:
    images:
      - reference: vllm/vllm-openai:v0.32.0
        archive: /srv/images/vllm-openai-0.32.0.tar
"""

RETURN = r"""
images:
  description: One item an image, in the order given.
  returned: when operation is not prune
  type: list
  elements: dict
  contains:
    reference:
      description: What units run.
      type: str
    changed:
      description: Whether it was, or would be, brought.
      type: bool
    reason:
      description: Why, or null.
      type: str
    id:
      description: Its id, or null.
      type: str
    digest:
      description: Its digest, null where no registry gave it.
      type: str
    size_bytes:
      description: Its size on the disk, or null.
      type: int
    seconds:
      description: How long it took.
      type: float
removed:
  description: References that are gone, or would be.
  returned: when operation is prune
  type: list
  elements: str
used:
  description: References that stay because containers use them.
  returned: when operation is prune
  type: list
  elements: str
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.vllm.cluster.plugins.module_utils.background import detached
from ansible_collections.vllm.cluster.plugins.module_utils.images import (
    derived,
    engine,
    record,
    reference,
    request,
    worker,
)
from ansible_collections.vllm.cluster.plugins.module_utils.images.errors import ImageError


class Work:
    """One call of the module."""

    def __init__(self, module):
        params = module.params
        self.check_mode = module.check_mode
        self.engine = engine.Engine(params["socket"], params["timeout"])
        self.items = request.items(params["images"])
        self.settings = request.Settings(
            {name: engine.Login(**login) for name, login in params["logins"].items()},
            params["refresh"],
            params["timeout"],
            params["pip_environment"],
        )
        self.post = detached.Post(Path(params["run_dir"]), request.identity(self.items, self.settings))

    def look(self):
        derived.check(self.items, self.settings)
        answers = []
        for item in self.items:
            why = worker.reason(item, self.engine, self.settings)
            answers.append({**worker.described(item, self.engine), "changed": why is not None, "reason": why})
        return answers

    def start(self):
        """Images, and the worker's status, None where there is nothing to do."""
        images = self.look()
        if not any(image["changed"] for image in images) or self.check_mode:
            return images, None
        self.post.start(self.items, lambda said: worker.work(self.items, self.settings, self.engine, said))
        return images, self.post.found()

    def follow(self):
        said = self.post.found()
        if said is None:
            return [], {"state": detached.LOST, "error": None, "items": {}}
        if said["state"] != "done":
            return [], said
        answers = []
        for item in self.items:
            ended = (said["items"].get(item.key) or {}).get("ended") or {}
            why = ended.get("reason")
            more = {"changed": why is not None, "reason": why, "seconds": ended.get("seconds", 0.0)}
            answers.append({**worker.described(item, self.engine), **more})
        return answers, said

    def prune(self):
        found = record.stale(item.wanted.text for item in self.items)
        if self.check_mode or not found:
            return {"changed": bool(found), "removed": found, "used": []}
        removed, used = record.prune(self.engine, found)
        return {"changed": bool(removed), "removed": removed, "used": used}


def listed(images, after):
    """For the difference: what is there before, or after."""
    return "".join(f"{item['reference']}\n" for item in images if after or item["id"])


def main():
    module = AnsibleModule(
        argument_spec={
            "images": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "reference": {"type": "str", "required": True},
                    "name": {"type": "str"},
                    "digest": {"type": "str"},
                    "size_bytes": {"type": "int"},
                    "archive": {"type": "path"},
                    "base": {"type": "str"},
                    "ray": {"type": "str"},
                },
            },
            "operation": {
                "type": "str",
                "choices": ["bring", "look", "prune", "start", "follow"],
                "default": "bring",
            },
            "refresh": {"type": "bool", "default": False},
            "logins": {"type": "dict", "default": {}, "no_log": True},
            "pip_environment": {"type": "dict", "default": {}, "no_log": True},
            "socket": {"type": "path", "default": engine.SOCKET},
            "timeout": {"type": "int", "default": 7200},
            "report_interval": {"type": "float", "default": 10},
            "run_dir": {"type": "path", "default": "/run/vllm-images"},
        },
        supports_check_mode=True,
    )
    operation = module.params["operation"]
    try:
        work = Work(module)
        if operation == "prune":
            module.exit_json(**work.prune())
        if operation == "look":
            module.exit_json(changed=False, images=work.look(), worker=None)
        images, said = work.follow() if operation == "follow" else work.start()
    except (ImageError, reference.BadReference, engine.Refused) as error:
        module.fail_json(msg=str(error))
    except (OSError, TypeError) as error:
        module.fail_json(msg=f"Could not work on the images: {error}")
    changed = any(image["changed"] for image in images)
    before = {"before": listed(images, False), "after": listed(images, True)} if changed and said is None else None
    module.exit_json(changed=changed, images=images, worker=said, **({"diff": before} if before else {}))


if __name__ == "__main__":
    main()
