# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.environments.failures import explain
from ansible_collections.vllm.cluster.plugins.module_utils.environments.uv import (
    HINTS,
    Settings,
    changed_packages,
    pip_variables,
    uv_variables,
)

# What uv 0.13.8 and pip 23.0 print, with the addresses of an example.
NO_VERSION = """\
Using Python 3.11.2 environment at: e
error: No solution found when resolving dependencies
  cause: Because there is no version of engine==0.32.99 and you require engine==0.32.99, we can conclude that ...
"""
OLD_PYTHON = """\
error: No solution found when resolving dependencies
  cause: Because the current Python version (3.9.18) does not satisfy Python>=3.11,<3.15 and engine==0.32.0 depends ...
"""
NO_WHEEL = """\
error: No solution found when resolving dependencies
  cause: Because ray==2.60.0 has no wheels with a matching Python implementation tag (e.g., `cp39`) and you require ...
"""
NO_ROUTE = """\
error: Request failed after 3 retries in 8.0s
  cause: Failed to fetch: https://mirror.example/simple/six/
  cause: dns error
"""
NO_PYTORCH = "error: Request failed\n  cause: Failed to fetch: https://download.pytorch.org/whl/cpu/torch/\n"
NO_TRUST = """\
error: Failed to fetch: https://mirror.example/simple/six/
  cause: invalid peer certificate: UnknownIssuer
"""
NO_ACCESS = (
    "error: Failed to fetch: https://mirror.example/simple/six/\n  cause: HTTP status client error (401 Unauthorized)\n"
)
NO_LINKS = "error: Failed to read `--find-links` directory: /srv/wheels\n  cause: No such file or directory\n"
NO_SPACE = "error: Failed to install: torch\n  cause: failed to copy file: No space left on device (os error 28)\n"
NO_MIRROR = """\
error: Failed to download `http://mirror.example/20251007/cpython-3.12.11%2B20251007-x86_64-unknown-linux-gnu.tar.gz`
  cause: Connection refused (os error 111)
"""
NO_CPYTHON = "error: No interpreter found for Python 3.99 in managed installations\n"
NO_VENV = "The virtual environment was not created successfully because ensurepip is not available.\n"


@pytest.mark.parametrize(
    ("output", "fix"),
    [
        (NO_VERSION, "correct the version"),
        (OLD_PYTHON, "another python"),
        (NO_WHEEL, "another python"),
        (NO_ROUTE, "reach the index"),
        (NO_PYTORCH, "PyTorch's index"),
        (NO_TRUST, "system_certs"),
        (NO_ACCESS, "user and password"),
        (NO_LINKS, "find_links directory"),
        (NO_SPACE, "disk space"),
        (NO_VENV, "python3-venv"),
        (NO_MIRROR, "reach python_mirror"),
        (NO_CPYTHON, "a python_version that uv knows"),
    ],
)
def test_a_failure_shows_the_last_lines_and_the_fix(output, fix):
    text = explain(output, 2, 60, HINTS)
    assert output.splitlines()[-1] in text
    assert fix in text.partition("Fix: ")[2]


def test_changes_are_read_from_what_uv_prints():
    output = (
        "Resolved 5 packages in 1ms\nWould install 3 packages\n"
        " - gone==1.0\n + came==1.0\n - moved==1.0\n + moved==2.0\n ~ same==1.0\n + local==2.13.0+cpu (from file:///x)\n"
    )
    before = {"gone": "1.0", "moved": "1.0", "same": "1.0", "kept": "3"}
    after = {"came": "1.0", "moved": "2.0", "same": "1.0", "kept": "3", "local": "2.13.0+cpu"}
    assert changed_packages(before, output) == after


def test_a_downgrade_prints_the_new_version_first():
    assert changed_packages({"six": "1.17"}, " + six==1.16\n - six==1.17\n") == {"six": "1.16"}


def test_settings_become_variables():
    settings = Settings(
        index_url="https://u:p@mirror.example/simple",
        extra_index_urls=("https://a.example", "https://b.example"),
        find_links=("/one", "/two"),
        cache_dir="/cache",
        link_mode="copy",
        system_certs=False,
    )
    uv = uv_variables(settings)
    assert uv["UV_DEFAULT_INDEX"] == "https://u:p@mirror.example/simple"
    assert uv["UV_INDEX"] == "https://a.example https://b.example"
    assert uv["UV_FIND_LINKS"] == "/one,/two"
    assert (uv["UV_CACHE_DIR"], uv["UV_LINK_MODE"], uv["UV_SYSTEM_CERTS"]) == ("/cache", "copy", "0")
    pip = pip_variables(settings, "/ca.pem")
    assert pip["PIP_INDEX_URL"] == "https://u:p@mirror.example/simple"
    assert pip["PIP_EXTRA_INDEX_URL"] == "https://a.example https://b.example"
    assert pip["PIP_FIND_LINKS"] == "/one /two"
    assert "PIP_CERT" not in pip
    assert pip_variables(Settings(), "/ca.pem")["PIP_CERT"] == "/ca.pem"


def test_what_is_not_set_is_left_to_the_host():
    unset = {"UV_DEFAULT_INDEX", "UV_INDEX", "UV_FIND_LINKS", "UV_CACHE_DIR", "UV_LINK_MODE"}
    assert not unset & set(uv_variables(Settings()))


def test_a_dry_run_tells_the_version_of_an_address_by_its_wheel():
    output = " + idna @ file:///srv/wheels/idna-3.7-py3-none-any.whl#sha256=82fe\n + x @ https://a.example/x-1.0%2Bcu-1-py3-none-any.whl\n"
    assert changed_packages({}, output) == {"idna": "3.7", "x": "1.0+cu"}


def test_uv_gets_no_python_unless_there_is_a_mirror():
    assert uv_variables(Settings())["UV_PYTHON_DOWNLOADS"] == "never"
    assert "UV_PYTHON_INSTALL_DIR" not in uv_variables(Settings(python_dir="/opt/vllm/python"))
    found = uv_variables(Settings(python_mirror="https://u:p@mirror.example", python_dir="/opt/vllm/python"))
    assert found["UV_PYTHON_DOWNLOADS"] == "automatic"
    assert found["UV_PYTHON_INSTALL_MIRROR"] == "https://u:p@mirror.example"
    assert found["UV_PYTHON_INSTALL_DIR"] == "/opt/vllm/python"
