# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.environments.usage import users


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "envs" / "a" / "bin").mkdir(parents=True)
    (tmp_path / "units" / "vllm-x.service.d").mkdir(parents=True)
    return tmp_path


def used(folder, name="a", processes="/nowhere"):
    path = folder / "envs" / name
    return users([path], [str(folder / "units")], processes)[path]


def test_nobody(folder):
    assert used(folder, processes="/proc") == []


@pytest.mark.parametrize("file", ["vllm-x.service", "vllm-x.service.d/own.conf"])
def test_a_unit_that_names_it(folder, file):
    (folder / "units" / file).write_text(f"[Service]\nExecStart={folder}/envs/a/bin/vllm serve\n")
    assert used(folder) == [Path(file).name]


def test_a_longer_name_is_another(folder):
    (folder / "units" / "u.service").write_text(f"ExecStart={folder}/envs/a-b/bin/vllm\nExecStart={folder}/envs/ab/x\n")
    assert used(folder) == []
    (folder / "units" / "u.service").write_text(
        f"ExecStart={folder}/envs/a-b/bin/vllm\nEnvironment=X={folder}/envs/a\n"
    )
    assert used(folder) == ["u.service"]


@pytest.mark.parametrize("how", ["command", "library", "link"])
def test_a_process_that_runs_from_it(folder, how):
    """A real one, as the kernel tells of it. link: the folder is reached by another name."""
    library = folder / "envs" / "a" / "bin" / "lib.so"
    library.write_bytes(b"x" * 4096)
    place = folder
    if how == "link":
        (folder / "other").symlink_to(folder)
        place = folder / "other"
    code = "import mmap, os; f = open(os.environ['LIB'], 'rb'); m = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)"
    code += "; f.close(); print(flush=True); input()"
    if how == "command":
        words = [sys.executable, "-c", "print(flush=True); input()", str(library)]
        process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    else:
        environment = {**os.environ, "LIB": str(library)}
        process = subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
        )
    try:
        process.stdout.readline()
        assert used(place, processes="/proc") == [f"process {process.pid}"]
    finally:
        process.communicate(b"\n", timeout=10)
    assert used(place, processes="/proc") == []
