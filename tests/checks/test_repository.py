# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The repository keeps to its rules, and each rule is seen to fail on a repository that breaks it."""

from __future__ import annotations

from pathlib import Path

import pytest
import repository
from checkout import ROOT, files

HEADER = f"# {repository.LICENCE}\n"
GOOD = {
    "Makefile": "demo: ## go\n\techo\n",
    "README.md": "See [the plan](docs/plan.md#words), [out](https://example.org), [here](#x). Run `make A=1 demo`.\n"
    "Files: `playbooks/site.yml`, `roles/<role>/tasks`, `inventories/*/hosts.yml`, `docs/`.\n\n    make demo\n",
    "docs/plan.md": "`vllm.cluster.plan`, `vllm.cluster.demo`, `vllm.cluster.site`, `vllm.cluster.<x>`, `docs/`\n",
    "playbooks/site.yml": "- hosts: all\n",
    "plugins/modules/plan.py": HEADER + "import ansible_collections.vllm.cluster.plugins.module_utils\n",
    "plugins/modules/__init__.py": "",
    "plugins/modules/told.py": HEADER + 'DOCUMENTATION = r"""\n' + "x\n" * 400 + '"""\n',
    "roles/demo/tasks/main.yml": "[]\n",
}
BAD = {
    "long code": ("plugins/modules/plan.py", HEADER + "x = 1\n" * 350, "351 lines"),
    "long code beside its documentation": (
        "plugins/modules/plan.py",
        HEADER + 'DOCUMENTATION = r"""\n' + "x\n" * 99 + '"""\n' + "x = 1\n" * 350,
        "351 lines",
    ),
    "long template": ("roles/demo/templates/x.j2", "x\n" * 351, "351 lines"),
    "no licence": ("tests/run/x.sh", "#!/bin/sh\n", "tests/run/x.sh: no SPDX"),
    "an index": ("docs/plan.md", "from py" + "pi.org\n", "docs/plan.md:1: py"),
    "no such role": ("playbooks/site.yml", "- import_role: {name: vllm.cluster.gone}\n", "vllm.cluster.gone: there is"),
    "no such module in a document": ("docs/plan.md", "`vllm.cluster.gone`", "vllm.cluster.gone: there is"),
    "dead link": ("docs/plan.md", "[x](README.md)", "link to README.md: no such file"),
    "dead target": ("README.md", "`make nothing`", "make nothing: no such target"),
    "dead target in a block": ("README.md", "```\nYES=1 make nothing\nmake nothing X=1\n```", "make nothing: no such"),
    "dead file": ("README.md", "`ansible-playbook playbooks/gone.yml`", "playbooks/gone.yml: no such file"),
}


def complaints(root):
    names = [path.relative_to(root) for path in sorted(root.rglob("*")) if path.is_file()]
    return [told for check in repository.CHECKS for told in check(root, names)]


def write(root, texts):
    for name, text in texts.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize("check", repository.CHECKS, ids=lambda check: check.__name__)
def test_repository(check):
    told = check(ROOT, [name for name in files() if (ROOT / name).is_file()])
    assert not told, "\n".join(told)


def test_the_repository_has_files():
    assert Path("tests/checks/test_repository.py") in files()


def test_a_good_repository_passes(tmp_path):
    assert complaints(write(tmp_path, GOOD)) == []


@pytest.mark.parametrize(("name", "text", "words"), BAD.values(), ids=BAD)
def test_a_bad_repository_is_told(tmp_path, name, text, words):
    found = complaints(write(tmp_path, {**GOOD, name: text}))
    assert [told for told in found if words in told], found


@pytest.mark.parametrize("setting", ["find-links", "index-url", "extra-index-url"])
def test_a_machines_own_sources_are_told(tmp_path, monkeypatch, setting):
    monkeypatch.setattr(repository.pip_settings, "options", lambda: {setting: "/a/one file:///b/two"})
    write(tmp_path, {**GOOD, "docs/plan.md": "x\n/b/two\n"})
    assert complaints(tmp_path) == ["docs/plan.md:2: /b/two belongs to one machine or one index"]


def test_the_checkouts_own_path_is_told(tmp_path):
    write(tmp_path, {**GOOD, "docs/plan.md": f"{tmp_path}/x\n"})
    assert complaints(tmp_path) == [f"docs/plan.md:1: {tmp_path} belongs to one machine or one index"]
