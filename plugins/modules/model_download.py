#!/usr/bin/python
# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring models to a host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: model_download
short_description: Bring models to a host
version_added: 0.1.0
description:
  - Brings models and datasets from the Hugging Face Hub and its mirrors, ModelScope, S3 buckets, web servers and other
    hosts, each with a client made for it, into directories of the host.
  - A directory is complete when every file has the size that the source tells, and the content where it tells a
    checksum, and when the weights are whole by their own headers. Then a hidden file, C(.vllm-download.json), records
    what it holds. As long as sizes agree with it nothing is downloaded and no source is asked.
  - A download that was cut off is finished by the next run. Whole files are kept; ModelScope, S3 and web servers go on
    within a file.
  - The work is done by a process of its own. It goes on when the connection to the host is lost, and a run that is told
    the same joins it. Meanwhile its progress is shown every O(report_interval) seconds.
  - Where hosts share a directory one of them works on it, and the others wait.
  - A source without a lasting revision is looked up once for all hosts of the play that lack it (O(operation)).
options:
  models:
    description: The directories, as the plan's C(hosts.<name>.models) names them.
    type: list
    elements: dict
    required: true
    suboptions:
      source:
        description:
          - Where it comes from. C(owner/name) of the Hugging Face Hub, C(modelscope://owner/name),
            C(s3://bucket/folder), C(https://host/folder) with a C(SHA256SUMS), C(rsync://host/module/folder), or
            C(ssh://user@host/folder), which rsync fetches.
        type: str
        required: true
      kind:
        description: What the plan says of it. V(directory) and V(generated) are passed over.
        type: str
        choices: [directory, generated, hub, modelscope, s3, web, rsync]
        default: hub
      path:
        description: Directory of the model.
        type: path
        required: true
      revision:
        description:
          - Commit, branch or tag, of hubs. Name a commit to have the same files on every host at any time.
          - Unset means the newest at the first download. It is not renewed later.
        type: str
      dataset:
        description: Whether it is a dataset of a hub, and no model.
        type: bool
        default: false
      include:
        description: Patterns of files to bring; empty means all. V(*) stands for slashes, too.
        type: list
        elements: str
        default: []
      exclude:
        description: Patterns of files to leave out.
        type: list
        elements: str
        default: []
      environment:
        description: Python environment that holds the client of the Hugging Face Hub, ModelScope or S3.
        type: path
      token:
        description: Reference of a secret of the plan, the token of this model. Read on the controller.
        type: str
  tokens:
    description: Tokens of the Hugging Face Hub for single models, by O(models[].path).
    type: dict
  commits:
    description: Commits that were chosen, by C(source), C(source@revision) or C(datasets/source).
    type: dict
  operation:
    description:
      - V(bring) does it all. V(look) only tells what is there, V(resolve) chooses O(commits), and V(agree) fails where
        hosts of the play have different files of one source; the last two are called once, with O(found_variable).
      - V(start) and V(follow) are parts of V(bring), which it calls itself.
    type: str
    choices: [bring, look, resolve, agree, start, follow]
    default: bring
  found_variable:
    description:
      - Variable that holds, on each host of the play, what O(operation=look) or V(bring) registered.
      - Read on the controller. With it V(bring) asks no host again that lacks nothing.
    type: str
  hub_endpoint:
    description: Address of the Hugging Face Hub or a mirror. With a mirror, chunked transfer (Xet) is off.
    type: str
  hub_token:
    description: Token for private and gated models. It reaches the client by its process environment alone.
    type: str
  modelscope_endpoint:
    description: Address of ModelScope or a mirror.
    type: str
  modelscope_token:
    description: Token of ModelScope.
    type: str
  web_token:
    description: Bearer token that web servers get. It is not passed on to other servers.
    type: str
  s3_endpoint:
    description: Address of an S3 service that is not Amazon's.
    type: str
  s3_region:
    description: Region of the buckets.
    type: str
  s3_access_key:
    description: Access key. Without it, what the host has holds, such as the role of its machine.
    type: str
  s3_secret_key:
    description: Secret key.
    type: str
  s3_session_token:
    description: Session token of keys that do not last.
    type: str
  verify:
    description: Reads every file of directories that are complete, and compares it with the recorded checksum.
    type: bool
    default: false
  attempts:
    description: How often a download is tried that fails for what may pass.
    type: int
    default: 5
  max_workers:
    description: Files that are fetched at once.
    type: int
    default: 8
  timeout:
    description: Seconds that one directory may take.
    type: int
    default: 86400
  report_interval:
    description: Seconds between two lines of progress. V(0) shows none.
    type: float
    default: 10
  run_dir:
    description: Where workers tell how far they are.
    type: path
    default: /run/vllm-downloads
attributes:
  check_mode:
    support: full
    description: Says whether there is something to download. No source is asked.
  diff_mode:
    support: full
    description: Shows the files that come, with their sizes. In check mode it cannot know them.
  idempotent:
    support: full
    description: A complete directory is left alone.
author:
  - The vllm.cluster authors (@vllm-cluster)
"""

EXAMPLES = r"""
- name: Bring a model
  vllm.cluster.model_download:
    models:
      - source: Qwen/Qwen2.5-0.5B-Instruct
        revision: 7ae557604adf67be50417f59c2c2f167def9a775
        path: /var/lib/vllm/models/qwen
        environment: /opt/vllm/envs/hf-2.4.0

- name: Bring a model from a web server of one's own
  vllm.cluster.model_download:
    models:
      - source: https://files.example/models/qwen
        kind: web
        path: /var/lib/vllm/models/qwen
"""

RETURN = r"""
models:
  description: One item a directory.
  returned: when operation is bring, look, start or follow
  type: list
  elements: dict
  contains:
    path:
      description: Its directory.
      type: str
    source:
      description: Where it comes from.
      type: str
    wanted:
      description: What is wanted of it.
      type: dict
    changed:
      description: Whether there was something to bring.
      type: bool
    reason:
      description: Why, or null.
      type: str
    commit:
      description: Commit of the Hugging Face Hub, or null.
      type: str
    digest:
      description: Stands for its files. Equal where the same files are. Null where it is not complete.
      type: str
    bytes:
      description: Size of its files.
      type: int
    files:
      description: How many there are.
      type: int
    seconds:
      description: How long it took, this host's share.
      type: float
lacking:
  description: Programs that the host has not, and that what is missing needs.
  returned: when operation is look
  type: list
  elements: str
commits:
  description: Commits, as O(commits) takes them.
  returned: when operation is resolve
  type: dict
"""

import os
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.vllm.cluster.plugins.module_utils.background import detached
from ansible_collections.vllm.cluster.plugins.module_utils.downloads import (
    clients,
    record,
    request,
    sources,
    worker,
)
from ansible_collections.vllm.cluster.plugins.module_utils.downloads.errors import DownloadError
from ansible_collections.vllm.cluster.plugins.module_utils.downloads.huggingface import files as hub_files

LOCAL = ("directory", "generated")


class Work:
    """One call of the module."""

    def __init__(self, module):
        self.module = module
        params = dict(module.params)
        params["models"] = self.given = [item for item in params["models"] if item["kind"] not in LOCAL]
        self.items = request.items(params)
        self.settings = request.settings(params)
        self.post = detached.Post(Path(params["run_dir"]), request.identity(self.items, self.settings))

    def look(self):
        """What is there, and why that is not what is wanted."""
        answers = []
        for item, given in zip(self.items, self.given):
            found = record.read(item.directory)
            reason, _wrong = record.missing(item.wanted, item.directory, self.settings.verify)
            commit = item.wanted.revision if reason else None
            told = worker.result(item, None if reason else found)
            told["wanted"]["token"] = given["token"]
            more = {"changed": reason is not None, "reason": reason}
            answers.append({**told, "commit": told["commit"] or commit, **more})
        return answers

    def resolve(self):
        """The commits that the newest revisions are now."""
        endpoint, found = self.settings.hub_endpoint, {}
        for item in self.items:
            if item.source.kind == sources.HUB:
                commit, _files = hub_files(endpoint, item.source.name, item.wanted.dataset, item.revision, item.token)
                found[item.wanted.name] = commit
        return found

    def start(self):
        """Models, and the worker's status, None where there is nothing to do."""
        models = self.look()
        if not any(item["changed"] for item in models) or self.module.check_mode:
            return models, None
        self.tools()
        self.post.start(self.items, lambda said: worker.work(self.items, self.settings, said))
        return models, self.post.found()

    def follow(self):
        said = self.post.found()
        if said is None:
            return [], {"state": detached.LOST, "error": None, "items": {}}
        if said["state"] != "done":
            return [], said
        answers = []
        for item in self.items:
            ended = (said["items"].get(str(item.directory)) or {}).get("ended") or {}
            changed = ended.get("reason") is not None
            more = {"changed": changed, "reason": ended.get("reason"), "seconds": ended.get("seconds", 0.0)}
            answers.append({**worker.result(item, record.read(item.directory)), **more})
        return answers, said

    def lacking(self):
        """Programs that the host has not, and that a download needs."""
        tools = {clients.TOOLS.get(item.source.kind) for item in self.items}
        return sorted(tool for tool in tools - {None} if self.module.get_bin_path(tool) is None)

    def tools(self):
        for tool in self.lacking():
            raise DownloadError(tool, None, "is not on this host", f"install {tool}")
        for item in self.items:
            client = clients.PROGRAMS.get(item.source.kind)
            if client and not os.access(os.path.join(item.environment, "bin", client), os.X_OK):
                rule = f"there is no {client} in the environment {item.environment or '(none named)'}"
                raise DownloadError(item.wanted.source, None, rule, "make the environment first (role python_env)")


def listing(items, models):
    """The files of what has something to bring, for the difference."""
    lines = []
    for item, answer in zip(items, models):
        found = record.read(item.directory)
        if answer["changed"]:
            lines += [
                f"{item.directory}/{path} {entry['size']}\n"
                for path, entry in sorted((found.files if found else {}).items())
            ]
    return "".join(lines)


def main():
    module = AnsibleModule(
        argument_spec={
            "models": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "source": {"type": "str", "required": True},
                    "kind": {
                        "type": "str",
                        "choices": ["directory", "generated", "hub", "modelscope", "s3", "web", "rsync"],
                        "default": "hub",
                    },
                    "path": {"type": "path", "required": True},
                    "revision": {"type": "str"},
                    "dataset": {"type": "bool", "default": False},
                    "include": {"type": "list", "elements": "str", "default": []},
                    "exclude": {"type": "list", "elements": "str", "default": []},
                    "environment": {"type": "path"},
                    "token": {"type": "str", "no_log": False},
                },
            },
            "tokens": {"type": "dict", "no_log": True},
            "commits": {"type": "dict"},
            "operation": {
                "type": "str",
                "choices": ["bring", "look", "resolve", "agree", "start", "follow"],
                "default": "bring",
            },
            "found_variable": {"type": "str"},
            "hub_endpoint": {"type": "str"},
            "hub_token": {"type": "str", "no_log": True},
            "modelscope_endpoint": {"type": "str"},
            "modelscope_token": {"type": "str", "no_log": True},
            "web_token": {"type": "str", "no_log": True},
            "s3_endpoint": {"type": "str"},
            "s3_region": {"type": "str"},
            "s3_access_key": {"type": "str", "no_log": True},
            "s3_secret_key": {"type": "str", "no_log": True},
            "s3_session_token": {"type": "str", "no_log": True},
            "verify": {"type": "bool", "default": False},
            "attempts": {"type": "int", "default": 5},
            "max_workers": {"type": "int", "default": 8},
            "timeout": {"type": "int", "default": 86400},
            "report_interval": {"type": "float", "default": 10},
            "run_dir": {"type": "path", "default": "/run/vllm-downloads"},
        },
        supports_check_mode=True,
    )
    operation = module.params["operation"]
    if operation in ("bring", "agree"):
        module.fail_json(msg=f"{operation} is done on the controller, by the action of this name: use its full name")
    for name in ("attempts", "max_workers", "timeout"):
        if module.params[name] < 1:
            module.fail_json(msg=f"{name} = {module.params[name]}: must be 1 or more. Fix: raise it, or leave it out.")
    os.umask(0o022)  # engines run as another user
    try:
        work = Work(module)
        if operation == "resolve":
            module.exit_json(changed=False, commits=work.resolve())
        if operation == "look":
            models, said = work.look(), None
        else:
            models, said = work.start() if operation == "start" else work.follow()
    except sources.BadSource as error:
        module.fail_json(msg=f"models: {error.rule}. Fix: {error.fix}.")
    except DownloadError as failure:
        module.fail_json(msg=str(failure))
    except OSError as failure:
        module.fail_json(msg=f"Could not work on the models: {failure}")
    changed = any(item["changed"] for item in models)
    lacking = work.lacking() if operation == "look" and changed else []
    after = listing(work.items, models) if said else "".join(f"{m['source']}\n" for m in models if m["changed"])
    header = {"before_header": "models", "after_header": "models"}
    module.exit_json(
        changed=changed and operation != "look",
        models=models,
        lacking=lacking,
        worker=said,
        diff={**header, "before": "", "after": after} if changed else {},
    )


if __name__ == "__main__":
    main()
