# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The runner of `make test` counts truly, goes on after a failure, and cleans up when it is told to stop."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import time

import pytest
import runner
from checkout import ROOT
from runner import Count, Skip, Stage, Step

PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]


def stage(name, *steps):
    def generate():
        yield from steps

    return Stage(name, generate)


def command(tmp_path, name, code, **options):
    return Step(name, [sys.executable, "-c", code], tmp_path, **options)


def pytest_of(tmp_path, text):
    """A step that runs real pytest on this text."""
    (tmp_path / "test_it.py").write_text(text)
    report = tmp_path / "reports" / "it.xml"
    return Step("pytest", [*PYTEST, f"--junitxml={report}", "test_it.py"], tmp_path, report=report)


def run(capfd, *stages, names=()):
    status = runner.main(stages, names)
    return status, capfd.readouterr().out.splitlines()


def test_commands_count_as_one_each_and_a_failure_hides_nothing(tmp_path, capfd):
    bad, good = command(tmp_path, "bad", "exit(3)"), command(tmp_path, "good", "print('seen')")
    status, lines = run(capfd, stage("one", bad), stage("two", good))
    assert status == 1
    assert "seen" in lines
    assert lines[-1] == "1 passed, 1 failed, 0 skipped"
    assert any("one" in line and "exit status 3" in line for line in lines)


def test_what_a_quiet_command_prints_is_told_when_it_fails(tmp_path, capfd):
    steps = [command(tmp_path, str(code), f"print('said {code}'); exit({code})", quiet=True) for code in (0, 5)]
    lines = run(capfd, stage("one", *steps))[1]
    assert ("said 0" in lines, "said 5" in lines) == (False, True)


def test_all_good(tmp_path, capfd):
    status, lines = run(capfd, stage("one", command(tmp_path, "good", "")))
    assert (status, lines[-1]) == (0, "1 passed, 0 failed, 0 skipped")


def test_tests_are_counted_one_by_one_and_skips_keep_their_reason(tmp_path, capfd):
    text = "import pytest\ndef test_a(): pass\ndef test_b(): assert 0\ndef test_c(): pytest.skip('no moon')\n"
    status, lines = run(capfd, stage("one", pytest_of(tmp_path, text)))
    assert (status, lines[-1]) == (1, "1 passed, 1 failed, 1 skipped")
    assert any("test_c" in line and "no moon" in line for line in lines)


@pytest.mark.parametrize(
    "text",
    ["def test_a(): pass\nraise SystemError", "x = 1", "import os\ndef test_a(): os._exit(0)"],
    ids=["import fails", "no tests", "ends without a report"],
)
def test_a_pytest_that_tested_nothing_has_failed(tmp_path, capfd, text):
    status, lines = run(capfd, stage("one", pytest_of(tmp_path, text)))
    assert status == 1
    assert lines[-1].startswith("0 passed, 1 failed")


def test_an_old_report_is_not_read_again(tmp_path, capfd):
    step = pytest_of(tmp_path, "def test_a(): pass\n")
    assert run(capfd, stage("one", step))[0] == 0
    (tmp_path / "test_it.py").write_text("import os; os._exit(0)")
    assert run(capfd, stage("one", step))[0] == 1


def test_a_skipped_step_is_told_with_its_reason(capfd):
    status, lines = run(capfd, stage("one", Skip("core", "no Python for it")))
    assert (status, lines[-1]) == (0, "0 passed, 0 failed, 1 skipped")
    assert any("core" in line and "no Python for it" in line for line in lines[-4:])


def test_a_stage_without_steps_has_failed(capfd):
    assert run(capfd, stage("one"))[0] == 1


def test_a_preparation_that_fails_is_a_failure_of_its_stage(tmp_path, capfd):
    def broken():
        yield command(tmp_path, "never", (tmp_path / "absent").read_text())

    status, lines = run(capfd, Stage("one", broken), stage("two", command(tmp_path, "good", "")))
    assert (status, lines[-1]) == (1, "1 passed, 1 failed, 0 skipped")


def test_a_command_that_is_not_there_has_failed(tmp_path, capfd):
    status, lines = run(capfd, stage("one", Step("gone", [tmp_path / "gone"], tmp_path)))
    assert (status, lines[-1]) == (1, "0 passed, 1 failed, 0 skipped")


def beside(name, *steps):
    return dataclasses.replace(stage(name, *steps), beside=True)


