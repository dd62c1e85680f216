# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the members of a group share on disk: made once by the head, for the owner's eyes alone."""

from __future__ import annotations

import base64
import getpass
import json
import os
import stat
import types

import pytest
from ansible_collections.vllm.cluster.plugins.modules import group_files


class Failed(Exception):
    """The module ended by fail_json."""


def group(engine="e-0", role="head"):
    return {"engine": engine, "role": role}


@pytest.fixture
def run(tmp_path):
    """Apply options in a folder; gives (secrets told, files written by name)."""

    def apply(*groups, told=None, check=False, prune=True, program=None):
        def fail_json(msg):
            raise Failed(msg)

        params = {"groups": list(groups), "secrets": told or {}, "prune": prune}
        params.update(
            {"secret_dir": str(tmp_path / "groups"), "program_path": str(tmp_path / "guard.pyz"), "program": program}
        )
        module = types.SimpleNamespace(params=params, check_mode=check, fail_json=fail_json)
        writer = group_files.Writer(module)
        found = group_files.apply(module, os.getuid(), writer)
        return found, [os.path.basename(path) for path in writer.written]

    return apply


def fenced(path, *names):
    return {**group(), "not_carried": {"path": str(path), "names": list(names)}}


def test_what_ray_must_not_carry_is_written_for_all_to_read_and_goes_with_its_engine(run, tmp_path):
    path = tmp_path / "groups" / "e-0.config" / "list.json"
    assert run(fenced(path, "A", "B"))[1] == ["list.json", "e-0.secret"]
    assert json.loads(path.read_text()) == ["A", "B"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert run(fenced(path, "A", "B"))[1] == []
    assert run(fenced(path, "A", "C"), check=True)[1] == ["list.json"]
    assert run(fenced(path, "A", "C"))[1] == ["list.json"]
    assert json.loads(path.read_text()) == ["A", "C"]
    assert run(group("other-0"))[1] == ["other-0.secret", "e-0.config", "e-0.secret"]
    assert not path.parent.exists()


def test_a_folder_that_a_person_chose_is_not_written_to(run):
    assert run({**group(), "not_carried": {"path": None, "names": ["A"]}})[1] == ["e-0.secret"]


def test_a_head_makes_its_secret_once(run, tmp_path):
    first, written = run(group())
    assert written == ["e-0.secret"]
    assert len(first["e-0"]) == 64
    status = (tmp_path / "groups" / "e-0.secret").stat()
    assert stat.S_IMODE(status.st_mode) == 0o600
    assert run(group()) == (first, [])


@pytest.mark.parametrize("spoil", ["short", "mode"])
def test_a_secret_that_cannot_be_used_is_made_anew(run, tmp_path, spoil):
    first = run(group())[0]
    path = tmp_path / "groups" / "e-0.secret"
    if spoil == "short":
        path.write_text("x")
    else:
        path.chmod(0o644)
    second, written = run(group())
    assert written == ["e-0.secret"]
    assert second != first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_worker_takes_what_its_head_told(run, tmp_path):
    told = {"e-0": "s" * 64, "other-0": "t" * 64}
    assert run(group(role="worker"), told=told) == ({}, ["e-0.secret"])
    assert (tmp_path / "groups" / "e-0.secret").read_text() == "s" * 64
    assert run(group(role="worker"), told=told) == ({}, [])
    assert run(group(role="worker"), told={"e-0": "u" * 64})[1] == ["e-0.secret"]


def test_a_worker_whose_head_told_nothing_is_said(run):
    with pytest.raises(Failed, match="the head of e-0 told no secret"):
        run(group(role="worker"))
    assert run(group(role="worker"), check=True) == ({}, [])


def test_check_mode_writes_nothing_and_tells_no_secret(run, tmp_path):
    assert run(group(), check=True) == ({}, ["e-0.secret"])
    assert not (tmp_path / "groups").exists()


def test_secrets_of_engines_that_are_gone_go_too(run, tmp_path):
    run(group("old-0"), group("e-0"))
    (tmp_path / "groups" / "notes.txt").write_text("a person's")
    assert run(group("e-0"), prune=False)[1] == []
    assert run(group("e-0"))[1] == ["old-0.secret"]
    assert sorted(os.listdir(tmp_path / "groups")) == ["e-0.secret", "notes.txt"]


def test_the_program_is_replaced_where_it_differs(run, tmp_path):
    if getpass.getuser() != "root":
        pytest.skip("the program belongs to root, and this is not root")
    program = base64.b64encode(b"one").decode()
    run(group(), program=program)
    assert (tmp_path / "guard.pyz").read_bytes() == b"one"
    assert run(group(), program=program)[1] == []
    assert run(group(), program=base64.b64encode(b"two").decode())[1] == ["guard.pyz"]


def test_without_groups_nothing_of_them_is_left(run, tmp_path):
    run(group(), program=base64.b64encode(b"guard").decode())
    assert run(check=True)[1] == ["e-0.secret", "guard.pyz"]
    assert run(prune=False)[1] == []
    assert (tmp_path / "guard.pyz").exists()
    assert run(program=base64.b64encode(b"guard").decode())[1] == ["e-0.secret", "guard.pyz"]
    assert not (tmp_path / "guard.pyz").exists()
    assert list((tmp_path / "groups").iterdir()) == []
    assert run()[1] == []
