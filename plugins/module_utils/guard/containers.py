# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Units that run containers: all but Docker's client is in the control group of the container, not of the unit."""

from __future__ import annotations

import contextlib
import subprocess  # the guard is a program of its own, no module
import threading

from . import ranks

#: A Docker that is busy or hangs must not keep systemd from being asked, nor from killing.
_TIMEOUT_S = 10.0


def name(unit: str) -> str:
    """The container of a unit, as the plan names it: ``vllm-r1-0.service`` runs ``vllm-r1-0``."""
    return unit[: -len(".service")]


def group_of(text: str) -> str:
    """The control group in ``/proc/<pid>/cgroup``: systemd's own hierarchy, else that of version 2; "" without one."""
    found = {line.split(":", 2)[1]: line.split(":", 2)[2] for line in text.splitlines() if line.count(":") > 1}
    return found.get("name=systemd") or found.get("") or ""


def kill(units: tuple[str, ...], program: str = "docker", timeout_s: float = _TIMEOUT_S) -> None:
    """SIGKILL for every process of the units' containers. None, or no answer, is no error: systemd kills then."""
    for unit in units:
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(  # noqa: S603
                [program, "kill", name(unit)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=timeout_s,
                check=False,
            )


class Groups:
    """Where the containers' control groups are. Docker is asked once an invocation of a unit, in a thread."""

    def __init__(self, program: str = "docker", proc: str = "/proc", roots: tuple[str, ...] = ranks.ROOTS) -> None:
        self._program, self._proc, self._roots = program, proc, roots
        self._known: dict[str, tuple[str, str]] = {}
        self._asked: set[str] = set()

    def of(self, unit: str, invocation: str) -> str:
        """The control group of what the unit runs now; "" until it is known."""
        known_invocation, group = self._known.get(unit, ("", ""))
        if known_invocation == invocation and ranks.exists(group, self._roots):
            return group
        if unit not in self._asked:
            self._asked.add(unit)
            threading.Thread(target=self._ask, args=(unit, invocation), daemon=True).start()
        return ""

    def _ask(self, unit: str, invocation: str) -> None:
        try:
            with contextlib.suppress(OSError, subprocess.SubprocessError):
                pid = subprocess.run(  # noqa: S603
                    [self._program, "inspect", "--type=container", "--format={{.State.Pid}}", name(unit)],
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    timeout=_TIMEOUT_S,
                    check=True,
                ).stdout.strip()
                with open(f"{self._proc}/{int(pid)}/cgroup", encoding="utf-8") as file:
                    self._known[unit] = invocation, group_of(file.read())
        except ValueError:
            pass  # Docker answered with no number
        finally:
            self._asked.discard(unit)
