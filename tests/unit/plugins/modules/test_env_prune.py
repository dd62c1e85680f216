# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module itself, run as Ansible runs it, on environments with records; users are real processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.environments.records import record_path, write_record
from ansible_collections.vllm.cluster.plugins.module_utils.environments.state import Record

ROOT = Path(__file__).resolve().parents[4]


def run(arguments, check=False):
    arguments = {**arguments, "_ansible_check_mode": check, "_ansible_diff": True}
    done = subprocess.run(
        [sys.executable, str(ROOT / "plugins" / "modules" / "env_prune.py")],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}),
        env={**os.environ, "PYTHONPATH": str(ROOT / "playbooks" / "collections")},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return json.loads(done.stdout)


@pytest.fixture
def folder(tmp_path):
    for name, complete in (("wanted", True), ("former", True), ("unfinished", False)):
        (tmp_path / "envs" / name).mkdir(parents=True)
        (tmp_path / "envs" / name / "file").touch()
        write_record(tmp_path / "envs" / name, Record(complete, "", "", {}))
    (tmp_path / "envs" / "foreign").mkdir()
    return tmp_path / "envs"


@pytest.fixture
def arguments(folder):
    return {"folder": str(folder), "keep": [str(folder / "wanted")], "lock": str(folder.parent / "lock"), "timeout": 5}


def test_what_nobody_uses_goes_and_nothing_else(folder, arguments):
    told = run(arguments, check=True)
    assert sorted(path.name for path in folder.glob("[!.]*")) == ["foreign", "former", "unfinished", "wanted"]
    done = run(arguments)
    assert told["changed"] is done["changed"] is True
    assert told["removed"] == done["removed"] == [str(folder / "former"), str(folder / "unfinished")]
    assert told["diff"] == done["diff"]
    assert sorted(path.name for path in folder.iterdir()) == [".wanted.json", "foreign", "wanted"]
    assert run(arguments)["changed"] is False


def test_what_somebody_uses_stays_and_is_told(folder, arguments):
    words = [sys.executable, "-c", "print(flush=True); input()", str(folder / "former" / "file")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        done = run(arguments)
        process.communicate(b"\n", timeout=10)
    assert done["in_use"] == {str(folder / "former"): [f"process {process.pid}"]}
    assert (folder / "former" / "file").exists()
    assert record_path(folder / "former").exists()
    assert not (folder / "unfinished").exists()


def test_a_folder_that_is_not_there_has_nothing_to_remove(arguments, tmp_path):
    done = run({**arguments, "folder": str(tmp_path / "nowhere")})
    assert (done["changed"], done["removed"]) == (False, [])


NOW, THEN = "a" * 64, "b" * 64


@pytest.fixture
def conda(folder):
    """conda's directory: packages of the wanted environment, of the former one, and of none; two installations."""
    directory = folder.parent / "conda"
    for name in ("python-3.11.9-0", "tool-1.0-h0_1", "orphan-2-0", "half"):
        (directory / "pkgs" / name / "info").mkdir(parents=True)
        if name != "half":
            said = dict(zip(("name", "version", "build"), name.rsplit("-", 2)))
            (directory / "pkgs" / name / "info" / "index.json").write_text(json.dumps(said))
    for name in ("python-3.11.9-0.conda", "orphan-2-0.tar.bz2", "urls.txt"):
        (directory / "pkgs" / name).touch()
    (directory / "pkgs" / "cache").mkdir()
    for environment, package in (("wanted", "python-3.11.9-0"), ("former", "tool-1.0-h0_1")):
        (folder / environment / "conda-meta").mkdir()
        (folder / environment / "conda-meta" / f"{package}.json").touch()
    for checksum in (NOW, THEN):
        (directory / f"base-{checksum[:12]}" / "bin").mkdir(parents=True)
        (directory / f"base-{checksum[:12]}" / "envs").mkdir()
    (directory / "base-camp").mkdir()
    return directory


def names(directory):
    return sorted(path.name for path in directory.iterdir())


OF_CONDA = ["base-aaaaaaaaaaaa", "base-camp", "pkgs"]
STAYS = ["cache", "half", "python-3.11.9-0", "python-3.11.9-0.conda", "urls.txt"]
GOES = ["orphan-2-0", "orphan-2-0.tar.bz2", "tool-1.0-h0_1"]


def test_what_conda_kept_goes_with_its_environments(arguments, conda):
    arguments |= {"conda_dir": str(conda), "conda_checksum": NOW}
    told = run(arguments, check=True)
    assert names(conda / "pkgs") == sorted(STAYS + GOES), "check mode removes nothing"
    done = run(arguments)
    assert told["packages"] == done["packages"] == GOES
    assert told["diff"] == done["diff"]
    assert str(conda / "base-bbbbbbbbbbbb") in told["removed"]
    assert told["removed"] == done["removed"]
    assert (names(conda), names(conda / "pkgs")) == (OF_CONDA, STAYS)
    assert run(arguments)["changed"] is False


def test_nothing_of_conda_is_looked_at_without_its_directory(arguments, conda):
    run(arguments)
    assert names(conda / "pkgs") == sorted(STAYS + GOES)
    assert len(names(conda)) == 4


def test_packages_of_an_environment_in_use_stay(folder, arguments, conda):
    words = [sys.executable, "-c", "print(flush=True); input()", str(folder / "former" / "file")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        done = run({**arguments, "conda_dir": str(conda), "conda_checksum": NOW})
        process.communicate(b"\n", timeout=10)
    assert done["packages"] == ["orphan-2-0", "orphan-2-0.tar.bz2"]


def test_an_installation_with_environments_of_somebody_stays(arguments, conda):
    (conda / "base-bbbbbbbbbbbb" / "envs" / "mine" / "conda-meta").mkdir(parents=True)
    done = run({**arguments, "conda_dir": str(conda), "conda_checksum": NOW})
    assert done["in_use"] == {str(conda / "base-bbbbbbbbbbbb"): ["environment mine"]}
    assert (conda / "base-bbbbbbbbbbbb" / "bin").exists()


def test_where_a_conda_of_the_host_is_used_no_installation_is_needed(arguments, conda):
    done = run({**arguments, "conda_dir": str(conda), "conda_checksum": NOW, "conda_path": "/opt/theirs/bin/conda"})
    assert [path for path in done["removed"] if "base-" in path] == [
        str(conda / f"base-{letter * 12}") for letter in "ab"
    ]


def test_the_cache_of_somebodys_own_conda_is_left_alone(arguments, conda):
    (conda / "conda-meta").mkdir()
    done = run({**arguments, "conda_dir": str(conda), "conda_checksum": NOW})
    assert done["packages"] == []
    assert names(conda / "pkgs") == sorted(STAYS + GOES)


def test_what_a_cut_off_run_began_to_remove_goes_with_the_next(arguments, conda):
    (conda / "pkgs" / ".gone-old-1-0" / "lib").mkdir(parents=True)
    done = run({**arguments, "conda_dir": str(conda), "conda_checksum": NOW})
    assert done["packages"] == [".gone-old-1-0", *GOES]
    assert names(conda / "pkgs") == STAYS
