# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Environments whose Python conda brings.

conda itself is played by a function that keeps its habits, the worst included: it wipes a directory that is there.
Packages are installed by the real uv.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.environments.builder import Builder
from ansible_collections.vllm.cluster.plugins.module_utils.environments.conda import CondaSettings
from ansible_collections.vllm.cluster.plugins.module_utils.environments.state import Environment, EnvironmentFailure
from ansible_collections.vllm.cluster.plugins.module_utils.environments.uv import Settings

MINOR = f"python{sys.version_info.major}.{sys.version_info.minor}"
VERSION = ".".join(map(str, sys.version_info[:3]))
FAILED = json.dumps(
    {"exception_name": "PackagesNotFoundInChannelsError", "message": "not available from current channels"}
)


class Host:
    """Runs commands for real, but for conda's."""

    def __init__(self, uv):
        self.uv, self.calls, self.fails = uv, [], False

    def run(self, argv, variables):
        self.calls.append((argv, variables))
        if argv[0] == "/opt/conda":
            return self.conda(argv[1:], Path(variables["CONDARC"]))
        done = subprocess.run(
            argv, check=False, env={**os.environ, **variables}, capture_output=True, text=True, timeout=120
        )
        return done.returncode, done.stdout, done.stderr

    def conda(self, words, condarc):
        assert condarc.stat().st_mode & 0o777 == 0o600
        prefix = Path(words[words.index("--prefix") + 1])
        specs = [word for word in words if "=" in word]
        if self.fails:
            prefix.mkdir(parents=True, exist_ok=True)
            return 1, FAILED, ""
        linked = [dict(zip(("name", "version", "build_string"), [*spec.split("="), "h0"])) for spec in specs]
        if "--dry-run" not in words:
            shutil.rmtree(prefix, ignore_errors=True)
            subprocess.run(
                [self.uv, "venv", "--quiet", "--python", sys.executable, str(prefix)], check=True, timeout=60
            )
            meta = prefix / "conda-meta"
            meta.mkdir()
            (meta / "history").touch()
            for item in linked:
                note = meta / "{name}-{version}-{build_string}.json".format(**item)
                note.write_text('{"url": "https://conda.example/t/to-ken/lab/x.conda"}')
            info = prefix / "lib" / MINOR / "site-packages" / "helper-1.0.dist-info"
            info.mkdir(parents=True)
            for name, text in (("INSTALLER", "conda\n"), ("METADATA", "Name: helper\nVersion: 1.0\n"), ("RECORD", "")):
                (info / name).write_text(text)
        return 0, json.dumps({"actions": {"LINK": linked}}), ""


@pytest.fixture
def host(uv):
    return Host(uv)


