# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Environments made by the real uv from wheels made on the spot; no network."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.environments.builder import Builder
from ansible_collections.vllm.cluster.plugins.module_utils.environments.state import Environment, EnvironmentFailure
from ansible_collections.vllm.cluster.plugins.module_utils.environments.uv import Settings


class Killed(BaseException):
    """The process dies here: nothing after it runs."""


class Host:
    """Runs commands for real and keeps their arguments. ``instead`` may answer for a command, or die."""

    def __init__(self):
        self.calls = []
        self.instead = None

    def run(self, argv, variables):
        self.calls.append(argv)
        answer = self.instead(argv, variables) if self.instead else None
        return answer or self.really(argv, variables)

    def really(self, argv, variables):
        environment = {**os.environ, **variables}
        done = subprocess.run(argv, check=False, env=environment, capture_output=True, text=True, timeout=120)
        return done.returncode, done.stdout, done.stderr


@pytest.fixture
def host():
    return Host()


@pytest.fixture
def builder(host, uv, wheels, tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    settings = Settings(index_url=wheels.index_url, find_links=(str(wheels.links),), cache_dir=str(tmp_path / "cache"))
    return Builder(host.run, settings, uv, scratch, 60)


@pytest.fixture
def item(tmp_path):
    return {
        "name": "e",
        "path": str(tmp_path / "envs" / "e"),
        "python": sys.executable,
        "requirements": ["engine==1.0"],
        "excludes": ["unwanted"],
        "aliases": {"other-name": "1.0+cpu"},
        "torch_backend": None,
    }


def make(builder, item):
    environment = Environment.from_plan(item)
    decision, _packages = builder.decide(environment)
    return decision, builder.apply(environment, decision)


def action(builder, item):
    return builder.decide(Environment.from_plan(item))[0].action


def python(item, code):
    program = str(Path(item["path"]) / "bin" / "python")
    return subprocess.run([program, "-c", code], capture_output=True, text=True, timeout=60, check=True).stdout.strip()


MADE = {"engine": "1.0", "helper": "1.5", "other-name": "1.0+cpu"}


def test_an_environment_has_what_was_asked_and_no_more(builder, item):
    decision, packages = make(builder, item)
    assert decision.action == "build"
    assert packages == MADE
    assert python(item, "import engine, helper; print(engine.VERSION, helper.VERSION)") == "1.0 1.5"
    assert python(item, "from importlib.metadata import version; print(version('other-name'))") == "1.0+cpu"
    assert list(Path(item["path"]).glob("lib/python*/site-packages/engine/__pycache__/*.pyc")), "not compiled"


def test_the_second_time_nothing_runs(builder, host, item):
    make(builder, item)
    host.calls.clear()
    assert action(builder, item) == "none"
    assert host.calls == []


def test_a_preview_tells_what_applying_does(builder, item):
    environment = Environment.from_plan(item)
    decision, before = builder.decide(environment)
    told = builder.preview(environment, decision)
    assert before == {}
    assert not Path(item["path"]).parent.exists(), "a preview leaves nothing"
    assert told == builder.apply(environment, decision)

    item["requirements"], item["aliases"] = ["engine==2.0", "unwanted"], {}
    item["excludes"] = []
    environment = Environment.from_plan(item)
    decision, before = builder.decide(environment)
    told = builder.preview(environment, decision)
    assert builder.decide(environment)[1] == before == MADE
    assert told == builder.apply(environment, decision)
    assert told == {"engine": "2.0", "helper": "1.5", "unwanted": "1.0"}


def test_other_requirements_change_the_packages_in_place(builder, item):
    make(builder, item)
    stone = Path(item["path"]) / "stone"
    stone.touch()
    item["requirements"] = ["engine==2.0"]
    decision, packages = make(builder, item)
    assert decision.action == "install"
    assert packages == {**MADE, "engine": "2.0"}
    assert stone.exists(), "it was built anew"
    assert action(builder, item) == "none"


def test_what_somebody_changed_is_put_back_to_the_same_version(builder, uv, wheels, item):
    make(builder, item)
    pip = [uv, "pip", "install", "--quiet", "--offline", "--python", f"{item['path']}/bin/python"]
    links = ["--find-links", str(wheels.links), "--no-index"]
    subprocess.run([*pip, *links, "unwanted", "helper==1.0"], check=True, timeout=60)
    wheels.add("helper", "1.9")  # newer than what was installed: not to be taken
    decision, packages = make(builder, item)
    assert "+unwanted==1.0" in decision.reason
    assert packages == MADE


@pytest.mark.parametrize("moment", ["before venv", "after venv", "before install", "after install"])
def test_a_run_that_dies_is_finished_by_the_next(builder, host, item, moment):
    when, command = moment.split()

    def die(argv, variables):
        if command not in argv:
            return
        if when == "after":
            host.really(argv, variables)
            for module in Path(item["path"]).glob("lib/python*/site-packages/helper/__init__.py"):
                module.unlink()  # what is half written looks whole to a tool that reads metadata
        raise Killed

    host.instead = die
    with pytest.raises(Killed):
        make(builder, item)
    host.instead = None
    decision, packages = make(builder, item)
    assert decision.action == "build"
    assert packages == MADE
    assert python(item, "import helper; print(helper.VERSION)") == "1.5"
    assert action(builder, item) == "none"


def test_a_change_that_dies_is_finished_by_the_next(builder, host, item):
    make(builder, item)

    def die(_argv, _variables):
        raise Killed

    host.instead = die
    with pytest.raises(Killed):
        make(builder, {**item, "requirements": ["engine==2.0"]})
    host.instead = None
    assert make(builder, item)[1] == MADE


def test_a_half_removed_environment_is_built_again(builder, item):
    make(builder, item)
    (Path(item["path"]) / "pyvenv.cfg").unlink()
    decision, packages = make(builder, item)
    assert decision.action == "build"
    assert packages == MADE


def test_a_failed_change_leaves_the_environment_in_use(builder, item):
    make(builder, item)
    wanted = {**item, "requirements": ["engine==3.0"]}
    with pytest.raises(EnvironmentFailure, match=r"engine==3\.0.*(?s:.*)Fix: correct the version"):
        make(builder, wanted)
    assert action(builder, item) == "none"


def test_a_failed_build_is_built_again(builder, item):
    with pytest.raises(EnvironmentFailure, match="could not install its packages"):
        make(builder, {**item, "requirements": ["engine==3.0"]})
    assert make(builder, item)[1] == MADE


def test_a_missing_interpreter_is_refused(builder, item):
    with pytest.raises(EnvironmentFailure, match=r"no Python at /nowhere/python3\..*Fix:"):
        make(builder, {**item, "python": "/nowhere/python3"})
    assert not Path(item["path"]).exists()


def test_the_directory_of_somebody_else_stays(builder, item):
    precious = Path(item["path"]) / "precious"
    precious.parent.mkdir(parents=True)
    precious.touch()
    with pytest.raises(EnvironmentFailure, match="not made by this collection"):
        make(builder, item)
    assert precious.exists()


def torch_flags(host):
    """The --torch-backend of each installing call, dry runs apart."""
    real = [argv for argv in host.calls if "install" in argv and "--dry-run" not in argv]
    return [argv[argv.index("--torch-backend") + 1] if "--torch-backend" in argv else None for argv in real]


def test_configured_torch_of_the_right_build_is_taken(builder, host, wheels, item):
    wheels.add("torch", "2.0+cpu")
    item.update(requirements=["torch==2.0"], torch_backend="cpu")
    assert make(builder, item)[1]["torch"] == "2.0+cpu"
    assert torch_flags(host) == [None]


def test_configured_torch_of_another_build_is_not_taken(builder, host, wheels, item):
    wheels.add("torch", "2.0")
    item.update(requirements=["torch==2.0"], torch_backend="cpu")
    unreachable = "error: Request failed\n  cause: Failed to fetch: https://download.pytorch.org/whl/cpu/torch/\n"
    host.instead = lambda argv, _variables: (2, "", unreachable) if "--torch-backend" in argv else None
    with pytest.raises(EnvironmentFailure, match="Fix: reach PyTorch's index"):
        make(builder, item)
    assert torch_flags(host) == ["cpu"]


def test_a_password_in_a_requirement_is_no_argument(builder, host, item):
    item["requirements"] = ["engine @ https://user:secret@nowhere.invalid/engine-1.0-py3-none-any.whl"]
    host.instead = lambda argv, _variables: (2, "", "error: no route") if "install" in argv else None
    with pytest.raises(EnvironmentFailure) as failure:
        make(builder, item)
    assert "secret" not in str(failure.value)
    assert "secret" not in str(host.calls)
