# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import fcntl
import os
import stat

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.units import texts
from ansible_collections.vllm.cluster.plugins.module_utils.units.errors import UnitError
from ansible_collections.vllm.cluster.plugins.module_utils.units.host_files import HostFiles, OnDisk

NAME = "vllm-chat-0.service"
OTHER = "vllm-chat-1.service"


@pytest.fixture(name="files")
def fixture_files(tmp_path):
    (tmp_path / "systemd").mkdir()
    return HostFiles(str(tmp_path / "systemd"), str(tmp_path / "etc/vllm/units"), str(tmp_path / "var/records"))


def write_all(files, name=NAME):
    files.write_unit(name, texts.stamp(name, "[Service]\n"))
    files.write_environment(name, 'A="é"\n')
    files.write_record(name, "d1")


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def test_what_is_written_is_read(files):
    assert files.read(NAME) == OnDisk(None, None, None, link=False, modes_right=True)
    write_all(files)
    assert files.read(NAME) == OnDisk(texts.stamp(NAME, "[Service]\n"), 'A="é"\n', "d1", link=False, modes_right=True)


def test_only_unit_files_are_for_everybody(files):
    old = os.umask(0o022)
    try:
        write_all(files)
    finally:
        os.umask(old)
    assert mode(files.unit_path(NAME)) == 0o644
    assert mode(files.environment_path(NAME)) == mode(files.record_path(NAME)) == 0o600
    assert mode(files.environment_dir) == mode(files.record_dir) == 0o700


def test_a_narrow_umask_changes_no_mode(files):
    old = os.umask(0o077)
    try:
        write_all(files)
    finally:
        os.umask(old)
    assert mode(files.unit_path(NAME)) == 0o644


@pytest.mark.parametrize("path", ["unit_path", "environment_path", "record_path"])
def test_a_wrong_mode_is_seen_and_mended_by_writing(files, path):
    write_all(files)
    os.chmod(getattr(files, path)(NAME), 0o666)
    assert not files.read(NAME).modes_right
    write_all(files)
    assert files.read(NAME).modes_right


def test_a_link_is_not_followed(files, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("theirs")
    os.symlink(elsewhere, files.unit_path(NAME))
    assert files.read(NAME).link
    assert files.read(NAME).text is None


def test_a_link_in_place_of_an_environment_is_replaced(files, tmp_path):
    write_all(files)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text('A="1"\n')
    os.unlink(files.environment_path(NAME))
    os.symlink(elsewhere, files.environment_path(NAME))
    assert not files.read(NAME).modes_right
    files.write_environment(NAME, "new")
    assert elsewhere.read_text() == 'A="1"\n'
    assert not os.path.islink(files.environment_path(NAME))


def test_a_killed_runs_temporary_file_is_used_up(files):
    write_all(files)
    left = os.path.join(files.environment_dir, ".vllm-chat-0.env.new")
    with open(left, "w", encoding="utf-8") as handle:
        handle.write("half a sec")
    os.chmod(left, 0o666)
    files.write_environment(NAME, "whole")
    assert os.listdir(files.environment_dir) == ["vllm-chat-0.env"]
    assert mode(files.environment_path(NAME)) == 0o600


def test_bytes_that_are_no_text_are_read_as_different_text(files):
    with open(files.unit_path(NAME), "wb") as handle:
        handle.write(b"\xff\r\n")
    assert files.read(NAME).text == "\udcff\r\n"


def test_ours_are_stamped_files_and_what_they_left(files):
    assert files.ours() == []
    write_all(files)
    files.write_unit(texts.TARGET, texts.stamp(texts.TARGET, "[Unit]\n"))
    files.write_environment("vllm-left-0.service", "x")
    files.write_record("vllm-left-1.service", "x")
    # Others' files: without a stamp, a copy of ours, under a name that is not ours, a masked unit with a leftover.
    files.write_unit("vllm-other-0.service", "[Service]\n")
    files.write_environment("vllm-other-0.service", "x")
    files.write_unit("vllm-copy-0.service", texts.stamp(NAME, "[Service]\n"))
    files.write_unit("ssh.service", texts.stamp("ssh.service", "[Service]\n"))
    os.symlink("/dev/null", files.unit_path("vllm-masked-0.service"))
    files.write_environment("vllm-masked-0.service", "x")
    (open(os.path.join(files.environment_dir, "notes.env"), "w", encoding="utf-8")).close()
    assert files.ours() == [NAME, "vllm-left-0.service", "vllm-left-1.service", texts.TARGET]


def test_nothing_of_a_removed_unit_is_left(files):
    write_all(files)
    write_all(files, OTHER)
    wants = os.path.join(files.unit_dir, "vllm.target.wants")
    os.mkdir(wants)
    os.symlink(files.unit_path(NAME), os.path.join(wants, NAME))
    files.remove(NAME)
    files.remove(NAME)
    assert os.listdir(wants) == []
    assert files.ours() == [OTHER]
    assert files.read(OTHER).record == "d1"


@pytest.mark.parametrize("at", ["unit_path", "environment_path", "record_path"])
def test_an_interrupted_removal_is_found_again(files, monkeypatch, at):
    write_all(files)
    unlink = os.unlink

    def interrupted(path):
        if path == getattr(files, at)(NAME):
            raise KeyboardInterrupt
        unlink(path)

    monkeypatch.setattr(os, "unlink", interrupted)
    with pytest.raises(KeyboardInterrupt):
        files.remove(NAME)
    assert files.ours() == [NAME]


def test_another_owner_is_seen(files, monkeypatch):
    write_all(files)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert not files.read(NAME).modes_right


def test_one_run_at_a_time(files):
    with files.lock(), pytest.raises(UnitError, match="another run"), files.lock(wait_s=0.3):
        pass
    with files.lock(wait_s=0):
        pass
    # A lock of a dead process is no lock: it is the open file's, not a file's presence.
    handle = os.open(os.path.join(files.record_dir, ".lock"), os.O_RDWR)
    fcntl.flock(handle, fcntl.LOCK_EX)
    os.close(handle)
    with files.lock(wait_s=0):
        pass