@pytest.fixture
def builder(host, uv, wheels, tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    settings = Settings(index_url=wheels.index_url, find_links=(str(wheels.links),), cache_dir=str(tmp_path / "cache"))
    return Builder(
        host.run, settings, uv, scratch, 60, CondaSettings("/opt/conda", str(tmp_path / "conda"), channels=("lab",))
    )


@pytest.fixture
def item(tmp_path):
    return {
        "name": "e",
        "path": str(tmp_path / "envs" / "e"),
        "python": VERSION,
        "conda": [f"python={VERSION}", "sqlite=3.50.4"],
        "requirements": ["engine==1.0"],
        "excludes": ["unwanted"],
        "aliases": {},
        "torch_backend": None,
    }


#: helper stays as conda brought it, though uv would have taken 1.5.
MADE = {"engine": "1.0", "helper": "1.0", "conda/python": f"{VERSION}=h0", "conda/sqlite": "3.50.4=h0"}


def make(builder, item):
    environment = Environment.from_plan(item)
    decision, _packages = builder.decide(environment)
    return decision, builder.apply(environment, decision)


def test_conda_brings_python_and_uv_the_rest(builder, host, item, tmp_path):
    decision, packages = make(builder, item)
    assert decision.action == "build"
    assert packages == MADE
    assert (tmp_path / "conda" / "pkgs").stat().st_mode & 0o777 == 0o700
    notes = Path(item["path"], "conda-meta").glob("*.json")
    assert {note.read_text() for note in notes} == {'{"url": "https://conda.example/t/***/lab/x.conda"}'}
    host.calls.clear()
    assert builder.decide(Environment.from_plan(item))[0].action == "none"
    assert host.calls == []


def test_a_preview_asks_both_and_leaves_nothing(builder, host, item):
    environment = Environment.from_plan(item)
    decision, _packages = builder.decide(environment)
    told = builder.preview(environment, decision)
    # What conda's packages bring for Python is not known before they are there: uv's choice is told.
    assert told == {**MADE, "helper": "1.5"}
    assert not Path(item["path"]).parent.exists()
    assert any("--dry-run" in argv for argv, _variables in host.calls if argv[0] == "/opt/conda")


def test_what_somebody_changed_by_conda_is_made_anew_exactly(builder, host, item):
    make(builder, item)
    meta = Path(item["path"]) / "conda-meta"
    (meta / "sqlite-3.50.4-h0.json").rename(meta / "sqlite-3.51.0-h0.json")
    host.calls.clear()
    decision, packages = make(builder, item)
    assert decision.action == "build"
    assert "conda/sqlite 3.50.4=h0 -> 3.51.0=h0" in decision.reason
    assert packages == MADE
    (create,) = [argv for argv, _variables in host.calls if argv[0] == "/opt/conda"]
    assert create[-2:] == [f"python={VERSION}=h0", "sqlite=3.50.4=h0"]


def test_what_somebody_changed_by_pip_is_put_back_in_place(builder, uv, wheels, item):
    make(builder, item)
    stone = Path(item["path"]) / "stone"
    stone.touch()
    pip = [uv, "pip", "install", "--quiet", "--offline", "--no-index", "--find-links", str(wheels.links)]
    subprocess.run([*pip, "--python", f"{item['path']}/bin/python", "unwanted"], check=True, timeout=60)
    decision, packages = make(builder, item)
    assert decision.action == "install"
    assert packages == MADE
    assert stone.exists()


def test_other_packages_of_conda_are_another_environment(builder, item):
    make(builder, item)
    decision, _packages = builder.decide(Environment.from_plan({**item, "conda": [f"python={VERSION}"]}))
    assert decision.action == "build"
    assert "sqlite=3.50.4" in decision.reason


def test_conda_is_never_let_loose_on_a_directory_of_somebody_else(builder, host, item):
    precious = Path(item["path"]) / "precious"
    precious.parent.mkdir(parents=True)
    precious.touch()
    with pytest.raises(EnvironmentFailure, match="not made by this collection"):
        make(builder, item)
    assert precious.exists()
    assert host.calls == []


def test_a_failure_is_one_message_and_leaves_nothing(builder, host, item):
    host.fails = True
    with pytest.raises(
        EnvironmentFailure, match=r"(?s)conda could not make it .*channels lab.*Fix: correct the version"
    ):
        make(builder, item)
    assert list(Path(item["path"]).parent.iterdir()) == []
    host.fails = False
    assert make(builder, item)[1] == MADE


def test_packages_that_do_not_resolve_leave_nothing(builder, item):
    with pytest.raises(EnvironmentFailure, match=r"engine==3\.0"):
        make(builder, {**item, "requirements": ["engine==3.0"]})
    assert list(Path(item["path"]).parent.iterdir()) == []


def test_a_version_without_a_mirror_is_no_interpreter(builder, item):
    with pytest.raises(EnvironmentFailure, match=r"3\.12 is no interpreter of the host.*python_mirror"):
        make(builder, {**item, "conda": None, "python": "3.12"})


def test_a_version_with_a_mirror_is_brought_by_uv(host, uv, item, tmp_path):
    settings = Settings(python_mirror="http://127.0.0.1:9/mirror", python_dir=str(tmp_path / "python"))
    builder = Builder(host.run, settings, uv, tmp_path, 60)
    with pytest.raises(
        EnvironmentFailure, match=r"(?s)127\.0\.0\.1:9/mirror.*Fix: write a python_version .*python_mirror"
    ):
        make(builder, {**item, "conda": None, "python": "3.12.11"})
    argv, variables = host.calls[-1]
    assert argv[1:5] == ["venv", "--managed-python", "--python", "3.12.11"]
    assert variables["UV_PYTHON_INSTALL_DIR"] == str(tmp_path / "python")
    assert not Path(item["path"]).exists()
