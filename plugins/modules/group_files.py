#!/usr/bin/python
# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Give a member of engines of several hosts what it shares with the others, and what keeps it whole."""

from __future__ import annotations

DOCUMENTATION = r"""
module: group_files
short_description: Give a member of a group the guard's program and the group's secrets
version_added: 0.1.0
description:
  - The members of an engine of several hosts know each other by a secret, which is Ray's token too. The head of each
    engine makes it, once; the other members are given it.
  - Also writes the program of the guard, which the action of this name packs on the controller, and on the head of an
    engine on Ray the names of the variables that Ray must not carry to the other members (C(not_carried) of the group).
  - Without O(groups) it removes all of that.
author:
  - The vllm.cluster authors (@vllm-cluster)
attributes:
  check_mode:
    support: full
    description: Says what would change. A secret that is not there yet is not returned.
  diff_mode:
    support: partial
    description: Names the files that change; nothing of a secret is shown.
  idempotent:
    support: full
    description: A secret that is there stays as it is, unless O(secrets) says another.
options:
  groups:
    description: The host's groups, as the plan holds them (C(hosts.<host>.groups)).
    type: list
    elements: dict
    required: true
  secrets:
    description: For every engine of O(groups) whose head is another host, the secret that its head told (RV(secrets)).
    type: dict
    default: {}
  owner:
    description: The system user that engines run as, who owns the secrets.
    type: str
    required: true
  secret_dir:
    description: Where the secrets are, each readable for its owner alone.
    type: path
    default: /etc/vllm/groups
  program_path:
    description: Where the guard's program is.
    type: path
    default: /usr/local/lib/vllm-cluster/vllm-guard.pyz
  prune:
    description: >-
      Whether files of engines that O(groups) does not name are removed, and without any group the guard's program.
    type: bool
    default: true
  program:
    description: The guard's program in Base64. The action of this name sets it.
    type: str
notes:
  - Returns secrets. Give the task C(no_log).
"""

EXAMPLES = r"""
- name: Make the secrets of the groups that this host heads
  vllm.cluster.group_files:
    groups: "{{ vllm_host_plan.groups }}"
    owner: vllm
  register: group_files
  no_log: true
"""

RETURN = r"""
secrets:
  description: The secret of each engine that this host heads, by name.
  returned: success
  type: dict
written:
  description: Paths of the files that were, or in check mode would be, written or removed.
  returned: success
  type: list
  elements: str
"""

import base64
import json
import os
import pwd
import re
import secrets
import shutil
import stat
import tempfile

from ansible.module_utils.basic import AnsibleModule

_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\.secret", re.ASCII)
_FOLDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\.config", re.ASCII)


def content(path, owner, mode):
    """The file's bytes; None where it is absent, or not the owner's own with that mode."""
    try:
        status = os.lstat(path)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != owner or stat.S_IMODE(status.st_mode) != mode:
            return None
        with open(path, "rb") as handle:
            return handle.read()
    except FileNotFoundError:
        return None


class Writer:
    """Replaces files in one step, or only says which it would."""

    def __init__(self, module):
        self.module = module
        self.written = []

    def write(self, path, data, owner, mode):
        self.written.append(path)
        if self.module.check_mode:
            return
        os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".", suffix=".new")
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        os.chmod(name, mode)
        os.chown(name, owner, -1)
        os.replace(name, path)

    def remove(self, path):
        self.written.append(path)
        if self.module.check_mode:
            return
        if os.path.isdir(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)


def heads_secret(path, owner, writer):
    """The secret of a group that this host heads, made where there is none; None in check mode."""
    there = content(path, owner, 0o600)
    if there is not None and len(there.strip()) >= 32:
        return there.decode("ascii", "replace").strip()
    made = secrets.token_hex(32)
    writer.write(path, made.encode(), owner, 0o600)
    return None if writer.module.check_mode else made


def fence(group, writer):
    """The names of the variables that Ray must not carry; returns the folder's name, or None where there is none."""
    wanted = group.get("not_carried") or {}
    if not wanted.get("path"):
        return None
    data = (json.dumps(wanted["names"], indent=1) + "\n").encode()
    if content(wanted["path"], os.geteuid(), 0o644) != data:
        writer.write(wanted["path"], data, os.geteuid(), 0o644)
    return os.path.basename(os.path.dirname(wanted["path"]))


def apply(module, owner, writer):
    """Bring the files to what the options say; returns the secrets of the groups that this host heads."""
    params = module.params
    told, found, kept = params["secrets"], {}, set()
    for group in params["groups"]:
        path = os.path.join(params["secret_dir"], f"{group['engine']}.secret")
        kept.update([os.path.basename(path), fence(group, writer)])
        if group["role"] == "head":
            found[group["engine"]] = heads_secret(path, owner, writer)
        elif group["engine"] in told:
            if content(path, owner, 0o600) != told[group["engine"]].encode():
                writer.write(path, told[group["engine"]].encode(), owner, 0o600)
        elif not module.check_mode:
            module.fail_json(msg=f"groups: the head of {group['engine']} told no secret (option secrets)")
    if params["prune"] and os.path.isdir(params["secret_dir"]):
        there = os.listdir(params["secret_dir"])
        for name in sorted({name for name in there if _FILE.fullmatch(name) or _FOLDER.fullmatch(name)} - kept):
            writer.remove(os.path.join(params["secret_dir"], name))
    if params["prune"] and not params["groups"] and os.path.lexists(params["program_path"]):
        writer.remove(params["program_path"])
    if params["program"] and params["groups"]:
        program = base64.b64decode(params["program"])
        if content(params["program_path"], 0, 0o755) != program:
            writer.write(params["program_path"], program, 0, 0o755)
    return {engine: secret for engine, secret in found.items() if secret}


def main():
    module = AnsibleModule(
        argument_spec={
            "groups": {"type": "list", "elements": "dict", "required": True},
            "secrets": {"type": "dict", "default": {}, "no_log": True},
            "owner": {"type": "str", "required": True},
            "secret_dir": {"type": "path", "default": "/etc/vllm/groups"},
            "program_path": {"type": "path", "default": "/usr/local/lib/vllm-cluster/vllm-guard.pyz"},
            "prune": {"type": "bool", "default": True},
            "program": {"type": "str"},
        },
        supports_check_mode=True,
    )
    writer = Writer(module)
    try:
        owner = pwd.getpwnam(module.params["owner"]).pw_uid
        found = apply(module, owner, writer)
    except KeyError:
        module.fail_json(msg=f"owner: this host has no user {module.params['owner']}")
    except OSError as failure:
        module.fail_json(msg=f"Could not write the group's files: {failure}")
    module.exit_json(changed=bool(writer.written), secrets=found, written=writer.written)


if __name__ == "__main__":
    main()
