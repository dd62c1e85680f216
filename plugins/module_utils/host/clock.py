# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who keeps a host's clock right, and what is to be done where nobody does."""

from __future__ import annotations

import re
import typing as t

from .errors import HostError

#: Units by the daemon that they run; the first that is there is taken. Debian's and Red Hat's names.
UNITS = {
    "chrony.service": "chrony",
    "chronyd.service": "chrony",
    "systemd-timesyncd.service": "timesyncd",
    "ntpsec.service": "ntpsec",
    "ntpd.service": "ntpd",
    "ntp.service": "ntpd",
    "openntpd.service": "openntpd",
    "ptp4l.service": "ptp4l",
    "phc2sys.service": "phc2sys",
}
_SERVER = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:-]*")
NONE, START, INSTALL = "none", "start", "install"
#: Where servers are named, by daemon and family; a file of our own but for Red Hat's chrony, which reads one alone.
_FILES = {
    ("chrony", "debian"): ("/etc/chrony/sources.d/vllm.sources", "lines"),
    ("chrony", "redhat"): ("/etc/chrony.conf", "block"),
    ("timesyncd", "debian"): ("/etc/systemd/timesyncd.conf.d/vllm.conf", "section"),
    ("timesyncd", "redhat"): ("/etc/systemd/timesyncd.conf.d/vllm.conf", "section"),
}


def decide(
    states: t.Mapping[str, t.Mapping[str, str]], is_container: bool, family: str, servers: t.Sequence[str] = ()
) -> dict[str, t.Any]:
    """states: what systemctl shows of UNITS. servers: that a person wrote. Raises HostError for one that is none.

    action: NONE, START or INSTALL. daemon, unit: who keeps the clock, or is to. file, form, text: where and how its
    servers are named; None where we name none. why: in words.
    """
    for index, server in enumerate(servers):
        if not _SERVER.fullmatch(server):
            rule = "is no name and no address of a server"
            raise HostError(f"vllm_time_servers[{index}]", server, rule, "write ntp.example.org, or an address")
    there = {unit: daemon for unit, daemon in UNITS.items() if states.get(unit, {}).get("FragmentPath")}
    running = [unit for unit in there if states[unit].get("ActiveState") == "active"]
    action, daemon, unit = NONE, None, None
    if is_container:
        why = "a container has its machine's clock"
    elif running:
        unit, daemon, why = running[0], there[running[0]], f"{running[0]} keeps the clock"
    elif there:
        action, unit = START, next(iter(there))
        daemon, why = there[unit], f"{unit} is on the host and does not run"
    else:
        action, daemon, why = INSTALL, "chrony", "nothing keeps the clock"
        unit = "chrony.service" if family == "debian" else "chronyd.service"
    file, form = _FILES.get((daemon or "", family), (None, None))
    text = _text(servers, form) if form and servers else None
    return {"action": action, "daemon": daemon, "unit": unit, "file": file, "form": form, "text": text, "why": why}


def _text(servers: t.Sequence[str], form: str) -> str:
    if form == "section":
        return f"# Written by vllm.cluster (docs/hosts.md).\n[Time]\nNTP={' '.join(servers)}\n"
    return "".join(f"server {server} iburst\n" for server in servers)
