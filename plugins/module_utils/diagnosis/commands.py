# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What systemd and its journal say of units, by one command each."""

from __future__ import annotations

from typing import Any, Protocol

from . import journal, systemd

_JOURNAL_LINES = 2000


class Host(Protocol):
    """What is needed of AnsibleModule."""

    def get_bin_path(self, arg: str, required: bool = ...) -> Any: ...

    def run_command(self, args: list[str], check_rc: bool = ...) -> Any: ...

    def fail_json(self, msg: str) -> Any: ...


def read_units(host: Host, names: list[str]) -> dict[str, systemd.UnitState]:
    """The states of all named units, by one command. Fails the module where systemd tells of others."""
    if not names:
        return {}
    systemctl = host.get_bin_path("systemctl", required=True)
    command = [systemctl, "show", "--property=" + ",".join(systemd.PROPERTIES), "--", *names]
    states = systemd.unit_states(host.run_command(command, check_rc=True)[1])
    if len(states) != len(names):
        host.fail_json(msg=f"systemctl show told of {len(states)} units, not of {', '.join(names)}")
    return dict(zip(names, states))


def read_journal(host: Host, unit: str) -> list[journal.Attempt]:
    """The unit's last lines as start attempts ([] when the journal cannot be read)."""
    journalctl = host.get_bin_path("journalctl")
    if journalctl is None:
        return []
    command = [journalctl, "--unit=" + unit, "--output=json", "--output-fields=" + ",".join(journal.FIELDS)]
    command += [f"--lines={_JOURNAL_LINES}", "--no-pager", "--quiet", "--all"]
    rc, output = host.run_command(command)[:2]
    return journal.attempts(journal.from_json(output)) if rc == 0 else []
