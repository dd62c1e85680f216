# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``systemctl show`` as unit states, and what systemd itself says about a failed start."""

from __future__ import annotations

import re
from typing import NamedTuple

#: What ``systemctl show --property`` has to give for unit_states.
PROPERTIES = (
    "Id",
    "LoadState",
    "ActiveState",
    "SubState",
    "Result",
    "NRestarts",
    "MainPID",
    "InvocationID",
    "ControlGroup",
    "ExecMainStartTimestampMonotonic",
)


class UnitState(NamedTuple):
    """One unit. ``pid``: 0 when there is no process; ``started_us``: of the main process, on the monotonic clock."""

    name: str
    load: str
    active: str
    sub: str
    result: str
    restarts: int
    pid: int
    invocation: str
    control_group: str
    started_us: int

    @property
    def running(self) -> bool:
        return self.active in ("active", "reloading")

    def explain(self) -> str:
        """Why the unit does not run, in a few words."""
        if self.load == "not-found":
            return "there is no such unit"
        if self.load not in ("loaded", ""):
            return f"the unit file cannot be used ({self.load})"
        if self.sub == "auto-restart":
            return f"it ended ({self.result}) and waits to be restarted, {_times(self.restarts)}"
        return f"it is {self.active} ({self.sub}), result {self.result}, {_times(self.restarts)}"


class SystemdFailure(NamedTuple):
    """A failure that systemd tells by itself; see reasons.Reason for the fields."""

    code: str
    summary: str
    fix: str
    permanent: bool


_ENVIRONMENT = "let the python_env role make the environment again, and compare the unit's ExecStart with it"

# Exit statuses above 199 are systemd's own: it could not set the process up (systemd.exec(5), "Process Exit Codes").
_EXEC = {
    "CHDIR": ("the unit's WorkingDirectory cannot be entered", "make the directory, open to the unit's user"),
    "EXEC": ("systemd cannot run the unit's program", _ENVIRONMENT),
    "GROUP": ("the unit's group does not exist", "make the group, or correct the unit"),
    "LIMITS": ("a resource limit of the unit cannot be set", "lower the unit's limits to what the host allows"),
    "NAMESPACE": ("a path that the unit names does not exist", "make the path, or correct the unit"),
    "OOM_ADJUST": ("the unit's OOMScoreAdjust cannot be set", "correct the unit"),
    "STDOUT": ("the unit's output cannot be opened", "correct the unit's StandardOutput"),
    "USER": ("the unit's user does not exist", "make the user, or correct the unit"),
}

# Signal: what it means, what to do, whether starting again cannot help.
_SIGNALS = {
    "BUS": (
        "it touched memory that is not there (SIGBUS), most often because the shared memory is too small",
        "give the container --ipc=host or a larger --shm-size, or enlarge the host's shared memory",
        False,
    ),
    "ILL": (
        "it used an instruction that this processor does not have (SIGILL)",
        "take the build made for this processor (the CPU build needs AVX2)",
        True,
    ),
    "KILL": (
        "it was killed (SIGKILL): from outside, or by the kernel for lack of memory",
        "look for the kernel's memory killer: journalctl -k --grep 'Out of memory'",
        False,
    ),
    "SEGV": ("it crashed (SIGSEGV)", "see its last lines; a crash at the same place again is the build's fault", False),
    "ABRT": ("it aborted (SIGABRT)", "see its last lines", False),
}

_PROCESS = re.compile(r"Main process exited, code=(?P<code>\w+), status=(?P<status>\d+)(?:/(?P<name>\w+))?")
_OOM = re.compile(r"killed by the OOM killer|Failed with result 'oom-kill'")


def unit_states(output: str) -> list[UnitState]:
    """``systemctl show --property=... unit...`` to states, in the order of the command line (one block a unit)."""
    states = []
    for block in output.strip().split("\n\n"):
        values = dict(row.split("=", 1) for row in block.splitlines() if "=" in row)
        states.append(
            UnitState(
                name=values.get("Id", ""),
                load=values.get("LoadState", ""),
                active=values.get("ActiveState", ""),
                sub=values.get("SubState", ""),
                result=values.get("Result", ""),
                restarts=_number(values.get("NRestarts")),
                pid=_number(values.get("MainPID")),
                invocation=values.get("InvocationID", ""),
                control_group=values.get("ControlGroup", ""),
                started_us=_number(values.get("ExecMainStartTimestampMonotonic")),
            )
        )
    return states


def setup_failure(text: str) -> SystemdFailure | None:
    """A line of systemd's that tells the cause by itself: nothing that the program logged can know better."""
    if _OOM.search(text):
        return SystemdFailure(
            "host_out_of_memory",
            "the kernel killed it: the host (or the unit's MemoryMax) has not enough memory",
            "free memory on the host, raise MemoryMax, or take a smaller model",
            False,
        )
    if "Failed to load environment files" in text:
        return SystemdFailure("unit_setup", "the unit's environment file is missing", "let site.yml write it", True)
    match = _PROCESS.search(text)
    if match and match.group("code") == "exited" and match.group("name") in _EXEC:
        summary, fix = _EXEC[match.group("name")]
        return SystemdFailure("unit_setup", f"{summary} ({match.group('status')})", fix, True)
    return None


def process_end(text: str) -> SystemdFailure | None:
    """How the main process ended, for when its own lines say nothing: a signal or an exit status."""
    match = _PROCESS.search(text)
    if match is None:
        return None
    name = match.group("name") or ""
    if match.group("code") in ("killed", "dumped"):
        summary, fix, permanent = _SIGNALS.get(name, (f"it was ended by SIG{name}", "see its last lines", False))
        return SystemdFailure("killed", summary, fix, permanent)
    return SystemdFailure("exited", f"it ended with status {match.group('status')}", "see its last lines", False)


def _times(restarts: int) -> str:
    return f"restarted {restarts} time{'' if restarts == 1 else 's'}"


def _number(text: str | None) -> int:
    return int(text) if text and text.isdigit() else 0
