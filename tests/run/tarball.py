# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The built collection: it holds what it should, installs without a network, answers to full names from anywhere."""

from __future__ import annotations

import json
import sys
import tarfile
import tempfile
import typing as t
from pathlib import Path

import yaml
from checkout import LINK, ROOT, VENV, files
from runner import Skip, Step

PLAY = "Every role and module of the installed collection resolves"


def full_names(kind: str) -> list[str]:
    """The full names of this checkout's playbooks, modules or roles."""
    globs = {"playbook": "playbooks/*.yml", "module": "plugins/modules/*.py", "role": "roles/*"}
    paths = sorted(ROOT.glob(globs[kind]))
    return [f"vllm.cluster.{path.stem}" for path in paths if path.stem != "__init__" and not path.name.startswith(".")]


def resolving_play(path: Path) -> Path:
    """Write a play that names every role and every module; a syntax check loads all of them."""
    tasks: list[dict[str, t.Any]] = [{"ansible.builtin.import_role": {"name": name}} for name in full_names("role")]
    tasks += [{name: {}} for name in full_names("module")]
    path.write_text(yaml.safe_dump([{"name": PLAY, "hosts": "all", "gather_facts": False, "tasks": tasks}]))
    return path


def strangers(built: t.Iterable[str]) -> list[str]:
    """What a tarball holds besides the files of the repository: build_ignore has a hole."""
    own = {str(name) for name in files() if LINK not in name.parents}
    folders = {str(parent) for name in own for parent in Path(name).parents}
    return sorted(set(built) - own - folders - {"MANIFEST.json", "FILES.json"})


def steps() -> t.Generator[Step | Skip, None, None]:
    """Build from the checkout as it is, install elsewhere, and resolve names there."""
    with tempfile.TemporaryDirectory(prefix="vllm-cluster-") as folder:
        scratch = Path(folder)
        there = {"ANSIBLE_COLLECTIONS_PATH": str(scratch / "collections"), "ANSIBLE_HOME": str(scratch / "home")}
        galaxy = [VENV / "ansible-galaxy", "collection"]
        demanded = yaml.safe_load((ROOT / ".ansible-lint").read_text())["extra_vars"]
        playbook = [VENV / "ansible-playbook", "--inventory", "localhost,", "--syntax-check"]
        playbook += ["--extra-vars", json.dumps(demanded)]

        yield Step("build", [*galaxy, "build", "--output-path", scratch, ROOT], scratch, there)
        built = [*scratch.glob("vllm-cluster-*.tar.gz")]
        if not built:
            return  # the build has failed, and said so
        yield Step("contents", [sys.executable, __file__, built[0]], ROOT)
        yield Step(
            "install", [*galaxy, "install", "--offline", "-p", scratch / "collections", built[0]], scratch, there
        )
        for name in full_names("playbook"):
            yield Step(name, [*playbook, name], scratch, there)
        yield Step("names", [*playbook, resolving_play(scratch / "resolve.yml")], scratch, there)
        shown = [VENV / "ansible-doc", *full_names("module")]
        yield Step("documentation", shown, scratch, {**there, "PAGER": "cat"}, quiet=True)


if __name__ == "__main__":
    with tarfile.open(sys.argv[1]) as archive:
        extra = strangers(archive.getnames())
    for name in extra:
        print(f"not a file of the repository: {name}. Fix: add it to build_ignore in galaxy.yml")
    sys.exit(bool(extra))
