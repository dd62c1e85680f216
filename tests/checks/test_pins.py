# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pins agree with each other, and the matrix of unit tests tells what it leaves out."""

from __future__ import annotations

from pathlib import Path

import pytest
import units
import yaml
from checkout import ROOT
from runner import Skip, Step

REQUIREMENTS = ROOT / "requirements"
CHOSEN = sorted(path for path in REQUIREMENTS.glob("*.in") if path.stem != "unit")


def pins(path):
    """{name: version} of a requirements file and of those that it includes."""
    found = {}
    for line in path.read_text().splitlines():
        requirement = line.partition("#")[0].partition(";")[0].strip()
        if requirement.startswith("-r "):
            found |= pins(path.parent / requirement[3:])
        elif requirement:
            name, _equals, version = requirement.partition("==")
            found.setdefault(name.lower(), set()).add(version)
    return found


@pytest.mark.parametrize("chosen", CHOSEN, ids=lambda path: path.stem)
def test_what_is_chosen_is_what_is_pinned(chosen):
    resolved = pins(chosen.with_suffix(".txt"))
    for name, versions in pins(chosen).items():
        assert resolved.get(name) is not None, f"{name}: run make pins"
        assert versions in ({""}, resolved[name]), f"{name}: run make pins"


def test_a_control_node_is_the_same_from_either_file():
    tested = pins(REQUIREMENTS / "test.txt")
    assert {name: tested.get(name) for name in pins(REQUIREMENTS / "run.txt")} == pins(REQUIREMENTS / "run.txt")


def test_every_resolved_requirement_is_pinned():
    loose = {
        path.name: name for path in REQUIREMENTS.glob("*.txt") for name, is_at in pins(path).items() if "" in is_at
    }
    assert loose == {}


def test_requirements_yml_names_what_galaxy_yml_depends_on():
    wanted = yaml.safe_load((ROOT / "galaxy.yml").read_text())["dependencies"]
    named = yaml.safe_load((ROOT / "requirements.yml").read_text())["collections"]
    assert {item["name"]: item["version"] for item in named} == wanted


def rows(monkeypatch, *versions, steps=units.steps):
    monkeypatch.setattr(units.pythons, "find", lambda: {version: Path(f"/x/python{version}") for version in versions})
    return {step.name: step for step in steps()}


def test_each_core_runs_on_a_python_that_it_takes(monkeypatch):
    found = rows(monkeypatch, (3, 8), (3, 9), (3, 11), (3, 12), (3, 13))
    assert list(found) == ["unit-2.19-py3.11", "unit-2.20-py3.12", "unit-2.21-py3.13", "unit-target-py3.9"]
    assert not [step for step in found.values() if isinstance(step, Skip)]


def test_a_core_without_a_python_is_skipped_with_the_reason(monkeypatch):
    found = rows(monkeypatch, (3, 11))
    assert list(found) == ["unit-2.19-py3.11", "unit-2.20", "unit-2.21", "unit-target"]
    assert found["unit-2.20"] == Skip("unit-2.20", "needs Python 3.12 to 3.14; this machine has 3.11")
    assert isinstance(found["unit-target"], Skip)


def test_real_processes_run_once_and_the_guard_on_the_oldest_python_of_a_target(monkeypatch):
    (step,) = rows(monkeypatch, (3, 8), (3, 9), (3, 11), (3, 12), steps=units.processes).values()
    assert step.name == "processes-py3.11"
    assert "tests/processes" in step.command
    assert step.environment["VLLM_TEST_TARGET_PYTHON"] == "/x/python(3, 9)"
    assert step.report not in [
        other.report for other in rows(monkeypatch, (3, 9), (3, 11)).values() if isinstance(other, Step)
    ]
    (skipped,) = rows(monkeypatch, (3, 10), steps=units.processes).values()
    assert isinstance(skipped, Skip)
