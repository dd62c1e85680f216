#!/usr/bin/python
# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read what a host is, in one round trip."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_probe
short_description: Read what a host is, for the planner
version_added: 0.1.0
description:
  - Reads processors, memory, GPUs, listening ports with their owners, and whether model directories are there.
  - Changes nothing. A missing tool is a fact, not an error.
  - Run it as root, otherwise the owners of other users' sockets stay unknown.
options:
  paths:
    description: Model directories to look at.
    type: list
    elements: path
    default: []
  timeout:
    description: Seconds that any one command may take.
    type: int
    default: 20
extends_documentation_fragment:
  - vllm.cluster.read_only
author:
  - The vllm.cluster authors (@vllm-cluster)
"""

EXAMPLES = r"""
- name: Probe a host
  vllm.cluster.host_probe:
    paths: [/data/models/qwen]
  register: probe
"""

RETURN = r"""
probe:
  description: What the host is.
  returned: always
  type: dict
  contains:
    machine:
      description: Architecture, as C(uname -m) names it.
      type: str
      sample: x86_64
    cpus:
      description: Processors that this host's processes may use.
      type: int
      sample: 64
    memory_bytes:
      description: Physical memory.
      type: int
    driver:
      description: Version of the NVIDIA driver; V(absent) without nvidia-smi, V(failing) where it finds no GPU.
      type: str
      sample: 580.95.05
    driver_error:
      description: What nvidia-smi said when it failed, else null.
      type: str
    gpus:
      description: One item a GPU, with index, name, uuid, memory_bytes and driver.
      type: list
      elements: dict
    listeners:
      description:
        - One item a listening TCP socket, with address, port, process, pid and unit (of systemd).
        - Unknown owners are null.
      type: list
      elements: dict
    paths:
      description: For each path asked for, whether it exists, is a directory, and holds a model (config.json).
      type: dict
"""

import glob
import os
import platform

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.vllm.cluster.plugins.module_utils.probes import gpus, sockets


def _read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as handle:
            return handle.read()
    except OSError:  # a process that ended meanwhile, or a kernel without the file
        return ""


def _gpus(module):
    """GPUs, the driver's version or state, and what went wrong."""
    smi = module.get_bin_path("nvidia-smi")
    if smi is None:
        return [], "absent", None
    rc, out, err = _bounded(module, [smi, "--query-gpu=" + ",".join(gpus.QUERY), "--format=csv,noheader,nounits"])
    found = gpus.parse(out) if rc == 0 else []
    if found:
        return found, found[0]["driver"], None
    timed_out = f"no answer in {module.params['timeout']} seconds" if rc in (124, 137) else ""
    return [], "failing", timed_out or (err or out).strip()[-500:] or f"exit status {rc}"


def _bounded(module, argv):
    """run_command has no time-out, and nvidia-smi on a broken driver can hang for ever."""
    timeout = module.get_bin_path("timeout", required=True)
    return module.run_command([timeout, "--kill-after=2", str(module.params["timeout"]), *argv])


def _memory_bytes():
    for line in _read("/proc/meminfo").splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * 1024
    return None


def _owners(inodes):
    """Pid by socket inode."""
    wanted = {f"socket:[{inode}]": inode for inode in inodes}
    found = {}
    for link in glob.iglob("/proc/[0-9]*/fd/*"):
        try:
            target = os.readlink(link)
        except OSError:
            continue
        if target in wanted:
            found.setdefault(wanted[target], int(link.split("/")[2]))
    return found


def _listeners():
    seen = sorted({entry for name in ("tcp", "tcp6") for entry in sockets.listening(_read("/proc/net/" + name))})
    owners = _owners({inode for _address, _port, inode in seen})
    result = []
    for address, port, inode in seen:
        pid = owners.get(inode)
        process = _read(f"/proc/{pid}/comm").strip() if pid else None
        unit = sockets.unit_of(_read(f"/proc/{pid}/cgroup")) if pid else None
        result.append({"address": address, "port": port, "pid": pid, "process": process, "unit": unit})
    return result


def _path(path):
    return {
        "exists": os.path.exists(path),
        "directory": os.path.isdir(path),
        "model": os.path.isfile(os.path.join(path, "config.json")),
    }


def main():
    module = AnsibleModule(
        argument_spec={
            "paths": {"type": "list", "elements": "path", "default": []},
            "timeout": {"type": "int", "default": 20},
        },
        supports_check_mode=True,
    )
    found, driver, driver_error = _gpus(module)
    module.exit_json(
        changed=False,
        probe={
            "machine": platform.machine(),
            "cpus": len(os.sched_getaffinity(0)),
            "memory_bytes": _memory_bytes(),
            "driver": driver,
            "driver_error": driver_error,
            "gpus": found,
            "listeners": _listeners(),
            "paths": {path: _path(path) for path in module.params["paths"]},
        },
    )


if __name__ == "__main__":
    main()
