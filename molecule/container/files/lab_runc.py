# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for a host that may do what it is asked: runc, with limits and capabilities cut to what this host has.

A lab host is a container itself. It has a few limits and capabilities only, and runc ends where more are asked for.
On a real host nothing stands between Docker and runc.
"""

import json
import os
import resource
import sys

BITS = {"CAP_SYS_PTRACE": 19, "CAP_SYS_ADMIN": 21, "CAP_SYS_NICE": 23, "CAP_SYS_RESOURCE": 24, "CAP_IPC_LOCK": 14}


def bounding():
    with open("/proc/self/status", encoding="ascii") as status:
        line = next(line for line in status if line.startswith("CapBnd:"))
    return int(line.split()[1], 16)


def clamp(path):
    """path: of a bundle's configuration (create), or of a process alone (exec)."""
    with open(path, encoding="utf-8") as file:
        config = json.load(file)
    process, mask = config.get("process", config), bounding()
    for limit in process.get("rlimits") or ():
        _soft, hard = resource.getrlimit(getattr(resource, limit["type"]))
        if hard != resource.RLIM_INFINITY:
            limit["hard"] = min(limit["hard"], hard)
            limit["soft"] = min(limit["soft"], limit["hard"])
    for kind, names in (process.get("capabilities") or {}).items():
        process["capabilities"][kind] = [name for name in names if mask >> BITS.get(name, 0) & 1 or name not in BITS]
    with open(path, "w", encoding="utf-8") as file:
        json.dump(config, file)


if "create" in sys.argv and "--bundle" in sys.argv:
    clamp(os.path.join(sys.argv[sys.argv.index("--bundle") + 1], "config.json"))
elif "exec" in sys.argv and "--process" in sys.argv:
    clamp(sys.argv[sys.argv.index("--process") + 1])
os.execv("/usr/sbin/runc", ["runc", *sys.argv[1:]])
