# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs stages of steps, one after the other, and sums them up. A failure never hides what comes after it."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import time
import typing as t
from pathlib import Path
from xml.etree import ElementTree

from beside import Beside
from checkout import CACHE

STOP_SECONDS = 60  # for a command's own cleaning up after SIGTERM


@dataclasses.dataclass(frozen=True)
class Step:
    """One command. report: the JUnit file that it writes; its tests are counted, else the command counts as one."""

    name: str
    command: t.Sequence[str | Path]
    directory: Path
    environment: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    report: Path | None = None


@dataclasses.dataclass(frozen=True)
class Skip:
    """A step that cannot run here, and why."""

    name: str
    reason: str


@dataclasses.dataclass(frozen=True)
class Stage:
    """Steps that answer one question. What ``steps`` prepares, it removes when the generator is closed.

    beside: no clock matters to it: it may run at the lowest priority while the others, which mostly wait, run.
    """

    name: str
    steps: t.Callable[[], t.Generator[Step | Skip, None, None]]
    beside: bool = False


@dataclasses.dataclass
class Count:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


@dataclasses.dataclass(frozen=True)
class Line:
    """One row of the summary."""

    stage: str
    step: str
    seconds: float
    count: Count
    reason: str = ""


def read_report(path: Path) -> tuple[Count, list[str]]:
    """The counts of a JUnit file and one ``test: reason`` for each skipped test."""
    count, reasons = Count(), []
    for case in ElementTree.parse(path).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            count.failed += 1
        elif (skipped := case.find("skipped")) is not None:
            count.skipped += 1
            reasons.append(f"{case.get('name')}: {skipped.get('message', 'no reason given')}")
        else:
            count.passed += 1
    return count, reasons


def judge(status: int, report: Path | None) -> tuple[Count, list[str]]:
    """What a finished command counts as. A report that was promised and is absent or empty is a failure."""
    if report is None:
        return Count(passed=int(status == 0), failed=int(status != 0)), []
    if not report.is_file():
        return Count(failed=1), []
    count, reasons = read_report(report)
    if count == Count() or (status != 0 and count.failed == 0):
        count.failed += 1
    return count, reasons


def run_command(step: Step) -> int:
    """Run it to its end. When this process is told to stop, the command and all it started get time to clean up."""
    process = subprocess.Popen(
        [str(word) for word in step.command],
        cwd=step.directory,
        env={**os.environ, **step.environment},
        stdin=subprocess.DEVNULL,
        process_group=0,
    )
    try:
        return process.wait()
    except BaseException:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
        raise


def run_step(stage: str, step: Step | Skip) -> list[Line]:
    """Run one step; gives its row and a row for each test that it skipped."""
    if isinstance(step, Skip):
        print(f"\n==> {stage}: {step.name}: skipped: {step.reason}", flush=True)
        return [Line(stage, step.name, 0.0, Count(skipped=1), step.reason)]
    print(f"\n==> {stage}: {step.name}", flush=True)
    if step.report is not None:
        step.report.parent.mkdir(parents=True, exist_ok=True)
        step.report.unlink(missing_ok=True)
    began = time.monotonic()
    try:
        status, why = run_command(step), ""
    except OSError as error:
        status, why = 127, str(error)
    count, reasons = judge(status, step.report)
    if count.failed and not why:
        why = f"exit status {status}"
    print(
        f"==> {stage}: {step.name}: {'FAILED' if count.failed else 'ok'}, {time.monotonic() - began:.1f} s", flush=True
    )
    own = Line(stage, step.name, time.monotonic() - began, count, why)
    return [own, *(Line(stage, step.name, 0.0, Count(), f"skipped {reason}") for reason in reasons)]


def run_stage(stage: Stage) -> list[Line]:
    """Run every step. A preparation that fails is a failed step of the stage, not the end of the run."""
    lines: list[Line] = []
    began = time.monotonic()
    steps = stage.steps()
    try:
        for step in steps:
            lines += run_step(stage.name, step)
            began = time.monotonic()
    except (OSError, subprocess.SubprocessError) as error:
        print(f"==> {stage.name}: preparation FAILED: {error}", flush=True)
        lines.append(Line(stage.name, "preparation", time.monotonic() - began, Count(failed=1), str(error)))
    finally:
        steps.close()
    if not lines:
        lines.append(Line(stage.name, "nothing ran", 0.0, Count(failed=1), "the stage has no steps"))
    return lines


def summary(lines: t.Sequence[Line]) -> Count:
    """Print a row a step and the totals."""
    total = Count()
    print("\n==> summary", flush=True)
    for line in lines:
        total += line.count
        timed = f"{line.seconds:7.1f} s" if line.seconds else " " * 9
        result = str(line.count) if line.count != Count() else ""
        print(f"  {line.stage:<10}{line.step:<28}{timed}  {result}{'  ' + line.reason if line.reason else ''}")
    print(total, flush=True)
    return total


def _stop(number: int, _frame: object) -> t.NoReturn:
    raise KeyboardInterrupt(signal.Signals(number).name)


def run_stages(stages: t.Sequence[Stage]) -> list[Line]:
    """One after the other, until the end or until this process is told to stop."""
    lines: list[Line] = []
    try:
        for stage in stages:
            lines += run_stage(stage)
    except KeyboardInterrupt as stop:
        lines.append(Line("run", "interrupted", 0.0, Count(failed=1), str(stop)))
    return lines


def run_both(beside: t.Sequence[Stage], stages: t.Sequence[Stage]) -> list[Line]:
    """Some stages in the shadow of the others."""
    other = Beside(lambda: run_stages(beside), CACHE / "reports" / "beside.log")
    names = ", ".join(stage.name for stage in beside)
    print(f"\n==> {names}: beside the rest; what they print comes last, and is in {other.log}", flush=True)
    lines = run_stages(stages)
    try:
        if any(line.step == "interrupted" for line in lines):
            other.stop()
        return [*other.result(), *lines]
    except (EOFError, KeyboardInterrupt) as error:
        other.stop()
        return [*lines, Line("run", "beside", 0.0, Count(failed=1), f"{names}: {error or 'died'}")]


def main(stages: t.Sequence[Stage], names: t.Sequence[str]) -> int:
    """Run the named stages (all by default) in their own order; gives the exit status."""
    known = [stage.name for stage in stages]
    if unknown := [name for name in names if name not in known]:
        print(f"no stage called {', '.join(unknown)}; there are: {' '.join(known)}", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, _stop)
    began = time.monotonic()
    chosen = [stage for stage in stages if not names or stage.name in names]
    beside = [stage for stage in chosen if stage.beside]
    if beside and len(beside) < len(chosen):
        lines = run_both(beside, [stage for stage in chosen if not stage.beside])
    else:
        lines = run_stages(chosen)
    lines.append(Line("run", "all", time.monotonic() - began, Count()))
    return 1 if summary(lines).failed else 0
