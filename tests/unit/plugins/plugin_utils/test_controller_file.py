# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files on the controller: whole or not at all, and told truly."""

from __future__ import annotations

import os
import stat

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.vllm.cluster.plugins.plugin_utils import controller_file


def test_a_file_is_made_with_its_directory_and_left_alone_when_it_is_right(tmp_path):
    path = tmp_path / "new" / "page.html"
    assert controller_file.write(str(path), "é", check_mode=False) is True
    assert path.read_text() == "é"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    before = path.stat()
    assert controller_file.write(str(path), "é", check_mode=False) is False
    assert path.stat().st_ino == before.st_ino
    assert os.listdir(path.parent) == ["page.html"]


@pytest.mark.parametrize("change", ["content", "mode"])
def test_what_differs_is_replaced(tmp_path, change):
    path = tmp_path / "page.html"
    path.write_text("old" if change == "content" else "new")
    path.chmod(0o600 if change == "mode" else 0o644)
    assert controller_file.write(str(path), "new", check_mode=False) is True
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_check_mode_tells_and_writes_nothing(tmp_path):
    path = tmp_path / "new" / "page.html"
    assert controller_file.write(str(path), "x", check_mode=True) is True
    assert list(tmp_path.iterdir()) == []


def test_a_link_stays_and_what_it_leads_to_is_written(tmp_path):
    (tmp_path / "real.html").write_text("old")
    (tmp_path / "link.html").symlink_to("real.html")
    controller_file.write(str(tmp_path / "link.html"), "new", check_mode=False)
    assert (tmp_path / "link.html").is_symlink()
    assert (tmp_path / "real.html").read_text() == "new"


@pytest.mark.parametrize("path", [".", "file/page.html"])
def test_what_cannot_be_written_is_told_in_a_line(tmp_path, path):
    (tmp_path / "file").write_text("")
    with pytest.raises(AnsibleActionFail, match=r"cannot be written: .*\. Fix: name another file"):
        controller_file.write(str(tmp_path / path), "x", check_mode=False)
    assert sorted(os.listdir(tmp_path)) == ["file"]
