# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guard as a program: the loop around the decisions."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import sys
import threading
import time
from typing import Any

from . import containers, report, settings, systemd
from .files import Files
from .model import Action, Ask, Kill, Restart, Say, Unit
from .settings import Settings, SettingsError
from .tasks import Task, Waker

_TICK_S = 1.0
#: systemctl's answer is waited for so long before a tick goes on without it.
_UNITS_S = 0.5
_REPORT_S = 5.0
_USAGE = f"usage: vllm-guard run|check [--config FILE]; without a file {settings.VARIABLE} holds the configuration"


def _program() -> tuple[int, int] | None:
    """What tells the program's file from one that took its place; None while there is none."""
    try:
        status = os.stat(sys.argv[0])
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns


class Guard:
    """What head and worker have in common: ticks, units, orders, files, signals. A role adds links and decisions."""

    def __init__(self, config: Settings) -> None:
        self.config = config
        self.secret = settings.secret(config.secret_file)
        self.selector: selectors.BaseSelector = selectors.DefaultSelector()
        self.waker = Waker()
        self.notifier = systemd.Notifier()
        self.files = Files(config.state_dir, config.engine, config.role, config.member)
        self.deeds = report.Deeds()
        self._show: Task[tuple[Unit, ...]] = Task(self.waker)
        self._containers = containers.Groups() if config.containers else None
        self._mute: dict[str, float] = {}
        self._reported = float("-inf")
        self._told: tuple[Any, ...] = ()
        self._stop = False
        self._began_as = _program()
        self.outdated = False

    # a role's part
    def restore(self, document: Any, now: float) -> None:
        """Take the state over from an earlier guard. Raises ValueError."""
        raise NotImplementedError

    def tend(self, now: float) -> None:
        """Keep the links up."""
        raise NotImplementedError

    def decide(self, units: tuple[Unit, ...] | None, now: float) -> list[Action]:
        """One tick of the role's decisions."""
        raise NotImplementedError

    def kept(self) -> dict[str, Any]:
        """What the next guard shall know."""
        raise NotImplementedError

    def shown(self) -> Any:
        """The state, for the report."""
        raise NotImplementedError

    def leave(self) -> None:
        """Close the links."""
        raise NotImplementedError

    def run(self) -> None:
        """Guard until SIGTERM or SIGINT."""
        self.selector.register(self.waker.reader, selectors.EVENT_READ, lambda _now: self.waker.drain())
        signal.set_wakeup_fd(self.waker.writer.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        self._recall()
        self.notifier.say("READY=1")
        tick = deadline = time.monotonic()
        waits = False
        while not self._stop:
            now = time.monotonic()
            if not waits and now >= tick:
                waits, deadline = True, now + _UNITS_S
                # After a time in which nothing ran, ticks that were missed are not made up for.
                tick = max(tick + _TICK_S, now + _TICK_S / 2)
                if not self._show.busy:
                    self._show.start(self._look)
            if waits and (self._show.done or now >= deadline):
                waits = False
                self._tick(now)
            for key, _events in self.selector.select(max(0.0, (deadline if waits else tick) - time.monotonic())):
                key.data(time.monotonic())
        if not self.outdated:
            self.notifier.say("STOPPING=1")
        self.leave()

    def say(self, text: str, warning: bool = False, again_s: float = 0.0) -> None:
        """A line for the journal; the same again only after ``again_s``."""
        now = time.monotonic()
        if again_s and now - self._mute.get(text, float("-inf")) < again_s:
            return
        if again_s:
            self._mute[text] = now
        # systemd reads the level from the line's head.
        level = ("<4>" if warning else "<5>") if "JOURNAL_STREAM" in os.environ else ""
        sys.stdout.write(f"{level}{text}\n")
        sys.stdout.flush()

    def _on_signal(self, _number: int, _frame: Any) -> None:
        self._stop = True

    def _recall(self) -> None:
        try:
            document = self.files.record()
            if document is not None:
                self.deeds = report.restored_deeds(document["deeds"])
                self.restore(document["decisions"], time.monotonic())
        except (ValueError, KeyError, TypeError) as error:
            self.say(f"the record of an earlier guard is damaged and not used: {error}", warning=True)

    def _tick(self, now: float) -> None:
        units: tuple[Unit, ...] | None = None
        try:
            units = self._show.take()
        except systemd.NoAnswer as error:
            self.say(str(error), warning=True, again_s=60.0)
        self.tend(now)
        actions = self.decide(units, now)
        for action in actions:
            self._act(action)
        self.files.keep({"decisions": self.kept(), "deeds": vars(self.deeds)})
        status = report.status(self.config, self.shown(), self.deeds, now, time.time())
        told = (status["phase"], status["epoch"], status.get("suspect"))
        if actions or told != self._told or now - self._reported >= _REPORT_S:
            self._reported, self._told = now, told
            self.files.status(status)
            self.files.metrics(report.metrics(self.config, self.shown(), self.deeds))
        if self.files.fault:
            self.say(self.files.fault, warning=True, again_s=600.0)
        if _program() not in (self._began_as, None):
            self.say("the program was replaced: going on with the new one")
            self.outdated = self._stop = True
        self.notifier.alive(now)

    def _act(self, action: Action) -> None:
        if isinstance(action, Say):
            self.say(action.text, action.warning)
        elif isinstance(action, Restart):
            self.say(action.text, warning=True)
            self.deeds.count(action.reason, action.text, time.time())
            threading.Thread(target=self._restart, daemon=True).start()
        elif isinstance(action, Kill):
            self.say(action.text, warning=True)
            threading.Thread(target=self._kill, daemon=True).start()
        elif isinstance(action, Ask):
            self.ask()

    def ask(self) -> None:
        """Send a canary. Only a head is told to."""
        raise NotImplementedError

    def _look(self) -> tuple[Unit, ...]:
        return systemd.show(self.config.units, time.monotonic(), containers=self._containers)

    def _kill(self) -> None:
        if self._containers is not None:  # first: once Docker's client is gone, nothing ends what it ran
            containers.kill(self.config.units)
        systemd.kill(self.config.units)

    def _restart(self) -> None:
        for pause in (1.0, 3.0, 10.0, None):
            try:
                systemd.restart(self.config.units)
                return
            except systemd.NoAnswer as error:
                self.say(f"the restart was not taken: {error}", warning=True)
            if pause is not None:
                time.sleep(pause)


def main(argv: list[str]) -> int:
    """``run`` guards; ``check`` says whether the configuration can be used. 78: it cannot."""
    environment = dict(os.environ)  # before the notifier takes its part out
    path = argv[2] if len(argv) == 3 and argv[1] == "--config" else None
    if argv[:1] not in (["run"], ["check"]) or len(argv) != (1 if path is None else 3):
        sys.stderr.write(f"{_USAGE}\n")
        return 64
    try:
        config = settings.found(os.environ, path)
        settings.secret(config.secret_file)
    except SettingsError as error:
        sys.stderr.write(f"configuration: {error}\n")
        return 78
    if argv[0] == "check":
        sys.stdout.write(
            f"{config.role} of engine {config.engine}: {len(config.units)} units, member {config.member}\n"
        )
        return 0
    # Each role's parts are loaded alone: a worker needs no HTTP.
    guard: Guard
    if config.role == "head":
        from .head_program import HeadGuard

        guard = HeadGuard(config)
    else:
        from .worker_program import WorkerGuard

        guard = WorkerGuard(config)
    with contextlib.suppress(KeyboardInterrupt):
        guard.run()
    if guard.outdated:
        # The same process goes on as the new program: an upgrade needs no restart of the unit.
        os.execve(sys.executable, [sys.executable, "-I", *sys.argv], environment)  # noqa: S606 - no shell is wanted
    return 0
