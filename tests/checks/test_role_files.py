# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every role holds what a role must, and each rule is seen to fail on a role that breaks it."""

from __future__ import annotations

import pytest
import role_files
from checkout import ROOT

ROLES = sorted(path for path in ROOT.glob("roles/*") if path.is_dir())

GOOD = {
    "README.md": "# demo\n",
    "defaults/main.yml": "---\n# How many.\nvllm_count: 2\n",
    "meta/argument_specs.yml": """
argument_specs:
  main:
    options:
      vllm_count: {type: int, default: 2, description: How many.}
      vllm_plan: {type: dict, required: true, description: The plan.}
""",
    "meta/main.yml": """
galaxy_info:
  author: us
  description: a demo
  license: GPL-3.0-or-later
  min_ansible_version: "2.19"
  platforms: [{name: Debian}]
""",
    "tasks/main.yml": "- name: Look\n  ansible.builtin.stat: {path: /}\n  register: __demo_root\n",
}

# what goes wrong: the file, its text (None: no such file), and words of the complaint
BAD = {
    "spec without default": ("defaults/main.yml", "---\n", "neither required nor in defaults"),
    "default without spec": ("defaults/main.yml", "# a\nvllm_count: 2\n# b\nvllm_b: 1\n", "stands in no argument spec"),
    "other value": ("defaults/main.yml", "# a\nvllm_count: 3\n", "the spec says 2, defaults/main.yml 3"),
    "other type": ("defaults/main.yml", '# a\nvllm_count: "2"\n', "the spec says 2, defaults/main.yml '2'"),
    "a boolean for a number": ("defaults/main.yml", "# a\nvllm_count: true\n", "the spec says 2"),
    "required with default": ("defaults/main.yml", "# a\nvllm_count: 2\n# b\nvllm_plan: {}\n", "can have no default"),
    "no comment": ("defaults/main.yml", "vllm_count: 2\n", "no comment above it"),
    "one comment for two": ("defaults/main.yml", "# a\nvllm_count: 2\nvllm_plan: {}\n", "vllm_plan: no comment"),
    "no type": (
        "meta/argument_specs.yml",
        "argument_specs: {main: {options: {vllm_count: {default: 2, description: x}}}}",
        "has no type",
    ),
    "no description": (
        "meta/argument_specs.yml",
        "argument_specs: {main: {options: {vllm_count: {default: 2, type: int}}}}",
        "has no description",
    ),
    "default untold": (
        "meta/argument_specs.yml",
        "argument_specs: {main: {options: {vllm_count: {type: int, description: x}}}}",
        "the spec tells no default",
    ),
    "no such entry point": (
        "meta/argument_specs.yml",
        "argument_specs: {main: {options: {vllm_count: {type: int, default: 2, description: x}}}, extra: {}}",
        "there is no tasks/extra.yml",
    ),
    "no specs": ("meta/argument_specs.yml", None, "meta/argument_specs.yml is missing"),
    "no readme": ("README.md", None, "README.md is missing"),
    "empty readme": ("README.md", "", "README.md is empty"),
    "no platforms": ("meta/main.yml", "galaxy_info: {author: us}", "galaxy_info has no platforms"),
    "foreign licence": ("meta/main.yml", "galaxy_info: {license: MIT}", "license is MIT"),
    "public name": ("defaults/main.yml", "# a\ncount: 2\n", "count: starts neither with vllm_"),
    "private variable": ("vars/main.yml", "demo_x: 1\n", "demo_x: does not start with __demo_"),
    "registered": ("tasks/main.yml", "- register: found\n", "found: does not start with __demo_"),
    "fact in a block": (
        "tasks/main.yml",
        "- block: [{rescue: [{ansible.builtin.set_fact: {x: 1, cacheable: true}}]}]\n",
        "x: does not start with __demo_",
    ),
    "loop variable": ("tasks/main.yml", "- loop_control: {loop_var: it}\n", "it: does not start with __demo_"),
    "group": ("tasks/main.yml", "- when: inventory_hostname in groups['gpu']\n", "names an inventory group"),
    "group in a template": ("templates/x.j2", "{% if 'gpu' in group_names %}", "names an inventory group"),
}


def complaints(role):
    return [told for check in role_files.CHECKS for told in check(role)]


def write(folder, files):
    for name, text in files.items():
        path = folder / "demo" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / "demo"


def test_there_are_roles():
    assert ROLES


@pytest.mark.parametrize("check", role_files.CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_role(role, check):
    told = check(role)
    assert not told, "\n".join(told)


def test_roles_agree_on_shared_variables():
    told = role_files.disagreements(ROLES)
    assert not told, "\n".join(told)


@pytest.mark.parametrize("option", ["{type: int, default: 3}", "{type: str, default: 2}"])
def test_roles_that_disagree_are_told(tmp_path, option):
    one = write(tmp_path / "one", GOOD)
    spec = f"argument_specs: {{main: {{options: {{vllm_count: {option}}}}}}}"
    two = write(tmp_path / "two", {**GOOD, "meta/argument_specs.yml": spec})
    assert role_files.disagreements([one, one]) == []
    assert len(role_files.disagreements([one, two])) == 1


def test_a_good_role_passes(tmp_path):
    assert complaints(write(tmp_path, GOOD)) == []


@pytest.mark.parametrize(("name", "text", "words"), BAD.values(), ids=BAD)
def test_a_bad_role_is_told(tmp_path, name, text, words):
    role = write(tmp_path, {**GOOD, name: text or ""})
    if text is None:
        (role / name).unlink()
    assert [told for told in complaints(role) if words in told]
