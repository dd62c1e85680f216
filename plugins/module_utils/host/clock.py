# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who keeps a host's clock right, and what is to be done where nobody does."""

from __future__ import annotations

import typing as t

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
NONE, START, INSTALL = "none", "start", "install"
#: Where servers are named, by daemon and family; a file of our own but for Red Hat's chrony, which reads one alone.
_FILES = {
    ("chrony", "debian"): ("/etc/chrony/sources.d/vllm.sources", "lines"),
    ("chrony", "redhat"): ("/etc/chrony.conf", "block"),
    ("timesyncd", "debian"): ("/etc/systemd/timesyncd.conf.d/vllm.conf", "section"),
    ("timesyncd", "redhat"): ("/etc/systemd/timesyncd.conf.d/vllm.conf", "section"),
}


def decide(states: t.Mapping[str, t.Mapping[str, str]], is_container: bool, family: str) -> dict[str, t.Any]:
    """states: what systemctl shows of UNITS.

    action: NONE, START or INSTALL. daemon, unit: who keeps the clock, or is to. file, form: where its servers are named;
    None where we name none. why: in words.
    """
    there = {unit: daemon for unit, daemon in UNITS.items() if states.get(unit, {}).get("FragmentPath")}
    running = [unit for unit in there if states[unit].get("ActiveState") == "active"]
    if is_container:
        return _answer(NONE, None, None, family, "a container has its machine's clock")
    if running:
        return _answer(NONE, there[running[0]], running[0], family, f"{running[0]} keeps the clock")
    if there:
        unit = next(iter(there))
        return _answer(START, there[unit], unit, family, f"{unit} is on the host and does not run")
    unit = "chrony.service" if family == "debian" else "chronyd.service"
    return _answer(INSTALL, "chrony", unit, family, "nothing keeps the clock")


def _answer(action: str, daemon: str | None, unit: str | None, family: str, why: str) -> dict[str, t.Any]:
    file, form = _FILES.get((daemon or "", family), (None, None))
    return {"action": action, "daemon": daemon, "unit": unit, "file": file, "form": form, "why": why}


def servers(names: t.Sequence[str], form: str) -> str:
    """The text that names time servers, in a form of _FILES."""
    if form == "section":
        return f"# Written by vllm.cluster (docs/hosts.md).\n[Time]\nNTP={' '.join(names)}\n"
    return "".join(f"server {name} iburst\n" for name in names)
