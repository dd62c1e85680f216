# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The release tables against the vLLM that the role installed on a host: its own parser, and its files."""

from __future__ import annotations

import io
import re
import subprocess
import tarfile

import pytest

from tests.testinfra.lab import ROOT

FOLDER = "/tmp/release-table"
NEEDED = ("tests/release_table", "plugins/module_utils/releases")


@pytest.fixture(scope="module")
def compare(lab):
    """The script of this checkout, run on m1."""
    host = lab.host("m1")
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name in NEEDED:
            archive.add(ROOT / name, name, filter=lambda item: None if "__pycache__" in item.name else item)
    host.check_output("rm -rf %s && mkdir %s", FOLDER, FOLDER)
    config = ROOT / ".lab" / lab.lab["lab_name"] / "ssh_config"
    unpack = ["ssh", "-F", str(config), "m1", f"tar -xzf - -C {FOLDER}"]
    subprocess.run(unpack, input=packed.getvalue(), check=True, timeout=60)
    yield lambda *words: host.run("/usr/bin/python3 -B %s %s %s", f"{FOLDER}/tests/release_table", *words)
    host.check_output("rm -rf %s", FOLDER)


@pytest.fixture(scope="module")
def python(lab):
    """The Python of the environment that serves."""
    unit = lab.host("m1").check_output("systemctl cat vllm-chat-0.service")
    return re.search(r"^ExecStart=.*?(\S+/bin)/vllm ", unit, re.MULTILINE).group(1) + "/python"


def test_the_parser_of_the_installed_vllm_takes_every_option_of_the_table(compare, python):
    done = compare("parser", python)
    assert done.rc == 0, done.stdout + done.stderr
    tried = re.search(r"(?m)^\S+: (\d+) options tried on its parser, 0 differences$", done.stdout).group(1)
    assert int(tried) > 100


def test_the_files_of_the_installed_vllm_tell_what_the_tables_tell(compare, lab, python):
    code = "import importlib.util as u; print(u.find_spec('vllm').submodule_search_locations[0])"
    package = lab.host("m1").check_output("%s -c %s", python, code)
    done = compare("check", package.rpartition("/")[0])
    assert done.rc == 0, done.stdout + done.stderr
    assert re.search(r"names in its sources, 0 differences", done.stdout)
