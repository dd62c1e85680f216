# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs stages of steps, one after the other, and sums them up. A failure never hides what comes after it."""

from __future__ import annotations

import dataclasses
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import typing as t
from pathlib import Path
from xml.etree import ElementTree

from beside import Beside
from checkout import CACHE

STOP_SECONDS = 60  # for a command's own cleaning up after SIGTERM
REASON_CHARACTERS = 300  # of a failure, in the summary


#: The line that run_step prints behind a command's output.
_END = re.compile(r"==> .+: (?P<result>ok|FAILED), [0-9.]+ s")


@dataclasses.dataclass(frozen=True)
class Step:
    """One command. report: the JUnit file that it writes; its tests are counted, else the command counts as one.

    quiet: what it prints matters when it fails, and is long.
    """

    name: str
    command: t.Sequence[str | Path]
    directory: Path
    environment: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    report: Path | None = None
    quiet: bool = False


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
    """One row of the summary. last: it belongs to the end, where a reader looks first."""

    stage: str
    step: str
    seconds: float
    count: Count
    reason: str = ""
    last: bool = False


@dataclasses.dataclass
class Report:
    """What a finished command counts as, and one ``test: reason`` for each test that did not pass."""

    count: Count = dataclasses.field(default_factory=Count)
    skipped: list[str] = dataclasses.field(default_factory=list)
    failed: list[str] = dataclasses.field(default_factory=list)


def read_report(path: Path) -> Report:
    """What a JUnit file says."""
    found = Report()
    for case in ElementTree.parse(path).iter("testcase"):
        failures = [part for part in case if part.tag in ("failure", "error")]
        if failures:
            found.count.failed += 1
            why = failures[0].get("message", "").partition("\n")[0][:REASON_CHARACTERS]
            found.failed.append(f"{case.get('classname')}.{case.get('name')}: {why}")
        elif (skipped := case.find("skipped")) is not None:
            found.count.skipped += 1
            found.skipped.append(f"{case.get('name')}: {skipped.get('message', 'no reason given')}")
        else:
            found.count.passed += 1
    return found


def judge(status: int, report: Path | None) -> Report:
    """A report that was promised and is absent or empty is a failure."""
    if report is None:
        return Report(Count(passed=int(status == 0), failed=int(status != 0)))
    if not report.is_file():
        return Report(Count(failed=1))
    found = read_report(report)
    if found.count == Count() or (status != 0 and found.count.failed == 0):
        found.count.failed += 1
    return found


def run_command(step: Step) -> int:
    """Run it to its end. When this process is told to stop, the command and all it started get time to clean up."""
    with tempfile.TemporaryFile() as held:
        process = subprocess.Popen(
            [str(word) for word in step.command],
            cwd=step.directory,
            env={**os.environ, **step.environment},
            stdin=subprocess.DEVNULL,
            stdout=held if step.quiet else None,
            process_group=0,
        )
        try:
            status = process.wait()
        except BaseException:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
            raise
        if status:
            held.seek(0)
            print(held.read().decode(errors="replace"), end="", flush=True)
        return status


def run_step(stage: str, step: Step | Skip) -> list[Line]:
    """Run one step; gives its row and a row for each test that did not pass."""
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
    found, seconds = judge(status, step.report), time.monotonic() - began
    if found.count.failed and not why:
        why = f"exit status {status}"
    print(f"==> {stage}: {step.name}: {'FAILED' if found.count.failed else 'ok'}, {seconds:.1f} s", flush=True)
    lines = [Line(stage, step.name, seconds, found.count, why)]
    lines += [Line(stage, step.name, 0.0, Count(), f"skipped {reason}") for reason in found.skipped]
    return lines + [Line(stage, step.name, 0.0, Count(), f"FAILED {reason}", last=True) for reason in found.failed]


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
    """Print a row a step, the tests that failed, and the totals."""
    total = Count()
    print("\n==> summary", flush=True)
    for line in sorted(lines, key=lambda line: line.last):
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


def without_passed(lines: t.Iterable[str]) -> t.Iterator[str]:
    """What ``run_step`` printed, without the output of commands that passed."""
    held: list[str] = []
    for line in lines:
        end = _END.fullmatch(line)
        if end is None:
            held.append(line)
        else:
            yield from [] if end["result"] == "ok" else held
            yield line
            held = []
    yield from held


def run_both(beside: t.Sequence[Stage], stages: t.Sequence[Stage]) -> list[Line]:
    """Some stages in the shadow of the others."""
    other = Beside(lambda: run_stages(beside), CACHE / "reports" / "beside.log")
    names = ", ".join(stage.name for stage in beside)
    print(f"\n==> {names}: beside the rest; what fails of it comes last, and all of it is in {other.log}", flush=True)
    lines = run_stages(stages)
    try:
        if any(line.step == "interrupted" for line in lines):
            other.stop()
        try:
            return [*other.result(), *lines]
        finally:
            print("\n".join(without_passed(other.log.read_text(errors="replace").splitlines())), flush=True)
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
