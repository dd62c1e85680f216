# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""systemctl: what the units do, and the two orders that the guard gives. And the guard's own word to systemd."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess  # the guard is a program of its own, no module

from . import ranks
from .containers import Groups
from .model import DEAD, DOWN, STOPPING, UP, Unit

_PROPERTIES = "Id,LoadState,InvocationID,ActiveState,SubState,MainPID,ActiveEnterTimestampMonotonic,ControlGroup,Job"
#: systemctl answers in milliseconds; a busy systemd (daemon-reload with many units) in seconds.
_TIMEOUT_S = 10.0
_DATAGRAM = socket.SOCK_DGRAM | socket.SOCK_NONBLOCK


class NoAnswer(Exception):
    """systemctl gave no answer that can be used; the text says why."""


def show(
    units: tuple[str, ...], now: float, program: str = "systemctl", containers: Groups | None = None
) -> tuple[Unit, ...]:
    """The units' states by one call. now: this host's monotonic clock, which systemd's stamps count too.

    containers: of units that run containers, where their processes are; None: in the units' own control groups.
    """
    text = _run([program, "show", "--property=" + _PROPERTIES, "--", *units])
    return parse(text, units, now, containers)


def parse(text: str, units: tuple[str, ...], now: float, containers: Groups | None = None) -> tuple[Unit, ...]:
    """The blocks that ``systemctl show`` prints, one a unit in the order they were asked for."""
    blocks = [block for block in text.split("\n\n") if block.strip()]
    if len(blocks) != len(units):
        raise NoAnswer(f"systemctl showed {len(blocks)} units of {len(units)}")
    shown = [dict(line.partition("=")[::2] for line in block.splitlines()) for block in blocks]
    return tuple(_unit(name, block, now, containers) for name, block in zip(units, shown))


def _unit(name: str, shown: dict[str, str], now: float, containers: Groups | None) -> Unit:
    state = _state(shown)
    entered = shown.get("ActiveEnterTimestampMonotonic", "")
    running = shown.get("ActiveState") in ("active", "reloading") and entered.isdigit() and int(entered) > 0
    age = max(0.0, now - int(entered) / 1e6) if running else 0.0
    invocation, group = shown.get("InvocationID", ""), shown.get("ControlGroup", "")
    if containers is not None:
        # While it starts, a container of its name may be one that the unit is about to remove.
        group = containers.of(name, invocation) if running and state == UP else ""
    found = ranks.running(group) if state == UP else frozenset()
    return Unit(invocation, state, age, found)


def _state(shown: dict[str, str]) -> str:
    active, sub = shown.get("ActiveState", ""), shown.get("SubState", "")
    if shown.get("LoadState") == "not-found":
        return DOWN
    if active == "deactivating":
        return STOPPING
    # Newer systemd queues the restart in a state of its own.
    if sub.startswith("auto-restart") or sub in ("dead-before-auto-restart", "failed-before-auto-restart"):
        return DEAD
    if active in ("active", "reloading"):
        # A unit whose process is gone while systemd still calls it active: it is about to notice.
        return UP if shown.get("MainPID", "0") != "0" else DEAD
    if active == "activating":
        return UP
    # In a restart of several units the first to be down waits for the others: its start is a job of systemd's.
    return STOPPING if shown.get("Job", "0") not in ("", "0") else DOWN


def restart(units: tuple[str, ...], program: str = "systemctl") -> None:
    """Restart those that run or are about to; one that somebody stopped stays stopped. Does not wait."""
    _run([program, "--no-block", "try-restart", "--", *units])


def kill(units: tuple[str, ...], program: str = "systemctl") -> None:
    """SIGKILL for every process of the units. A unit without any is no error."""
    for unit in units:
        with contextlib.suppress(NoAnswer):
            _run([program, "kill", "--signal=SIGKILL", "--", unit])


def shuts_down(program: str = "systemctl") -> bool:
    """Whether the host is going down. False when nobody says so."""
    try:
        # Exit status 1 for every state but "running": the text counts.
        done = subprocess.run(  # noqa: S603
            [program, "is-system-running"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=1.0, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.stdout.strip() == b"stopping"


def _run(argv: list[str]) -> str:
    try:
        done = subprocess.run(  # noqa: S603
            argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise NoAnswer(f"{argv[0]} gave no answer within {_TIMEOUT_S:g} s") from None
    except OSError as error:
        raise NoAnswer(f"{argv[0]}: {error.strerror}") from None
    if done.returncode != 0:
        lines = done.stderr.decode(errors="replace").split("\n")
        raise NoAnswer(f"systemctl ended with {done.returncode}: {lines[0][:200]}")
    return done.stdout.decode(errors="replace")


class Notifier:
    """The guard's word to systemd (sd_notify): ready, alive, stopping. Silent where systemd did not start it."""

    def __init__(self) -> None:
        self._address = os.environ.pop("NOTIFY_SOCKET", "")
        try:
            self._every = int(os.environ.pop("WATCHDOG_USEC", "0")) / 2e6
        except ValueError:
            self._every = 0.0
        self._last = float("-inf")

    def say(self, text: str) -> None:
        """Send ``READY=1`` or the like."""
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        # A systemd that is too busy to read must not stop the heartbeats: the word is dropped then.
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, _DATAGRAM) as sender:
            sender.sendto(text.encode(), address)

    def alive(self, now: float) -> None:
        """Feed the watchdog, as often as it asked for."""
        if self._every and now - self._last >= min(self._every, 1.0):
            self._last = now
            self.say("WATCHDOG=1")