def test_a_stage_beside_runs_at_the_same_time_with_the_lowest_priority_and_is_counted(tmp_path, capfd, monkeypatch):
    monkeypatch.setattr(runner, "CACHE", tmp_path)
    meet = "import os, time; from pathlib import Path\nPath('{0}').touch()\nend = time.monotonic() + 20\n"
    meet += "while not Path('{1}').exists(): assert time.monotonic() < end; time.sleep(0.02)\nprint('{0}', os.nice(0))"
    first, second = (command(tmp_path, name, meet.format(*names)) for name, names in (("x", "ab"), ("y", "ba")))
    status, lines = run(capfd, beside("slow", first, command(tmp_path, "bad", "exit(3)")), stage("quick", second))
    assert (status, lines[-1]) == (1, "2 passed, 1 failed, 0 skipped")
    assert f"b {os.nice(0)}" in lines
    assert "a 19" in (tmp_path / "reports" / "beside.log").read_text().splitlines()
    assert any("slow" in line and "exit status 3" in line for line in lines)


def test_of_what_ran_beside_only_failures_are_printed_and_they_come_last(tmp_path, capfd, monkeypatch):
    monkeypatch.setattr(runner, "CACHE", tmp_path)
    good, bad = command(tmp_path, "good", "print('fine')"), command(tmp_path, "bad", "print('why'); exit(3)")
    status, lines = run(capfd, beside("slow", good, bad), stage("quick", command(tmp_path, "quick", "print('first')")))
    assert status == 1
    assert "fine" not in lines
    assert lines.index("why") > lines.index("first")


def test_failed_tests_stand_right_before_the_totals_with_what_they_found(tmp_path, capfd):
    text = "def test_a(): pass\ndef test_b(): assert 'moon' == 'cheese'\n"
    lines = run(capfd, stage("one", pytest_of(tmp_path, text)), stage("two", command(tmp_path, "good", "")))[1]
    assert "FAILED test_it.test_b: AssertionError: assert 'moon' == 'cheese'" in lines[-2]


def test_stages_beside_alone_run_as_others_do(tmp_path, capfd):
    good = command(tmp_path, "good", "import os; print('at', os.nice(0))")
    assert f"at {os.nice(0)}" in run(capfd, beside("one", good))[1]


def test_what_runs_beside_and_dies_has_failed(tmp_path, capfd, monkeypatch):
    monkeypatch.setattr(runner, "CACHE", tmp_path)

    def steps():
        os.kill(os.getpid(), signal.SIGKILL)
        yield

    both = [Stage("one", steps, beside=True), stage("two", command(tmp_path, "good", ""))]
    status, lines = run(capfd, *both)
    assert (status, lines[-1]) == (1, "1 passed, 1 failed, 0 skipped")


def test_only_the_named_stages_run_and_an_unknown_name_runs_none(tmp_path, capfd):
    stages = [stage(name, command(tmp_path, name, "")) for name in ("one", "two")]
    assert run(capfd, *stages, names=["two"])[1][-1] == "1 passed, 0 failed, 0 skipped"
    assert runner.main(stages, ["two", "tow"]) == 2
    out = capfd.readouterr()
    assert (out.out, out.err) == ("", "no stage called tow; there are: one two\n")


def test_a_stage_cleans_up_after_a_failure(tmp_path, capfd):
    cleaned = []

    def steps():
        try:
            yield command(tmp_path, "bad", "exit(1)")
        finally:
            cleaned.append(True)

    assert run(capfd, Stage("one", steps))[0] == 1
    assert cleaned == [True]


STOPPED = """
import sys, time, runner
from pathlib import Path
here = Path(sys.argv[1])
CHILD = '''
import signal, sys, time
from pathlib import Path
def stop(*_): Path("child-cleaned").touch(); sys.exit(1)
signal.signal(signal.SIGTERM, stop)
Path("ready").touch()
time.sleep(60)
'''
def steps():
    try:
        yield runner.Step("long", [sys.executable, "-c", CHILD], here)
    finally:
        (here / "stage-cleaned").touch()
def wait():
    yield runner.Step("wait", ["sleep", "60"], here)
runner.CACHE = here
besides = sys.argv[2] == "beside"
others = [runner.Stage("two", wait)] if besides else []
sys.exit(runner.main([runner.Stage("one", steps, beside=besides), *others], []))
"""


@pytest.mark.parametrize("place", ["alone", "beside"])
def test_when_told_to_stop_it_stops_the_command_and_cleans_up(tmp_path, place):
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests" / "run")}
    process = subprocess.Popen(
        [sys.executable, "-c", STOPPED, tmp_path, place], env=environment, stdout=subprocess.PIPE, text=True
    )
    end = time.monotonic() + 30
    while not (tmp_path / "ready").exists() and time.monotonic() < end:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    out = process.communicate(timeout=30)[0]
    assert process.returncode == 1
    assert out.splitlines()[-1].startswith("0 passed, ")
    assert (tmp_path / "child-cleaned").exists()
    assert (tmp_path / "stage-cleaned").exists()


def test_counts_add_up():
    assert Count(1, 2, 3) + Count(1, 1, 1) == Count(2, 3, 4)
