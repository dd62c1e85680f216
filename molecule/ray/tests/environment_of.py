# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run on a host: which of these variables a process has now. /proc/PID/environ shows only what it began with.

Usage: environment_of.py PID NAME...; prints a JSON list of NAME=VALUE, from the process's memory.
"""

import json
import re
import sys

pid, names = sys.argv[1], sys.argv[2:]


def values(data, name):
    """The NAME=VALUE texts in a piece of memory. By find, which is many times faster here than a pattern."""
    at = data.find(name)
    while at >= 0:
        match = VALUE.match(data, at + len(name))
        if match and not data[at - 1 : at].isalpha() and data[at - 1 : at] != b"_":
            yield (name + match.group()).decode()
        at = data.find(name, at + 1)


VALUE = re.compile(rb"[A-Za-z0-9_.:=/-]{1,80}(?=\0)")
found = set()
with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb") as memory:
    for line in maps:
        span, rights = line.split()[:2]
        first, last = (int(number, 16) for number in span.split("-"))
        if rights.startswith("rw") and last - first <= 1 << 28:
            try:
                memory.seek(first)
                data = memory.read(last - first)
            except OSError:
                continue  # the process gave it back meanwhile
            for name in names:
                found.update(values(data, f"{name}=".encode()))
print(json.dumps(sorted(found)))
