#!/usr/bin/python
# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Give a host the configuration of its front doors, and reload those that run."""

from __future__ import annotations

DOCUMENTATION = r"""
module: router_files
short_description: Give a host the configuration of its front doors
version_added: 0.1.0
description:
  - Writes, for each front door of the plan, nginx's configuration and beside it the keys that open the door.
  - Files that differ are proved by C(nginx -t) before they replace what is there. A front door that runs is then
    reloaded, which interrupts nobody; one that was not yet reloaded when an earlier run was cut off is reloaded by the
    next.
  - The units are not its business (see M(vllm.cluster.host_units)), nor is the distribution's own nginx.
author:
  - The vllm.cluster authors (@vllm-cluster)
attributes:
  check_mode:
    support: full
    description: Says what would change. What would be written is not proved by nginx.
  diff_mode:
    support: full
    description: Shows changes of the configuration. Of the keys it only says that they change.
  idempotent:
    support: full
    description: A second run changes nothing.
options:
  plan:
    description:
      - The host's front doors as the plan holds them (C(hosts.<host>.routers)).
      - Read on the controller, which takes the keys from the variable C(vllm_services) and hands O(routers) and O(keys)
        to the host instead.
    type: list
    elements: dict
  routers:
    description: Name of the service -> text of its nginx.conf. The action of this name sets it.
    type: dict
  keys:
    description: Name of the service -> text of its keys.conf. The action of this name sets it.
    type: dict
  follow:
    description: >-
      Text of the program that follows Mooncake's prefill engines. The action of this name sets it where needed.
    type: str
  follow_path:
    description: Where that program is.
    type: path
    default: /usr/local/lib/vllm-cluster/vllm-follow.py
  prune:
    description: Whether the configuration of front doors that are not named is removed.
    type: bool
    default: true
  config_dir:
    description: Where the configuration is, a folder for each service, readable for root alone.
    type: path
    default: /etc/vllm/routers
seealso:
  - module: vllm.cluster.host_units
"""

EXAMPLES = r"""
- name: Configure the host's front doors
  vllm.cluster.router_files:
    plan: "{{ vllm_host_plan.routers }}"
"""

RETURN = r"""
written:
  description: Paths of the files that were, or in check mode would be, written.
  returned: success
  type: list
  elements: str
reloaded:
  description: Services whose front door was, or in check mode would be, reloaded.
  returned: success
  type: list
  elements: str
stale:
  description: Services that have a configuration here and are not named; with O(prune) they were removed.
  returned: success
  type: list
  elements: str
"""

import os
import re
import shutil
import stat
import tempfile

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.vllm.cluster.plugins.module_utils.router import places, units

#: Stands in a service's folder from before its files change until its front door was reloaded.
_PENDING = ".reload"


def content(path, mode=0o600):
    """The file's text; None where it is absent, or not this user's own with that mode."""
    try:
        status = os.lstat(path)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) != mode:
            return None
        with open(path, encoding="utf-8") as handle:
            return handle.read()
    except (FileNotFoundError, UnicodeDecodeError):
        return None


def write(path, text, mode=0o600):
    """A file of that mode, on the disk when this returns."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        os.fchmod(stream.fileno(), mode)
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())


def without_keys(output):
    """What nginx says of a configuration; of a line of the keys' file only where it is."""
    told = [line for line in output.splitlines() if "[emerg]" in line or "[crit]" in line or "[alert]" in line]
    return "; ".join(
        f"a mistake in {match.group(0)}" if (match := re.search(rf"{re.escape(places.KEYS)}:\d+", line)) else line
        for line in told
    )


