# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's own units of a host, as they run now."""

from __future__ import annotations

import typing as t

from .commands import Commands
from .files import Files

_PROPERTIES = ("Id", "ActiveState", "SubState", "UnitFileState", "MainPID")
#: Of the variables of a process, which may hold secrets, no others are looked at.
_VARIABLES = {"address": "VLLM_HOST_IP", "interface": "GLOO_SOCKET_IFNAME"}


def read_units(files: Files, commands: Commands) -> dict[str, dict[str, t.Any]] | None:
    """By name state, substate, enabled, and of a unit that runs address and interface; None without systemd.

    address, interface: with which its process was started, None where its variables name none.
    """
    systemctl = commands.find("systemctl") if files.exists("/run/systemd/system") else None
    if systemctl is None:
        return None
    answer = commands.run(systemctl, "show", "--property", ",".join(_PROPERTIES), "--", "vllm-*.service")
    if not answer.ok:
        return None
    found = {}
    for block in answer.out.strip().split("\n\n"):
        unit = dict(line.partition("=")[::2] for line in block.splitlines())
        if unit.get("Id"):
            found[unit["Id"]] = {
                "state": unit.get("ActiveState"),
                "substate": unit.get("SubState"),
                "enabled": unit.get("UnitFileState") == "enabled",
                **_network(files, unit.get("MainPID") or "0"),
            }
    return found


def _network(files: Files, pid: str) -> dict[str, str | None]:
    text = files.text(f"/proc/{pid}/environ") if pid != "0" else ""
    variables = dict(word.partition("=")[::2] for word in text.split("\0"))
    return {key: variables.get(name) for key, name in _VARIABLES.items()}
