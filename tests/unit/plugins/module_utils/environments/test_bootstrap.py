# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""uv brought by the real venv and pip, from a wheel that stands for uv's."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.environments.bootstrap import ensure_uv, uv_program
from ansible_collections.vllm.cluster.plugins.module_utils.environments.state import EnvironmentFailure
from ansible_collections.vllm.cluster.plugins.module_utils.environments.uv import Settings

VERSION = "99.1.0"  # no index has it


def run(argv, variables):
    done = subprocess.run(
        argv, check=False, env={**os.environ, **variables}, capture_output=True, text=True, timeout=120
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def settings(wheels):
    wheels.add("uv", VERSION, script=f"#!/bin/sh\necho uv {VERSION} '(a stand-in)'\n")
    return Settings(index_url=wheels.index_url, find_links=(str(wheels.links),))


def ensure(directory, settings, version=VERSION):
    return ensure_uv(run, directory, version, sys.executable, settings, 60)


def test_uv_is_installed_once_and_again_when_it_broke(tmp_path, settings):
    directory = tmp_path / "uv"
    assert ensure(directory, settings)
    assert not ensure(directory, settings)
    uv_program(directory).write_text("#!/bin/sh\nexit 1\n")
    assert ensure(directory, settings)
    assert not ensure(directory, settings)


def test_a_version_that_no_index_has_is_refused(tmp_path, settings):
    with pytest.raises(EnvironmentFailure, match=r"uv 98\.0\.0 could not be installed(?s:.*)Fix: correct the version"):
        ensure(tmp_path / "uv", settings, "98.0.0")


def test_a_directory_of_something_else_stays(tmp_path, settings):
    (tmp_path / "precious").touch()
    with pytest.raises(EnvironmentFailure, match=r"is not a virtual environment\. Fix:"):
        ensure(tmp_path, settings)
    assert (tmp_path / "precious").exists()