class FrontDoors:
    """One run of the module."""

    def __init__(self, module):
        self.module = module
        self.root = module.params["config_dir"]
        self.result = {"changed": False, "written": [], "reloaded": [], "stale": [], "diff": []}

    def run(self):
        wanted = self.module.params["routers"]
        if self.module.params["follow"] is not None:
            self.bring_program(self.module.params["follow_path"], self.module.params["follow"])
        for service, config in wanted.items():
            files = {places.CONFIG: config, places.KEYS: self.module.params["keys"][service]}
            self.bring(service, files)
        there = sorted(os.listdir(self.root)) if os.path.isdir(self.root) else []
        self.result["stale"] = [service for service in there if service not in wanted]
        if self.module.params["prune"] and self.result["stale"]:
            self.result["changed"] = True
            for service in [] if self.module.check_mode else self.result["stale"]:
                shutil.rmtree(os.path.join(self.root, service))
        return self.result

    def bring(self, service, files):
        """Bring one front door's files to what they should be, and the door to its files."""
        folder = os.path.join(self.root, service)
        found = {name: content(os.path.join(folder, name)) for name in files}
        differ = {name: text for name, text in files.items() if found[name] != text}
        pending = os.path.join(folder, _PENDING)
        if not differ and not os.path.exists(pending):
            return
        self.result["changed"] = True
        self.result["written"] += [os.path.join(folder, name) for name in differ]
        for name, text in differ.items():
            self.show(os.path.join(folder, name), found[name], text, secret=name == places.KEYS)
        running = self.running(service)
        if running:
            self.result["reloaded"].append(service)
        if self.module.check_mode:
            return
        os.makedirs(self.root, mode=0o700, exist_ok=True)
        os.chmod(self.root, 0o700)
        self.replace(folder, files, differ, pending)
        if running:
            self.module.run_command([self.systemctl(), "reload", places.door_unit(service)], check_rc=True)
        os.unlink(pending)

    def bring_program(self, path, text):
        """Its unit reads it at its next start; a program of before is none that must not run on."""
        found = content(path, 0o644)
        if found == text:
            return
        self.result["changed"] = True
        self.result["written"].append(path)
        self.show(path, found, text, secret=False)
        if not self.module.check_mode:
            os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
            write(f"{path}.new", text, 0o644)
            os.replace(f"{path}.new", path)

    def replace(self, folder, files, differ, pending):
        """Prove all files of a front door, then put those that differ in their place."""
        with tempfile.TemporaryDirectory(prefix="vllm-router-") as scratch:  # mode 0700
            for name, text in files.items():
                write(os.path.join(scratch, name), text)
            self.prove(scratch)
        os.makedirs(folder, mode=0o700, exist_ok=True)
        write(pending, "")
        for name, text in differ.items():
            write(os.path.join(folder, f".{name}.new"), text)
            os.replace(os.path.join(folder, f".{name}.new"), os.path.join(folder, name))

    def prove(self, scratch):
        command = units.nginx_argv(os.path.join(scratch, places.CONFIG), scratch, os.path.join(scratch, "nginx.pid"))
        nginx = self.module.get_bin_path("nginx", required=True)
        rc, out, err = self.module.run_command([nginx, *command[1:], "-t"])
        if rc != 0:
            told = without_keys(out + err) or "nginx -t failed"
            self.module.fail_json(msg=f"nginx refuses the configuration, and nothing was changed: {told}")

    def running(self, service):
        rc, _out, _err = self.module.run_command([self.systemctl(), "is-active", "-q", places.door_unit(service)])
        return rc == 0

    def systemctl(self):
        return self.module.get_bin_path("systemctl", required=True)

    def show(self, path, before, after, secret):
        if not self.module._diff:
            return
        if secret:
            before, after = before and "(hidden)\n", "(hidden, changed)\n"
        header = {"before_header": path, "after_header": path}
        self.result["diff"].append({**header, "before": before or "", "after": after})


def main():
    module = AnsibleModule(
        argument_spec={
            "plan": {"type": "list", "elements": "dict"},
            "routers": {"type": "dict"},
            # An option of its own, so that no log of the invocation, journal included, ever holds it in any form.
            "keys": {"type": "dict", "no_log": True},
            "follow": {"type": "str"},
            "follow_path": {"type": "path", "default": places.FOLLOW},
            "prune": {"type": "bool", "default": True},
            "config_dir": {"type": "path", "default": places.CONFIG_DIR},
        },
        mutually_exclusive=[("plan", "routers")],
        required_one_of=[("plan", "routers")],
        required_together=[("routers", "keys")],
        supports_check_mode=True,
    )
    if module.params["plan"] is not None:
        module.fail_json(msg="plan is read on the controller, by the action of this name: call it by its full name")
    try:
        module.exit_json(**FrontDoors(module).run())
    except OSError as error:
        module.fail_json(msg=f"Could not write the front doors' files: {error}")


if __name__ == "__main__":
    main()
