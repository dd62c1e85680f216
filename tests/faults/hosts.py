# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lab host in the hands of a fault: its power, its cable, its processes, and what its journal said.

By the container engine and not by ssh: a host that is cut off must still be looked at. All hosts of a lab share this
machine's monotonic clock, so that moments of different hosts compare.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shlex
import signal
import subprocess
import time
import typing as t

_ROOT = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
#: The process ids that a pattern finds among the units of one engine.
_FIND = 'for p in $(pgrep -f -- "$1"); do grep -qs "/$2" "/proc/$p/cgroup" && echo "$p"; done; true'


def run(*argv: str, limit_s: float = 60.0) -> str:
    """The output of a command of this machine, as root."""
    done = subprocess.run([*_ROOT, *argv], capture_output=True, text=True, timeout=limit_s, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{shlex.join(argv)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


class Line(t.NamedTuple):
    """A line of a host's journal. at: seconds of the monotonic clock; level: syslog's, 4 is a warning.

    unit: whose line it is; systemd: whether systemd said it about the unit.
    """

    at: float
    host: str
    unit: str
    systemd: bool
    level: int
    text: str


@dataclasses.dataclass(frozen=True)
class Host:
    """interface: the name of its network interface; engine: whose units are looked at."""

    name: str
    interface: str
    engine: str

    def do(self, *argv: str) -> str:
        """The output of a command in the host."""
        return run("docker", "exec", self.name, *argv)

    # power and cable
    def power_off(self) -> None:
        """As when the mains fail: nothing is flushed, nothing says goodbye."""
        run("docker", "kill", self.name)

    def power_on(self) -> None:
        run("docker", "start", self.name)

    def freeze(self, yes: bool) -> None:
        """Stop the host's time and let it go on, as a hypervisor does with a machine it moves."""
        run("docker", "pause" if yes else "unpause", self.name)

    def cable(self, plugged: bool) -> None:
        """Pull or plug the network cable: the other end of the link, so that address and routes stay."""
        number = int(self.do("cat", f"/sys/class/net/{self.interface}/iflink"))
        links = json.loads(run("ip", "-json", "link", "show"))
        name = next(link["ifname"] for link in links if link["ifindex"] == number)
        run("ip", "link", "set", "dev", name, "up" if plugged else "down")

    # processes
    def pids(self, pattern: str, units: str = "") -> list[str]:
        """Processes of the engine's units whose command line matches. units: the beginning of the units' names."""
        return self.do("sh", "-c", _FIND, "find", pattern, units or f"vllm-{self.engine}").split()

    def signal(self, number: signal.Signals, pattern: str, units: str = "") -> None:
        """Send a signal to those processes. Finding none is an error: the fault would be none."""
        pids = self.pids(pattern, units)
        if not pids:
            raise RuntimeError(f"{self.name}: no process of {units or self.engine} matches {pattern}")
        self.do("kill", f"-{number.name[3:]}", *pids)

    def systemctl(self, *arguments: str) -> str:
        return self.do("systemctl", *arguments)

    # what it says
    def status(self) -> dict[str, t.Any]:
        """The guard's status document; empty while there is none."""
        try:
            return dict(json.loads(self.do("cat", f"/run/vllm-guard/{self.engine}.status.json")))
        except (RuntimeError, ValueError):
            return {}

    def journal(self, since: float) -> list[Line]:
        """What the engine's units, its guard, and systemd about them said since a moment of the monotonic clock."""
        wall = time.time() - (time.monotonic() - since)
        unit = f"vllm-{self.engine}*"
        text = self.do("journalctl", "--no-pager", "--output=json", f"--since=@{wall - 1:.0f}", f"--unit={unit}")
        lines = [_line(self.name, json.loads(row)) for row in text.splitlines()]
        return sorted(line for line in lines if line.at >= since)


def _line(host: str, row: t.Mapping[str, t.Any]) -> Line:
    text = row.get("MESSAGE")
    if not isinstance(text, str):  # bytes that are no text
        text = ""
    unit = row.get("UNIT") or row.get("_SYSTEMD_UNIT") or ""
    at = int(row["__MONOTONIC_TIMESTAMP"]) / 1e6
    return Line(at, host, unit, row.get("_PID") == "1", int(row.get("PRIORITY", 6)), text)
